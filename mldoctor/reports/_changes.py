"""What has changed since the report of a base: new, fixed and unchanged findings."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.configuration import shown
from mldoctor.errors import SettingsError
from mldoctor.findings import SCHEMA_VERSION
from mldoctor.reports import _wording as wording

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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


def read_base(path: Path) -> dict[str, Any]:
    """A JSON report to compare with.

    Raises:
        SettingsError: when the file is none of this version.
    """
    hint = "write it with --report json=FILE"
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"--compare {shown(path)} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"--compare {shown(path)} is not JSON: {error}; {hint}") from error
    findings = data.get("findings") if isinstance(data, dict) else None
    if (
        not isinstance(findings, list)
        or data.get("schema_version") != SCHEMA_VERSION
        or not all(isinstance(f, dict) and isinstance(f.get("name"), str) for f in findings)
    ):
        raise SettingsError(
            f"--compare {shown(path)} is no report of schema version {SCHEMA_VERSION}; {hint}"
        )
    return dict(data)


def compared(report: Report, base: Mapping[str, Any]) -> Change:
    """The change from `base`, the JSON report of another run, to this report."""
    heads, _ = wording.causes(report)
    alone = {f["name"] for f in base["findings"] if f.get("explained_by") is None}
    before = [f for f in base["findings"] if f.get("explained_by") not in alone]
    waiting = Counter(_key_of(f) for f in before)
    new: list[Finding] = []
    unchanged: list[Finding] = []
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
    place = finding.get("location") or {}
    told = str(place.get("path", "")) + (finding.get("subject") or "")
    return finding["name"], finding.get("fingerprint") or told
