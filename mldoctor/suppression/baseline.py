"""The baseline: findings that a project has accepted for now, in a file that people can edit."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from mldoctor.configuration import shown
from mldoctor.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mldoctor.findings import Finding

FILE = "mldoctor-baseline.json"
SCHEMA_VERSION = 1
NO_REASON = "in the baseline"


@dataclass(frozen=True, slots=True)
class Entry:
    """One accepted finding. What decides is the fingerprint; the rest is for people.

    Attributes:
        target: the script that shows it, relative to the project.
        reason: written by hand; shown beside the finding with `--show-suppressed`.
    """

    fingerprint: str
    target: str
    name: str
    path: str = ""
    function: str = ""
    subject: str = ""
    reason: str = ""


def read(path: Path) -> tuple[Entry, ...]:
    """The entries of a baseline file.

    Raises:
        SettingsError: when it cannot be read as one.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"baseline {shown(path)} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"baseline {shown(path)} is not JSON: {error}") from error
    if not isinstance(data, dict) or data.get("schema_version") != SCHEMA_VERSION:
        raise SettingsError(
            f"baseline {shown(path)} is not of schema version {SCHEMA_VERSION}; "
            "write it again with mldoctor baseline"
        )
    entries = data.get("entries")
    if not isinstance(entries, list):
        raise SettingsError(f"baseline {shown(path)} must hold a list of entries")
    return tuple(_entry(entry, f"{shown(path)}, entry {at}") for at, entry in enumerate(entries, 1))


def _entry(data: object, place: str) -> Entry:
    known = [field.name for field in fields(Entry)]
    if not isinstance(data, dict) or not all(isinstance(v, str) for v in data.values()):
        raise SettingsError(f"baseline {place} must be an object of texts, not {data!r}")
    missing = [name for name in ("fingerprint", "target", "name") if not data.get(name)]
    unknown = [name for name in data if name not in known]
    if missing or unknown:
        said = f"lacks {missing[0]!r}" if missing else f"has an unknown key {unknown[0]!r}"
        raise SettingsError(f"baseline {place} {said}; its keys are {', '.join(known)}")
    return Entry(**data)


def entry_of(finding: Finding, target: str, path: str) -> Entry:
    """The entry that accepts a finding of the script `target`, both relative to the project."""
    return Entry(
        fingerprint=finding.fingerprint,
        target=target,
        name=finding.name,
        path=path,
        function=finding.function,
        subject=finding.subject,
    )


def renewed(old: Iterable[Entry], new: Iterable[Entry], target: str) -> tuple[Entry, ...]:
    """The entries after `target` was examined again: other scripts' entries and reasons stay."""
    old = tuple(old)
    reasons = {(entry.target, entry.fingerprint): entry.reason for entry in old}
    return (
        *(entry for entry in old if entry.target != target),
        *(replace(e, reason=reasons.get((e.target, e.fingerprint), "")) for e in new),
    )


def written(entries: Iterable[Entry]) -> str:
    """The entries as the text of a file, in an order that gives small diffs."""
    ordered = sorted(entries, key=lambda e: (e.target, e.path, e.name, e.fingerprint))
    data: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "entries": [asdict(entry) for entry in ordered],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
