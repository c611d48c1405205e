"""Examine a script as a user does: what the tests of probes and of the clinic share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mldoctor.checkup import checkup
from mldoctor.settings import Settings
from mldoctor.trainee.process import Target

if TYPE_CHECKING:
    from pathlib import Path

    from mldoctor.findings import Report


def examine(path: Path) -> Report:
    """The report on one script, run in a process of its own with the default settings."""
    return checkup(Target(str(path)), Settings(), lambda _progress: None)


def alarms(report: Report) -> list[str]:
    """Errors and warnings, one line each."""
    return [
        f"{f.severity}[{f.name}] {f.message} ({f.evidence})"
        for f in report.findings
        if f.severity != "note"
    ]
