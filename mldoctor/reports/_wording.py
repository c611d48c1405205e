"""Sentences that several formats share, so that all of them say the same."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from mldoctor.findings import Location, number
from mldoctor.reports._paint import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mldoctor.findings import Evidence, Finding, Report

INTERRUPTED = "interrupted"

FEW_UPDATES = 20
"""Below this many optimizer steps most symptoms cannot show; a default run takes 200."""


def header(report: Report) -> str:
    """What was examined, for how long, on what: the first line of a report."""
    run = report.run
    name = " ".join(filter(None, ("mldoctor", report.versions.get("mldoctor"))))
    parts = [name, report.target]
    if run.files:
        parts.append(f"{counted(run.files, 'file')} read, nothing run")
        parts.append(duration(run.seconds))
    elif run.rows:
        parts.append(counted(run.rows, "row"))
        parts.append(duration(run.seconds))
    elif run.updates:
        parts.append(counted(run.updates, "optimizer step"))
        parts.append(duration(run.seconds))
        parts.append(run.device)
        parts.append("unseeded" if run.seed is None else f"seed {run.seed}")
    elif run.outcome == INTERRUPTED:
        parts.append("interrupted before the first optimizer step")
    elif run.outcome:
        parts.append("stopped before the first optimizer step")
    else:
        parts.append("no optimizer step seen")
    return clean("  ".join(parts))


def stopped(report: Report) -> str:
    """What cut the examination short, without a full stop; empty for a complete one."""
    run = report.run
    if run.outcome == INTERRUPTED:
        return "interrupted by Ctrl-C"
    if run.outcome or not run.seen:
        return clean(run.outcome.strip().rstrip(".") or "the script took no optimizer step")
    return "" if examined(report) else "none of the selected probes could judge this run"


def cut_short(report: Report) -> str:
    """The sentence about a run that was cut short; empty for a complete one."""
    cause = stopped(report)
    if not cause:
        return ""
    return f"{'Incomplete' if examined(report) else 'Nothing was examined'}: {cause}."


def incomplete(report: Report) -> str:
    """The sentences about a run that was cut short, whose last output is to follow."""
    text = cut_short(report)
    if not text:
        return ""
    lines = len(report.run.output_tail)
    if lines:
        text += f" Last {lines} lines of" if lines > 1 else " The last line of"
        text += " its output follow." if lines > 1 else " its output follows."
    return text


def last_drawn(text: str) -> str:
    """A line of the script's output as it stood at last: progress bars redraw theirs."""
    return clean(text.rstrip("\r").rsplit("\r", 1)[-1])


def examined(report: Report) -> bool:
    """Whether at least one probe could judge."""
    return bool(report.findings or report.passed or report.suppressed)


def summary(report: Report) -> str:
    """The last line. Its counts add up to the number of probes that were selected."""
    if not report.findings:
        ran = " read the source" if report.run.files else " ran"
        return f"No findings. {_unchecked(report, counted(len(report.passed), 'probe') + ran)}."
    heads, folded = causes(report)
    by_severity = Counter(str(finding.severity) for finding in heads)
    parts = [counted(by_severity[s], s) for s in ("error", "warning", "note") if by_severity[s]]
    text = ", ".join(parts)
    if folded:
        total = sum(map(len, folded.values()))
        text += f" ({counted(total, 'symptom')} folded in)"
    names = {finding.name for finding in report.findings}
    if len(names) != len(report.findings):
        text += f" from {counted(len(names), 'probe')}"
    passed = counted(len(report.passed), "probe") + " found nothing"
    return f"{text}, {_unchecked(report, passed)}."


def _unchecked(report: Report, text: str) -> str:
    missing = len(report.not_checked) + len(report.crashed)
    if missing:
        crashed = f" ({len(report.crashed)} crashed)" if report.crashed else ""
        hint = "" if report.findings or report.crashed else " (--show-skipped)"
        text += f", {missing} not checked{crashed}{hint}"
    known = sum(item.by == "baseline" for item in report.suppressed)
    if known < len(report.suppressed):
        text += f", {len(report.suppressed) - known} suppressed"
    if known:
        text += f", {known} in the baseline"
    return text


def selected(report: Report) -> int:
    """How many probes were selected for this examination."""
    names = {f.name for f in report.findings} | {s.finding.name for s in report.suppressed}
    return len(
        names
        | set(report.passed)
        | {skipped.name for skipped in report.not_checked}
        | {crashed.name for crashed in report.crashed}
    )


def causes(report: Report) -> tuple[list[Finding], dict[str, list[Finding]]]:
    """The findings that stand on their own, and the folded ones by the name they stand under.

    What is folded under something that is folded itself, or is gone, stands on its own: a finding
    must never vanish from a report.
    """
    alone = {finding.name for finding in report.findings if finding.explained_by is None}
    heads: list[Finding] = []
    folded: dict[str, list[Finding]] = {}
    for finding in report.findings:
        cause = finding.explained_by
        if cause is None or cause not in alone:
            heads.append(finding)
        else:
            folded.setdefault(cause, []).append(finding)
    return heads, folded


