"""Apply what the user accepted to a report: comments, settings, and the baseline."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from mldoctor.findings import Suppressed
from mldoctor.rank import ranked
from mldoctor.registry import Probe, probes
from mldoctor.suppression.baseline import NO_REASON, Entry
from mldoctor.suppression.comments import Ignore, ignores
from mldoctor.suppression.own import (
    OWN,
    stale_baseline_entry,
    unexplained_ignore,
    unused_ignore,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mldoctor.findings import Finding, Report

_NO_REASON = "no reason given"


@dataclass(frozen=True, slots=True)
class Rules:
    """What is accepted.

    Attributes:
        accept: reasons by name, for the whole project.
        per_file: names, families or "all" by glob over paths in the project.
        entries: the baseline's entries of the examined script.
    """

    accept: Mapping[str, str] = field(default_factory=dict)
    per_file: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entries: tuple[Entry, ...] = ()


def applied(
    report: Report,
    rules: Rules,
    script: str,
    in_project: Callable[[str], str],
    *,
    complete: bool,
) -> Report:
    """The report with accepted findings set aside, and what is wrong with the acceptances added.

    A symptom goes with the cause that explains it: who accepts a frozen head accepts what it leads
    to. Findings about the acceptances have no fingerprint yet.

    Args:
        report: with sources and fingerprints.
        rules: what is accepted.
        script: the file that was examined, for findings without a place.
        in_project: the path of a file in the project, from the path that the report gives.
        complete: whether the run went to its end, so that absence means something.
    """
    comments = [ignore for path, text in report.sources.items() for ignore in ignores(path, text)]
    used: set[tuple[Ignore, str]] = set()
    met: Counter[str] = Counter()
    waiting = {entry.fingerprint: entry for entry in rules.entries}
    aside: list[Suppressed] = []
    kept: list[Finding] = []
    for finding in report.findings:
        covering = _covering(finding, comments, script)
        entry = waiting.get(finding.fingerprint)
        if covering:
            used |= {(comment, finding.name) for comment in covering}
            reasons = [comment.reason for comment in covering if comment.reason]
            aside.append(Suppressed(finding, (reasons or [_NO_REASON])[0], "ignore"))
        elif glob := _glob(finding, rules.per_file, in_project, script):
            aside.append(Suppressed(finding, glob, "per-file-ignores"))
        elif finding.name in rules.accept:
            aside.append(Suppressed(finding, rules.accept[finding.name], "accept"))
        elif entry is not None:
            aside.append(Suppressed(finding, entry.reason or NO_REASON, "baseline"))
        else:
            kept.append(finding)
        met[finding.fingerprint] += 1
    kept, followers = _without_followers(kept, aside)
    judged = {f.name for f in report.findings} | set(report.passed)
    stale = [
        entry for entry in rules.entries if not met[entry.fingerprint] and entry.name in judged
    ]
    about = _named("unexplained-ignore", unexplained_ignore(comments, used))
    if complete:
        about += _named("unused-ignore", unused_ignore(comments, used, judged, _known()))
        about += _named("stale-baseline-entry", stale_baseline_entry(stale))
    about = [f for f in about if not _accepted(f, rules, in_project, script)]
    return replace(
        report,
        findings=ranked((*kept, *about)),
        suppressed=(*report.suppressed, *aside, *followers),
    )


def _covering(finding: Finding, comments: Iterable[Ignore], script: str) -> list[Ignore]:
    """The comments that ignore a finding; one without a place stands for the whole script."""
    place = finding.location
    path, line = (place.path, place.line) if place else (script, -1)
    return [
        comment
        for comment in comments
        if finding.name in comment.names and comment.path == path and comment.covers(line)
    ]


def _glob(
    finding: Finding,
    per_file: Mapping[str, tuple[str, ...]],
    in_project: Callable[[str], str],
    script: str,
) -> str:
    """The glob that leaves a finding out."""
    path = in_project(finding.location.path if finding.location else script)
    mine = {finding.name, finding.family, "all"}
    for glob, names in per_file.items():
        if mine.intersection(names) and fnmatchcase(path, glob):
            return f"{glob} leaves it out"
    return ""


def _without_followers(
    kept: list[Finding], aside: list[Suppressed]
) -> tuple[list[Finding], list[Suppressed]]:
    """Set aside the symptoms whose every cause was set aside."""
    standing = {finding.name for finding in kept}
    causes = {item.finding.name: item for item in aside}
    rest: list[Finding] = []
    followers: list[Suppressed] = []
    for finding in kept:
        cause = finding.explained_by
        if cause in causes and cause not in standing:
            followers.append(replace(causes[cause], finding=finding))
        else:
            rest.append(finding)
    return rest, followers


def _named(name: str, findings: Iterable[Finding]) -> list[Finding]:
    probe: Probe = OWN[name]
    return [
        replace(finding, name=name, family=probe.family, severity=probe.severity)
        for finding in findings
    ]


def _accepted(
    finding: Finding, rules: Rules, in_project: Callable[[str], str], script: str
) -> bool:
    """Whether the settings leave out this finding about an acceptance."""
    return finding.name in rules.accept or bool(_glob(finding, rules.per_file, in_project, script))


def _known() -> list[str]:
    return [*probes(), *OWN]
