"""`mldoctor check`: examine a training script that nobody edited."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from mldoctor.commands import _options as options  # noqa: TC001 - typer reads the annotations
from mldoctor.commands._options import as_flags

if TYPE_CHECKING:
    from mldoctor.case import Case
    from mldoctor.findings import Report

SCRIPT_ARGUMENTS = "mldoctor.script_arguments"


class CheckCommand(TyperCommand):
    """Keeps what follows `--` for the script, so that a stray second target is still an error."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Set the script's arguments aside and parse the others."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[SCRIPT_ARGUMENTS] = tuple(args[at + 1 :])
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The usage line, with the part that goes to the script."""
        pieces = [*super().collect_usage_pieces(ctx), "[-- SCRIPT ARGUMENTS]"]
        return [piece.replace("{TARGET}...", "TARGET") for piece in pieces]


def check(
    ctx: typer.Context,
    target: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGET",
            help="A training script, or a module as python -m takes it. "
            "With --static: files and folders.",
        ),
    ],
    *,
    static: options.Static = None,
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
    fail_on: options.FailOn = None,
    strict: options.Strict = None,
    exit_zero: options.ExitZero = None,
    output_format: options.OutputFormat = None,
    output: options.Output = None,
    report_file: options.ReportFile = None,
    summary: options.Summary = None,
    compare: options.Compare = None,
    save_record: options.SaveRecord = None,
    redact: options.Redact = None,
    include_examples: options.IncludeExamples = None,
    baseline: options.Baseline = None,
    prune_baseline: options.PruneBaseline = None,
    verify: options.Verify = None,
    verify_budget: options.VerifyBudget = None,
    diff: options.Diff = None,
    fix: options.Fix = None,
    unverified_fixes: options.UnverifiedFixes = None,
    allow_dirty: options.AllowDirty = None,
    color: options.Color = None,
    quiet: options.Quiet = None,
    verbose: options.Verbose = None,
    show_skipped: options.ShowSkipped = None,
    show_suppressed: options.ShowSuppressed = None,
    stream: options.Stream = None,
    isolated: options.Isolated = False,
    config: options.Config = None,
) -> None:
    """Run a training script under observation and report what is wrong with its training.

    The script is not edited and leaves no trace. Everything after -- goes to it.

    \b
    Examples:
      mldoctor check train.py
      mldoctor check train.py --select model,loop -- --epochs 1
      mldoctor check package.train --output-format json --output report.json
      mldoctor check train.py --report sarif=a.sarif --report html=a.html
      mldoctor check train.py --fix
      mldoctor check --static src train.py

    \b
    Exit codes:
      0    nothing at or above --fail-on
      1    findings at or above --fail-on
      2    mldoctor could not do it: usage, configuration or internal error
      3    incomplete: the script failed, or took no optimizer step
      130  interrupted; the partial report is printed

    Every option has a key in [tool.mldoctor] of pyproject.toml (max-steps = 50) and a variable
    (MLDOCTOR_MAX_STEPS=50). A flag counts before a variable, a variable before the file.
    """  # noqa: D301 - \b is a mark of the help formatter, and must reach it
    flags = as_flags(locals())
    script, *others = target
    from mldoctor.checkup import checkup, exit_code
    from mldoctor.commands._fix import fixed, show_patches
    from mldoctor.commands._report import base_of, leave, prepare_files, show, unfinished
    from mldoctor.commands._static import near, only_read
    from mldoctor.commands.baseline import pruned
    from mldoctor.errors import ExitCode, MldoctorError
    from mldoctor.progress import shown
    from mldoctor.settings import load
    from mldoctor.target import folder, resolve
    from mldoctor.verification import verified

    if static or others:
        settings = load(flags, overrides=config or (), start=near(script), isolated=isolated)
    else:
        trainee = resolve(script, ctx.meta[SCRIPT_ARGUMENTS], as_module=module)
        settings = load(flags, overrides=config or (), start=folder(trainee), isolated=isolated)
    if settings.static:
        only_read(ctx, target, settings, flags)
    if others:
        ctx.fail(f"Got unexpected extra argument ({others[0]}); only --static takes several files")
    base = base_of(settings)
    prepare_files(settings)
    wanted = not (settings.quiet or settings.stream)
    command = ("mldoctor", *sys.argv[1:])
    cases: list[Case] = []
    report = None
    try:
        with shown(trainee.path_or_module, sys.stderr, os.environ, wanted=wanted) as on_progress:

            def examine() -> Report:
                done = checkup(trainee, settings, on_progress, command, cases.append)
                if settings.verify or settings.fix:
                    return verified(cases[-1], done, trainee, settings, on_progress)
                return done

            report = examine()
            if settings.fix:
                report = fixed(report, settings, Path(cases[0].root), examine)
    finally:
        failure = sys.exception()
        if report is None and failure is not None and not isinstance(failure, MldoctorError):
            leave(unfinished(script, command, failure), settings)
    if settings.prune_baseline and cases:
        cases, report = pruned(cases[0], report, settings)
    if settings.diff:
        raise typer.Exit(ExitCode.FINDINGS if show_patches(report) else exit_code(report, settings))
    show(report, settings, cases[-1] if cases else None, base)
    raise typer.Exit(exit_code(report, settings))
