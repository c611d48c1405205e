"""What mldoctor finds about its own comments and files: they have names and pages as probes do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mldoctor.errors import UnknownNameError
from mldoctor.findings import Evidence, Finding, Location, Remedy, Severity
from mldoctor.registry import Probe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from mldoctor.suppression.baseline import Entry
    from mldoctor.suppression.comments import Ignore


def unused_ignore(
    comments: Iterable[Ignore],
    used: Collection[tuple[Ignore, str]],
    judged: Collection[str],
    known: Collection[str],
) -> Iterator[Finding]:
    """A comment ignores a finding that does not occur.

    ## What it finds

    `# mldoctor: ignore[NAME]` or `# mldoctor: file-ignore[NAME]` where the probe `NAME` judged the
    run and found nothing that the comment covers, where there is no probe of that name, or where
    the comment names nothing.

    ## Why it matters

    The fault was mended, or the comment stands in the wrong place. Left behind, it hides the same
    fault when it comes back.

    ## How it is measured

    After a complete run, over the script and the modules of the project that it imports. Nothing is
    said of a probe that was not selected or could not judge.

    ## When it is wrong

    A finding that depends on the seed, the device or the arguments of the script may be absent in
    one run and present in another.
    """
    for comment in comments:
        place = Location(comment.path, comment.line, comment.column, "written here")
        if not comment.names:
            yield Finding(
                "an ignore without names ignores nothing",
                location=place,
                subject="[]",
                remedy=Remedy("name the findings in brackets: ignore[frozen-head]"),
            )
        for name in comment.names:
            if name not in known:
                said = str(UnknownNameError("probe", name, known))
                yield Finding(
                    "an ignore names a probe that does not exist",
                    evidence=(Evidence("name", said),),
                    location=place,
                    subject=name,
                    remedy=Remedy("correct the name, or remove the comment"),
                )
            elif name in judged and (comment, name) not in used:
                yield Finding(
                    f"an ignore of {name} suppresses nothing",
                    location=place,
                    subject=name,
                    remedy=Remedy("remove the comment"),
                )


def unexplained_ignore(
    comments: Iterable[Ignore], used: Collection[tuple[Ignore, str]]
) -> Iterator[Finding]:
    """A comment ignores a finding without saying why.

    ## What it finds

    `# mldoctor: ignore[NAME]` with no words behind the bracket, where it suppressed something.

    ## Why it matters

    Who reads the line later cannot tell an intention from an oversight.

    ## How it is measured

    By reading the comment. Nothing is said of a comment that suppressed nothing.

    ## When it is wrong

    When the reason stands in another comment nearby.
    """
    for comment in comments:
        names = [name for name in comment.names if (comment, name) in used]
        if names and not comment.reason:
            yield Finding(
                f"an ignore of {', '.join(names)} has no reason",
                location=Location(comment.path, comment.line, comment.column, "written here"),
                subject=",".join(names),
                remedy=Remedy("write the reason behind the bracket"),
            )


def stale_baseline_entry(entries: Iterable[Entry]) -> Iterator[Finding]:
    """The baseline holds a finding that no longer occurs.

    ## What it finds

    An entry of the baseline whose probe judged the run and no longer finds that fault there.

    ## Why it matters

    The fault was mended. Left in the baseline, the entry would hide it when it comes back.

    ## How it is measured

    By fingerprint: name, path, enclosing function and object, never lines or figures. Only entries
    of the script that was examined count, after a complete run.

    ## When it is wrong

    After a function or file was renamed the finding is reported as new and its entry as stale:
    both are mended by writing the baseline again.
    """
    for entry in entries:
        where = f" in {entry.function}" if entry.function else ""
        yield Finding(
            f"the baseline entry of {entry.name} no longer occurs",
            evidence=(Evidence("entry", f"{entry.path}{where}"),),
            subject=entry.fingerprint,
            remedy=Remedy("remove it with --prune-baseline"),
        )


def _probe(name: str, severity: Severity, judge: object) -> Probe:
    return Probe(
        name=name,
        severity=severity,
        judge=judge,  # type: ignore[arg-type] # called by suppression, which knows its parameters
        needs=(),
        optional=frozenset(),
        extra=frozenset(),
        options={},
        explains=(),
        symptom=False,
        status="stable",
        since="0.1.0",
        package="mldoctor",
    )


OWN = {
    "stale-baseline-entry": _probe("stale-baseline-entry", Severity.ERROR, stale_baseline_entry),
    "unexplained-ignore": _probe("unexplained-ignore", Severity.NOTE, unexplained_ignore),
    "unused-ignore": _probe("unused-ignore", Severity.WARNING, unused_ignore),
}
