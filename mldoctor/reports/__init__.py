"""Report formats: each is one function of a `Report`, in one file.

A format is a public module of this package with `render(report, look) -> str`; adding the file is
all it takes to offer it to `--output-format`.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mldoctor.findings import Report


@dataclass(frozen=True, slots=True)
class Look:
    """How a report is shown; what it says is the report's own affair.

    Attributes:
        width: columns to wrap at on a terminal; None wraps nothing.
        color: whether escape sequences for colour may be used.
        quiet: findings only.
        verbose: also the probes that found nothing, and every evidence row of folded symptoms.
        show_skipped: every probe that was not checked, instead of the first few.
        show_suppressed: the findings that were accepted, with their reasons.
        fail_on: the mildest severity that fails a run, for formats that know pass and fail.
        base: the JSON report of another run to compare with, for formats that can.
    """

    width: int | None = None
    color: bool = False
    quiet: bool = False
    verbose: bool = False
    show_skipped: bool = False
    show_suppressed: bool = False
    fail_on: str = "error"
    base: Mapping[str, Any] | None = None


def formats() -> tuple[str, ...]:
    """The names of all report formats."""
    return tuple(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def choose(wanted: str, *, terminal: bool, file: bool = False) -> str:
    """The format to use: "auto" is full where a person reads along, concise in a pipe."""
    if wanted != "auto":
        return wanted
    return "full" if terminal or file else "concise"


def render(report: Report, output_format: str, look: Look | None = None) -> str:
    """The report in one format, as text that ends with a line break unless it is empty."""
    module = importlib.import_module(f"{__name__}.{output_format}")
    return cast("Callable[[Report, Look], str]", module.render)(report, look or Look())
