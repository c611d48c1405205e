"""`mldoctor report`: the report of an earlier run, in any format and without training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mldoctor.commands import _options as options  # noqa: TC001 - typer reads the annotations
from mldoctor.commands._options import as_flags


def report(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="What mldoctor check --save-record wrote.")
    ],
    *,
    fail_on: options.FailOn = None,
    strict: options.Strict = None,
    exit_zero: options.ExitZero = None,
    output_format: options.OutputFormat = None,
    output: options.Output = None,
    report_file: options.ReportFile = None,
    summary: options.Summary = None,
    compare: options.Compare = None,
    redact: options.Redact = None,
    include_examples: options.IncludeExamples = None,
    color: options.Color = None,
    quiet: options.Quiet = None,
    verbose: options.Verbose = None,
    show_skipped: options.ShowSkipped = None,
    show_suppressed: options.ShowSuppressed = None,
    isolated: options.Isolated = False,
    config: options.Config = None,
) -> None:
    """Report on a saved record: the same as the run itself reported, in any format.

    The record holds the selected probes, the acceptances and the sources of its run. It also holds
    absolute paths: send a report made with --redact to strangers, not the record.

    \b
    Examples:
      mldoctor check train.py --save-record run.json
      mldoctor report run.json --output-format html --output report.html

    Exit codes are those of mldoctor check.
    """  # noqa: D301 - \b is a mark of the help formatter, and must reach it
    flags = as_flags(locals())
    from mldoctor import case
    from mldoctor.checkup import exit_code
    from mldoctor.commands._report import base_of, prepare_files, show
    from mldoctor.settings import load

    settings = load(flags, overrides=config or (), isolated=isolated)
    saved = case.read(Path(file))
    base = base_of(settings)
    prepare_files(settings)
    made = case.report_of(saved)
    show(made, settings, saved, base)
    raise typer.Exit(exit_code(made, settings))
