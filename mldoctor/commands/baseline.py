"""`mldoctor baseline`: accept what a training script shows now, so that only news is reported."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mldoctor.commands import _options as options  # noqa: TC001 - typer reads the annotations
from mldoctor.commands._options import as_flags
from mldoctor.commands._output import notice, save, write
from mldoctor.commands.check import SCRIPT_ARGUMENTS

if TYPE_CHECKING:
    from mldoctor.case import Case
    from mldoctor.findings import Report
    from mldoctor.settings import Settings
    from mldoctor.suppression.baseline import Entry


def baseline(
    ctx: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="A training script, or a module as python -m takes it."
        ),
    ],
    *,
    module: options.Module = False,
    select: options.Select = None,
    ignore: options.Ignore = None,
    extend_select: options.ExtendSelect = None,
    max_steps: options.MaxSteps = None,
    max_minutes: options.MaxMinutes = None,
    budget: options.Budget = None,
    seed: options.Seed = None,
    device: options.Device = None,
    memory_limit: options.MemoryLimit = None,
    baseline: options.Baseline = None,
    stream: options.Stream = None,
    isolated: options.Isolated = False,
    config: options.Config = None,
) -> None:
    """Run a training script and write what is found to a baseline; later runs report what is new.

    Entries of other scripts stay, and so do reasons that were written into the file by hand.

    \b
    Examples:
      mldoctor baseline train.py
      mldoctor baseline train.py --baseline ci/known.json -- --epochs 1
    """  # noqa: D301 - \b is a mark of the help formatter, and must reach it
    flags = as_flags(locals())
    from mldoctor.checkup import checkup, exit_code
    from mldoctor.configuration import shown as shown_path
    from mldoctor.errors import ExitCode
    from mldoctor.progress import shown
    from mldoctor.reports import _wording as wording
    from mldoctor.settings import load
    from mldoctor.suppression.baseline import FILE, read, renewed, written
    from mldoctor.target import folder, resolve

    trainee = resolve(target, ctx.meta[SCRIPT_ARGUMENTS], as_module=module)
    settings = load(flags, overrides=config or (), start=folder(trainee), isolated=isolated)
    cases: list[Case] = []
    progress = shown(trainee.path_or_module, sys.stderr, os.environ, wanted=not settings.stream)
    with progress as on_progress:
        unaccepting = replace(settings, baseline="none")
        report = checkup(
            trainee, unaccepting, on_progress, ("mldoctor", *sys.argv[1:]), cases.append
        )
    case = cases[0]
    if wording.stopped(report):
        notice(f"{wording.cut_short(report)} The baseline is not written.")
        code = exit_code(report, replace(unaccepting, fail_on="never"))
        raise typer.Exit(code or ExitCode.INCOMPLETE)
    automatic = settings.baseline in {"auto", "none", ""}
    path = Path(case.root, FILE) if automatic else Path(settings.baseline)
    entries = entries_of(report, case)
    old = read(path) if path.is_file() else ()
    save(written(renewed(old, entries, case.project_target)), path, "--baseline")
    count = wording.counted(len(entries), "finding")
    write(f"{shown_path(path)}: {count} of {case.project_target}\n")
    write("".join(f"  {entry.name}  {entry.path}\n" for entry in entries))


def entries_of(report: Report, case: Case) -> tuple[Entry, ...]:
    """An entry for every cause; what is folded under it goes with it."""
    from mldoctor.reports import _wording as wording
    from mldoctor.suppression.baseline import entry_of
    from mldoctor.suppression.own import OWN

    heads, _ = wording.causes(report)
    return tuple(
        entry_of(
            head,
            case.project_target,
            case.in_project(head.location.path if head.location else case.script),
        )
        for head in heads
        if head.name not in OWN
    )


def pruned(case: Case, report: Report, settings: Settings) -> tuple[list[Case], Report]:
    """The case and its report after entries that no longer occur left the baseline file."""
    from mldoctor.case import report_of
    from mldoctor.checkup import baseline_path
    from mldoctor.configuration import shown as shown_path
    from mldoctor.reports import _wording as wording
    from mldoctor.suppression.baseline import read, written

    stale = {f.subject for f in report.findings if f.name == "stale-baseline-entry"}
    path = baseline_path(settings, Path(case.root))
    if not stale or path is None:
        return [case], report
    mine = case.project_target
    kept = [e for e in read(path) if e.target != mine or e.fingerprint not in stale]
    save(written(kept), path, "--prune-baseline")
    notice(f"{shown_path(path)}: {wording.counted(len(stale), 'entry')} removed")
    rules = replace(
        case.rules,
        entries=tuple(e for e in case.rules.entries if e.fingerprint not in stale),
    )
    case = replace(case, rules=rules)
    return [case], report_of(case)
