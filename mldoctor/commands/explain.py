"""`mldoctor explain`: the page of a probe."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from mldoctor.commands._output import colored, width, write

if TYPE_CHECKING:
    from mldoctor.tombstones import Tombstone


class PageFormat(StrEnum):
    """The forms of a page."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def explain(
    name: Annotated[str | None, typer.Argument(help="The name of a probe.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="The pages of all probes.")] = False,
    output_format: Annotated[
        PageFormat, typer.Option(help="The form of the page.")
    ] = PageFormat.TEXT,
) -> None:
    """Print what a probe finds, why it matters, how it is measured and when it is wrong.

    Of a probe that is gone: since when, and what replaced it.

    \b
    Examples:
      mldoctor explain frozen-head
      mldoctor explain --all --output-format markdown
    """  # noqa: D301 - \b is a mark of the help formatter, and must reach it
    from mldoctor.errors import UnknownNameError
    from mldoctor.explain import as_data, as_markdown, as_text, known
    from mldoctor.reports import Look
    from mldoctor.tombstones import tombstone

    pages = known()
    if (name is None) is not every:
        raise typer.BadParameter("give the name of one probe, or --all", param_hint="NAME")
    gone = tombstone(name) if name is not None and name not in pages else None
    if gone is not None:
        write(_epitaph(gone, output_format))
        return
    if name is not None and name not in pages:
        raise UnknownNameError("probe", name, pages)
    chosen = list(pages.values()) if name is None else [pages[name]]
    if output_format is PageFormat.JSON:
        data = [as_data(probe) for probe in chosen]
        write(json.dumps(data if every else data[0], indent=2, allow_nan=False) + "\n")
    elif output_format is PageFormat.MARKDOWN:
        write("\n".join(as_markdown(probe) for probe in chosen))
    else:
        look = Look(width=width(sys.stdout), color=colored("auto", sys.stdout))
        write("\n\n".join(as_text(probe, look) for probe in chosen))


def _epitaph(gone: Tombstone, output_format: PageFormat) -> str:
    """What is left of the page of a probe that was removed."""
    if output_format is PageFormat.JSON:
        return json.dumps({"status": "removed", **asdict(gone)}, indent=2) + "\n"
    title = f"# {gone.name}\n" if output_format is PageFormat.MARKDOWN else gone.name
    read = "".join(f"\nRead: mldoctor explain {name}" for name in gone.replaced_by)
    return (
        f"{title}\n{gone.sentence[0].upper()}{gone.sentence[1:]}: {gone.reason}.\n{read}".rstrip()
        + "\n"
    )
