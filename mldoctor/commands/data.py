"""`mldoctor data`: examine data files without any script."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from mldoctor.commands import _options as options  # noqa: TC001 - typer reads the annotations
from mldoctor.commands._options import as_flags


def data(
    train: Annotated[
        str, typer.Argument(metavar="TRAIN", help="The training data: file or folder.")
    ],
    val: Annotated[str | None, typer.Argument(metavar="[VAL]", help="Validation data.")] = None,
    test: Annotated[str | None, typer.Argument(metavar="[TEST]", help="Test data.")] = None,
    *,
    text: Annotated[str | None, typer.Option(metavar="COLUMN", help="The input text.")] = None,
    label: Annotated[str | None, typer.Option(metavar="COLUMN", help="The label.")] = None,
    group: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="User, patient, speaker, document, ...")
    ] = None,
    time: Annotated[str | None, typer.Option(metavar="COLUMN", help="Date or time.")] = None,
    split: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Names the split of each row of TRAIN.")
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="[auto|local|daft|ray]", help="Where the work is done (auto).")
    ] = "auto",
    address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a running Ray cluster.")
    ] = None,
    memory_limit: Annotated[
        int, typer.Option(metavar="MB", min=16, help="For the index of near copies (1024).")
    ] = 1024,
    select: options.Select = None,
    ignore: options.Ignore = None,
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
    """Look for rows in more than one split, duplicates, conflicting labels and empty rows.

    Reads csv, tsv, jsonl, parquet and arrow files, folders of parquet files, Hugging Face dataset
    folders and image folders with one folder a class. Nothing is changed and nothing is sent.
    Addresses such as s3://bucket/train.parquet are read with Daft (pip install 'mldoctor[data]'),
    and so is parquet from 2 GB on; --engine ray spreads the work over a Ray cluster.

    \b
    Examples:
      mldoctor data train.csv val.csv test.csv --label sentiment
      mldoctor data reviews.parquet --split split --text review
      mldoctor data images/train images/val
      mldoctor data s3://corpus/train.parquet test.parquet --engine ray --address ray://head:10001

    Exit codes are those of mldoctor check.
    """  # noqa: D301 - \b is a mark of the help formatter, and must reach it
    given = locals()
    own = ("train", "val", "test", "text", "label", "group", "time", "split", "memory_limit",
           "engine", "address")  # fmt: skip
    flags = as_flags({name: value for name, value in given.items() if name not in own})
    from mldoctor.case import report_of
    from mldoctor.checkup import exit_code
    from mldoctor.commands._output import notice
    from mldoctor.commands._report import base_of, prepare_files, show
    from mldoctor.data.examination import Request, examine
    from mldoctor.data.progress import shown
    from mldoctor.settings import load

    settings = load(flags, overrides=config or (), start=Path.cwd(), isolated=isolated)
    base = base_of(settings)
    prepare_files(settings)
    request = Request(
        paths=tuple(p for p in (train, val, test) if p is not None),
        text=text,
        label=label,
        group=group,
        time=time,
        split=split,
        memory=memory_limit << 20,
        engine=engine,
        address=address,
    )
    with shown(sys.stderr, os.environ, wanted=not settings.quiet) as progress:
        case = examine(request, settings, progress, ("mldoctor", *sys.argv[1:]))
    report = report_of(case)
    if case.record.run.headline:
        notice(f"mldoctor: {case.record.run.headline}")
    show(report, settings, case, base)
    raise typer.Exit(exit_code(report, settings))
