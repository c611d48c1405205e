"""The options that several commands share, one for each setting."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mldoctor.reports import formats

_FORMATS = ", ".join(formats())

Module = Annotated[
    bool, typer.Option("-m", "--module", help="TARGET is a module, even if a file has its name.")
]
Static = Annotated[
    bool | None,
    typer.Option("--static/--no-static", help="Read the files, run nothing: seconds, no training."),
]
Select = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Probes and families to run (all).")
]
Ignore = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Probes and families to leave out.")
]
ExtendSelect = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Probes and families to run in addition.")
]
MaxSteps = Annotated[int | None, typer.Option(metavar="N", help="Optimizer steps at most (200).")]
MaxMinutes = Annotated[
    float | None,
    typer.Option(metavar="MINUTES", help="Time at most, start-up included (10)."),
]
Budget = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Time of examination after the first update (60)."),
]
Seed = Annotated[
    int | None, typer.Option(metavar="N", help="Seed for the script's random generators (0).")
]
Device = Annotated[
    str | None,
    typer.Option(metavar="DEVICE", help="cpu, cuda, ...; auto leaves it to the script (auto)."),
]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="Memory that training must fit into, as 24GiB; auto: of the GPU (auto).",
    ),
]
FailOn = Annotated[
    str | None,
    typer.Option(
        metavar="[error|warning|note|never]", help="The mildest severity that exits 1 (error)."
    ),
]
Strict = Annotated[
    bool | None,
    typer.Option("--strict/--no-strict", help="Exit 3 if a probe crashed or could not run."),
]
ExitZero = Annotated[
    bool | None,
    typer.Option("--exit-zero/--no-exit-zero", help="Exit 0 where findings would exit 1."),
]
OutputFormat = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT",
        help=f"{_FORMATS} (full on a terminal and in a file, concise in a pipe).",
    ),
]
Output = Annotated[str | None, typer.Option(metavar="FILE", help="Write the report to a file.")]
ReportFile = Annotated[
    list[str] | None,
    typer.Option(
        "--report", metavar="FORMAT=FILE", help="Write another report as well; repeatable."
    ),
]
Summary = Annotated[
    bool | None,
    typer.Option("--summary/--no-summary", help="Append to the summary of a GitHub step."),
]
Compare = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Markdown tells what changed since this JSON report."),
]
SaveRecord = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Save what was observed, for mldoctor report."),
]
Redact = Annotated[
    bool | None,
    typer.Option("--redact/--no-redact", help="Leave out paths, people, hosts, data, variables."),
]
IncludeExamples = Annotated[
    bool | None,
    typer.Option(
        "--include-examples/--no-include-examples", help="Show evidence that quotes training data."
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="Accepted findings; none for no baseline (mldoctor-baseline.json)."
    ),
]
PruneBaseline = Annotated[
    bool | None,
    typer.Option(
        "--prune-baseline/--no-prune-baseline",
        help="Remove what no longer occurs from the baseline.",
    ),
]
Verify = Annotated[
    bool | None,
    typer.Option("--verify/--no-verify", help="Try each edit on three seeds before offering it."),
]
VerifyBudget = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Time for --verify and --fix (600).")
]
Diff = Annotated[
    bool | None,
    typer.Option("--diff/--no-diff", help="Print the edits as a patch; exit 1 if there are any."),
]
Fix = Annotated[
    bool | None,
    typer.Option("--fix/--no-fix", help="Apply the edits that --verify has shown to help."),
]
UnverifiedFixes = Annotated[
    bool | None,
    typer.Option(
        "--unverified-fixes/--no-unverified-fixes",
        help="With --fix, apply the edits that were not shown to help, too.",
    ),
]
AllowDirty = Annotated[
    bool | None,
    typer.Option(
        "--allow-dirty/--no-allow-dirty",
        help="With --fix, change files with uncommitted changes.",
    ),
]
Color = Annotated[
    str | None,
    typer.Option(
        metavar="[auto|always|never]", help="Colour (auto); stands above NO_COLOR and FORCE_COLOR."
    ),
]
Quiet = Annotated[bool | None, typer.Option("-q/ ", "--quiet/--no-quiet", help="Findings only.")]
Verbose = Annotated[
    bool | None,
    typer.Option(
        "-v/ ",
        "--verbose/--no-verbose",
        help="Also the probes that found nothing, and more evidence.",
    ),
]
ShowSkipped = Annotated[
    bool | None,
    typer.Option("--show-skipped/--no-show-skipped", help="All that was not checked."),
]
ShowSuppressed = Annotated[
    bool | None, typer.Option("--show-suppressed/--no-show-suppressed", help="Accepted findings.")
]
Stream = Annotated[
    bool | None,
    typer.Option("-s/ ", "--stream/--no-stream", help="Show the script's output on stderr."),
]
Isolated = Annotated[
    bool,
    typer.Option("--isolated", envvar="MLDOCTOR_ISOLATED", help="Ignore pyproject.toml files."),
]
Config = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="Set one key of [tool.mldoctor]; repeatable."),
]

_LISTS = ("select", "ignore", "extend_select")
_NO_SETTINGS = ("ctx", "target", "file", "module", "isolated", "config", "report_file")


def as_flags(given: dict[str, Any]) -> dict[str, Any]:
    """The settings among the arguments of a command, by the names of their fields."""
    flags = {name: value for name, value in given.items() if name not in _NO_SETTINGS}
    flags |= {name: _names(flags[name]) for name in _LISTS if name in flags}
    if "report_file" in given:
        flags["report"] = given["report_file"] or None
    return flags


def _names(values: list[str] | None) -> list[str] | None:
    """`--select a --select b` and `--select a,b` mean the same."""
    if values is None:
        return None
    return [name.strip() for value in values for name in value.split(",") if name.strip()]
