"""Examine a script in this process: what the tests of probes and of the clinic share."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from mldoctor.examine import judge
from mldoctor.findings import Report
from mldoctor.observe import examine_program
from mldoctor.registry import select
from mldoctor.settings import Settings
from mldoctor.trainee import program
from mldoctor.trainee.sandbox import Sandbox

BUDGET = 60.0


def examine(path: Path, scratch: Path, **settings) -> Report:
    """The report on one script, run with the sandbox on and its output swallowed."""
    chosen_settings = Settings(budget=BUDGET, **settings)
    chosen = select(chosen_settings.select, chosen_settings.ignore)
    scratch.mkdir(exist_ok=True)
    swallowed = io.StringIO()
    with (
        Sandbox(scratch, path.parent),
        contextlib.redirect_stdout(swallowed),
        contextlib.redirect_stderr(swallowed),
    ):
        record = examine_program(
            lambda: program.run_script(str(path)), chosen, chosen_settings, lambda _message: None
        )
    return judge(record, chosen, {}, path.name)


def alarms(report: Report) -> list[str]:
    """Errors and warnings, one line each."""
    return [
        f"{f.severity}[{f.name}] {f.message} ({f.evidence})"
        for f in report.findings
        if f.severity != "note"
    ]