def unchecked(report: Report) -> list[tuple[str, str]]:
    """Name and reason of every probe that could not judge; crashes first, they are our fault."""
    crashed = [(c.name, f"crashed: {c.error}") for c in report.crashed]
    return crashed + [
        (s.name, f"{s.reason}; add {s.enable}" if s.enable else s.reason)
        for s in report.not_checked
    ]


def headline(finding: Finding) -> tuple[str, str]:
    """`error[frozen-head]` and the message."""
    return f"{finding.severity}[{finding.name}]", clean(finding.message)


def evidence(row: Evidence) -> str:
    """One row of evidence as a phrase: name, measured, expected."""
    expected = f" (expected {clean(row.expected)})" if row.expected else ""
    return f"{clean(row.name)}: {clean(row.measured)}{expected}"


def place(finding: Finding, report: Report) -> Location:
    """Where a finding is shown: its own place, else the training step, else the script."""
    return finding.location or report.run.step or Location(report.target, 1)


def verdict(report: Report) -> str:
    """What the report says, in one sentence; never silence about what was not examined."""
    if not report.findings:
        return cut_short(report) or "No findings."
    heads, _ = causes(report)
    by_severity = Counter(str(finding.severity) for finding in heads)
    parts = [counted(by_severity[s], s) for s in ("error", "warning", "note") if by_severity[s]]
    return " ".join(filter(None, (f"{', '.join(parts)}.", cut_short(report))))


def doubts(report: Report) -> list[str]:
    """What could make the verdict meaningless: a run cut short, few steps, few probes."""
    said = []
    if cause := stopped(report):
        said.append(f"The examination is incomplete: {cause}.")
    if report.run.files:
        said.append("The source was read and nothing was run; most faults show only in a run.")
    updates = report.run.updates
    if 0 < updates < FEW_UPDATES:
        was = "was" if updates == 1 else "were"
        said.append(f"Only {counted(updates, 'optimizer step')} {was} observed.")
    if report.crashed:
        said.append(f"{counted(len(report.crashed), 'probe')} crashed inside mldoctor.")
    if report.not_checked:
        missing, total = len(report.not_checked), counted(selected(report), "probe")
        said.append(f"{number(missing)} of {total} could not judge this run.")
    if report.suppressed:
        said.append(f"{counted(len(report.suppressed), 'finding')} suppressed or in the baseline.")
    return said


RUNS_TO_VERIFY = 5
"""Runs that a verification adds: three seeds with the edit, and two more without."""


def verification(finding: Finding, report: Report) -> str:
    """What came of trying the remedy; empty where there is no edit to try."""
    tried = finding.verification
    if tried is None:
        if finding.remedy is None or not finding.remedy.diff or finding.explained_by:
            return ""
        spent = f" (about {RUNS_TO_VERIFY * report.run.seconds:.0f} s: add --verify)"
        return f"not verified{': nothing was run' if report.run.files else spent}"
    if tried.outcome == "no effect":
        return f"fix removes the cause; no effect on loss visible in {tried.updates} steps"
    if tried.outcome == "no help":
        return f"fix did not help: {tried.detail}"
    if tried.outcome == "not done":
        return f"not verified: {tried.detail}"
    before, after = [t.control for t in tried.trials], [t.treated for t in tried.trials]
    seeds = f"{len(tried.trials)} of {len(tried.trials)} seeds"
    if len(tried.trials) > 1 and len({(t.control, t.treated) for t in tried.trials}) == 1:
        seeds = "1 seed, set by the script itself"  # equal runs are one measurement
    return (
        f"verified: {seeds}, {tried.updates} steps each, "
        f"unchanged script against patched script; {tried.detail} "
        f"{_range(before)} became {_range(after)}"
    )


def _range(values: list[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g}"


def to_share(report: Report) -> str:
    """The command whose output belongs into a report of a wrong finding."""
    command = report.command or ("mldoctor", "check", report.target)
    return again(command, "--redact", "--output-format", "json")


def counted(count: int, noun: str) -> str:
    """A count with its noun: "1 probe", "1,200 probes"."""
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"


def duration(seconds: float) -> str:
    """A wall time as reports show it."""
    if not math.isfinite(seconds):
        return "unknown time"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{number(minutes)} min {rest:02d} s"


SHOWN = ("--output-format", "--output", "--report", "--save-record", "--compare", "--color")
"""Options that say where a report goes and how it looks, each with a value."""

SWITCHES = ("--summary", "--quiet", "-q", "--verbose", "-v", "--show-skipped", "--show-suppressed")
"""The same, without a value."""


def again(command: Sequence[str], *extra: str) -> str:
    """The command to examine the same once more, with further flags, for a person at a terminal.

    Where its reports went does not belong to it: a suggestion must be short enough to be read.
    """
    words, kept = iter(command), []
    for word in words:
        if word == "--":
            kept += [word, *words]
        elif word in SHOWN:
            next(words, None)
        elif word not in SWITCHES and not word.startswith(tuple(f"{one}=" for one in SHOWN)):
            kept.append(word)
    return shell(kept, *extra)


def shell(command: Sequence[str], *extra: str) -> str:
    """The command that was given, with further flags, ready to be pasted."""
    import shlex

    words = [*command]
    at = words.index("--") if "--" in words else len(words)
    return clean(shlex.join([*words[:at], *extra, *words[at:]]))
