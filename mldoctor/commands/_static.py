"""`mldoctor check --static`: read source files and run nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from mldoctor.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mldoctor.settings import Settings

NEEDS_A_RUN = ("verify", "diff", "fix", "unverified_fixes", "prune_baseline", "stream")
"""Flags that ask for something that reading cannot give."""


def near(target: str) -> Path:
    """The folder whose configuration holds for a file or folder."""
    path = Path(target)
    return path if path.is_dir() else path.parent


def only_read(
    ctx: typer.Context, targets: Sequence[str], settings: Settings, flags: Mapping[str, Any]
) -> NoReturn:
    """Examine the source alone, show the report, and exit.

    Raises:
        SettingsError: for a flag that asks for a run.
    """
    from mldoctor.case import report_of
    from mldoctor.checkup import exit_code
    from mldoctor.commands._report import base_of, prepare_files, show
    from mldoctor.commands.check import SCRIPT_ARGUMENTS
    from mldoctor.source.examination import examine

    if ctx.params.get("module"):
        ctx.fail("--static reads files; leave out --module")
    asked = [name for name in NEEDS_A_RUN if flags.get(name)]
    if asked:
        raise SettingsError(f"--{asked[0].replace('_', '-')} needs a run; leave out --static")
    if ctx.meta[SCRIPT_ARGUMENTS]:
        raise SettingsError("--static runs nothing, so nothing takes the arguments behind --")
    base = base_of(settings)
    prepare_files(settings)
    case = examine(targets, settings, ("mldoctor", *sys.argv[1:]))
    report = report_of(case)
    show(report, settings, case, base)
    raise typer.Exit(exit_code(report, settings))
