"""Order findings: causes above symptoms, and a symptom under the cause that explains it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mldoctor.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def ranked(
    findings: Iterable[Finding], proven: Mapping[str, tuple[str, ...]] | None = None
) -> tuple[Finding, ...]:
    """Findings in the order of the report.

    `proven` adds what treated runs have shown each cause to account for.

    A finding is folded under another one only where that one's `explains` names it: a probe lists
    there what its evidence from this very run accounts for. Folding follows the chain to its head,
    so that a symptom of a symptom stands under the cause.
    """
    proven = proven or {}
    every = sorted(
        (
            replace(f, explains=tuple(dict.fromkeys((*f.explains, *proven.get(f.name, ())))))
            for f in findings
        ),
        key=_order,
    )
    heads = dict.fromkeys(f.name for f in every)
    parent = {
        f.name: cause.name
        for cause in reversed(every)
        for f in every
        if f.name in cause.explains and f.name != cause.name
    }

    position = {name: i for i, name in enumerate(heads)}

    def head(name: str) -> str | None:
        seen = [name]
        while seen[-1] in parent and parent[seen[-1]] not in seen:
            seen.append(parent[seen[-1]])
        top = seen[-1]
        if top in parent:
            # Two findings that explain each other: the higher one of the circle stands.
            circle = seen[seen.index(parent[top]) :]
            top = min(circle, key=lambda n: position[n])
        return top if top != name else None

    folded = [replace(f, explained_by=head(f.name)) for f in every]
    return tuple(sorted(folded, key=lambda f: (f.explained_by is not None, *_order(f))))


def unexplained_symptoms(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Names of error symptoms that no cause accounts for: what a trial of treatments is for.

    A symptom under another symptom is as unexplained as that one.
    """
    every = tuple(findings)
    causes = {f.name for f in every if not f.symptom}
    return tuple(
        f.name
        for f in every
        if f.symptom and f.explained_by not in causes and f.severity is Severity.ERROR
    )


def _order(finding: Finding) -> tuple[bool, int, int, int, str, str, int]:
    """Causes first, then severity, how much it explains, evidence, name, place."""
    severity = finding.severity or Severity.NOTE
    place = finding.location
    return (
        finding.symptom,
        severity.rank,
        -len(finding.explains),
        -len(finding.evidence),
        finding.name,
        place.path if place else "",
        place.line if place else 0,
    )
