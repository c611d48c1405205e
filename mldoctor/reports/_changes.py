"""What has changed since the report of a base: new, fixed and unchanged findings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.reports import _wording as wording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mldoctor.findings import Finding, Report


@dataclass(frozen=True, slots=True)
class Change:
    """The difference between two reports, by their causes.

    Attributes:
        new: findings that the base does not have.
        unchanged: findings that both have.
        fixed: names of the base's findings whose probe judged again and found nothing of the kind.
        unknown: names of the base's findings whose probe could not judge this time.
    """

    new: tuple[Finding, ...]
    unchanged: tuple[Finding, ...]
    fixed: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def any(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.new or self.fixed or self.unknown)

    @property
    def words(self) -> str:
        """The change in one sentence."""
        parts = [f"{len(self.new)} new", f"{len(self.fixed)} fixed"]
        parts.append(f"{len(self.unchanged)} unchanged")
        if self.unknown:
            parts.append(f"{len(self.unknown)} not checked again")
        return ", ".join(parts) + "."


def compared(report: Report, base: Mapping[str, Any]) -> Change:
    """The change from `base`, the JSON report of another run, to this report."""
    heads, _ = wording.causes(report)
    alone = {f["name"] for f in base["findings"] if f["explained_by"] is None}
    before = [f for f in base["findings"] if f["explained_by"] not in alone]
    waiting = Counter(_key_of(f) for f in before)
    new, unchanged = [], []
    for head in heads:
        key = _key(head)
        (unchanged if waiting[key] else new).append(head)
        waiting[key] = max(0, waiting[key] - 1)
    judged = {*report.passed, *(f.name for f in report.findings)}
    judged |= {s.finding.name for s in report.suppressed}
    gone = [key[0] for key, count in waiting.items() for _ in range(count)]
    return Change(
        tuple(new),
        tuple(unchanged),
        tuple(name for name in gone if name in judged),
        tuple(name for name in gone if name not in judged),
    )


def _key(finding: Finding) -> tuple[str, str]:
    place = finding.location
    return finding.name, finding.fingerprint or (place.path if place else "") + finding.subject


def _key_of(finding: Mapping[str, Any]) -> tuple[str, str]:
    place = finding["location"] or {"path": ""}
    return finding["name"], finding["fingerprint"] or place["path"] + (finding["subject"] or "")
