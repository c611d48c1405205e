"""Rows done and rows per second on one line of a terminal; silent elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@contextmanager
def shown(
    stream: TextIO, environ: Mapping[str, str], *, wanted: bool
) -> Iterator[Callable[[str, int], None]]:
    """The function that is given takes the stage and the rows done so far."""
    if not (wanted and stream.isatty() and environ.get("TERM") != "dumb"):
        yield lambda _stage, _rows: None
        return
    import time

    from rich.console import Console
    from rich.status import Status

    console = Console(file=stream, no_color=bool(environ.get("NO_COLOR")), highlight=False)
    begun = {"": time.monotonic()}
    with Status("reading", console=console) as status:

        def update(stage: str, rows: int) -> None:
            seconds = time.monotonic() - begun.setdefault(stage, time.monotonic())
            rate = f", {rows / seconds:,.0f} a second" if seconds > 1 else ""
            status.update(f"{stage}: {rows:,} rows{rate}")

        yield update
