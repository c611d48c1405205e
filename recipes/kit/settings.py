"""Settings of a recipe: a dataclass that the command line and a YAML file can fill in.

Later wins: the default in the recipe, then `--config file.yaml`, then the command line.
"""

from __future__ import annotations

import sys
from argparse import ArgumentDefaultsHelpFormatter, RawDescriptionHelpFormatter
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

import yaml
from transformers import HfArgumentParser


def setting(default: Any, why: str) -> Any:
    """A field with its default and the reason for it, which `--help` shows as well."""
    words = {"help": why.replace("%", "%%")}
    if isinstance(default, list):  # each run gets a list of its own
        return field(default_factory=default.copy, metadata=words)
    return field(default=default, metadata=words)


def refuse(sentence: str) -> NoReturn:
    """End with one sentence on standard error and exit code 2: the input is to be mended."""
    sys.stderr.write(f"error: {sentence}\n")
    raise SystemExit(2)


@dataclass(frozen=True)
class RunSettings:
    """What every recipe can be told."""

    data: Path | None = setting(None, "csv, parquet or jsonl file; without it the embedded sample")
    group_column: str | None = setting(
        None, "rows with one value of it (author, patient, product) stay in one split"
    )
    split_column: str | None = setting(
        None, "a published split: train, val (or valid, dev) and test; val is cut where it lacks"
    )
    out: Path | None = setting(None, "folder for checkpoints and summary.json; runs/<recipe>")
    resume: bool = setting(False, "go on after the last finished epoch of an interrupted run")
    seed: int = setting(1, "the same seed gives the same splits, weights and batches")
    device: str = setting("auto", "cpu, cuda, cuda:1, mps; auto takes CUDA where there is one")
    precision: Literal["fp32", "bf16", "fp16"] = setting(
        "fp32", "bf16 and fp16 halve memory on CUDA; fp16 scales the loss against underflow"
    )


@dataclass(frozen=True)
class TextSettings(RunSettings):
    """The columns of a file of labelled texts."""

    text_column: str = setting("text", "column of the texts")
    label_column: str = setting("label", "column of the classes, of any type")


S = TypeVar("S", bound=RunSettings)


def parse(kind: type[S], about: str, argv: list[str] | None = None) -> S:
    """The settings of this run.

    Args:
        kind: the recipe's own settings.
        about: the recipe's docstring, for `--help`.
        argv: arguments, those of the process by default.
    """
    parser = HfArgumentParser(kind, description=about, formatter_class=_Help)
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML file with settings")
    given = sys.argv[1:] if argv is None else argv
    config = parser.parse_known_args(given)[0].config
    values = vars(parser.parse_args([*(_arguments(config, kind) if config else ()), *given]))
    settings = kind(**{one.name: values[one.name] for one in fields(kind)})
    if settings.data is not None and not settings.data.is_file():
        refuse(f"--data {settings.data}: there is no such file")
    return settings


class _Help(ArgumentDefaultsHelpFormatter, RawDescriptionHelpFormatter):
    """Defaults beside the reasons, and the lines of the description as they stand."""


def _arguments(config: Path, kind: type[RunSettings]) -> list[str]:
    """A YAML file as arguments, so that both are checked by the same parser."""
    try:
        values = yaml.safe_load(config.read_text("utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        refuse(f"--config {config} cannot be read: {error}")
    if not isinstance(values, dict):
        refuse(f"--config {config} must map names to values, for example `epochs: 5`")
    known = [one.name for one in fields(kind)]
    arguments = []
    for name, value in values.items():
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            refuse(f"--config {config}: no setting {name!r}{f'; {near[0]!r}?' if near else ''}")
        if value is not None:
            many = value if isinstance(value, list) else [value]
            arguments += [f"--{name}", *map(str, many)]
    return arguments
