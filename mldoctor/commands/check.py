"""`mldoctor check`: examine a training script that nobody edited."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from mldoctor.commands._output import prepare

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
        return [*super().collect_usage_pieces(ctx), "[-- SCRIPT ARGUMENTS]"]


def _names(values: list[str] | None) -> list[str] | None:
    """`--select a --select b` and `--select a,b` mean the same."""
    if values is None:
        return None
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def check(
    ctx: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="A training script, or a module as python -m takes it."
        ),
    ],
    *,
    module: Annotated[
        bool,
        typer.Option("-m", "--module", help="TARGET is a module, even if a file has its name."),
    ] = False,
    select: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Probes and families to run (all).")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Probes and families to leave out.")
    ] = None,
    extend_select: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Probes and families to run in addition."),
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(metavar="N", help="Optimizer steps at most (200).")
    ] = None,
    max_minutes: Annotated[
        float | None,
        typer.Option(metavar="MINUTES", help="Time at most, start-up included (10)."),
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Time of examination after the first update (60)."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="N", help="Seed for the script's random generators (0)."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="DEVICE", help="cpu, cuda, ...; auto leaves it to the script (auto)."),
    ] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(
            metavar="[error|warning|note|never]",
            help="The mildest severity that exits 1 (error).",
        ),
    ] = None,
    strict: Annotated[
        bool | None,
        typer.Option("--strict/--no-strict", help="Exit 3 if a probe crashed or could not run."),
    ] = None,
    exit_zero: Annotated[
        bool | None,
        typer.Option("--exit-zero/--no-exit-zero", help="Exit 0 where findings would exit 1."),
    ] = None,
    output_format: Annotated[
        str | None,
        typer.Option(
            metavar="[full|concise|json]",
            help="The form of the report (full on a terminal and in a file, concise in a pipe).",
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the report to a file.")
    ] = None,
    color: Annotated[
        str | None,
        typer.Option(
            metavar="[auto|always|never]",
            help="Colour (auto); stands above NO_COLOR and FORCE_COLOR.",
        ),
    ] = None,
    quiet: Annotated[
        bool | None, typer.Option("-q/ ", "--quiet/--no-quiet", help="Findings only.")
    ] = None,
    verbose: Annotated[
        bool | None,
        typer.Option(
            "-v/ ",
            "--verbose/--no-verbose",
            help="Also the probes that found nothing, and more evidence.",
        ),
    ] = None,
    show_skipped: Annotated[
        bool | None,
        typer.Option("--show-skipped/--no-show-skipped", help="All that was not checked."),
    ] = None,
    show_suppressed: Annotated[
        bool | None,
        typer.Option("--show-suppressed/--no-show-suppressed", help="Accepted findings."),
    ] = None,
    stream: Annotated[
        bool | None,
        typer.Option("-s/ ", "--stream/--no-stream", help="Show the script's output on stderr."),
    ] = None,
    isolated: Annotated[
        bool,
        typer.Option("--isolated", envvar="MLDOCTOR_ISOLATED", help="Ignore pyproject.toml files."),
    ] = False,
    config: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Set one key of [tool.mldoctor]; repeatable."),
    ] = None,
) -> None:
    """Run a training script under observation and report what is wrong with its training.

    The script is not edited and leaves no trace. Everything after -- goes to it.

    \b
    Examples:
      mldoctor check train.py
      mldoctor check train.py --select model,loop -- --epochs 1
      mldoctor check package.train --output-format json --output report.json

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
    from mldoctor.checkup import checkup, exit_code
    from mldoctor.commands._report import show
    from mldoctor.progress import shown
    from mldoctor.settings import load
    from mldoctor.target import folder, resolve

    flags: dict[str, Any] = {
        "select": _names(select),
        "ignore": _names(ignore),
        "extend_select": _names(extend_select),
        "max_steps": max_steps,
        "max_minutes": max_minutes,
        "budget": budget,
        "seed": seed,
        "device": device,
        "fail_on": fail_on,
        "strict": strict,
        "exit_zero": exit_zero,
        "output_format": output_format,
        "output": output,
        "color": color,
        "quiet": quiet,
        "verbose": verbose,
        "show_skipped": show_skipped,
        "show_suppressed": show_suppressed,
        "stream": stream,
    }
    trainee = resolve(target, ctx.meta[SCRIPT_ARGUMENTS], as_module=module)
    settings = load(flags, overrides=config or (), start=folder(trainee), isolated=isolated)
    if settings.output:
        prepare(Path(settings.output))
    wanted = not (settings.quiet or settings.stream)
    with shown(trainee.path_or_module, sys.stderr, os.environ, wanted=wanted) as on_progress:
        report = checkup(trainee, settings, on_progress, ("mldoctor", *sys.argv[1:]))
    show(report, settings)
    raise typer.Exit(exit_code(report, settings))
