"""What is going on right now, on one line of a terminal's standard error; silent elsewhere."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TextIO

    from rich.table import Table

    from mldoctor.trainee.process import Progress

_REDRAWS_PER_SECOND = 4


def _ignore(progress: Progress) -> None:
    """Take a report of progress that nobody is there to read."""


@contextmanager
def shown(
    target: str, stream: TextIO, environ: Mapping[str, str], *, wanted: bool = True
) -> Iterator[Callable[[Progress], None]]:
    """Show progress while the block runs; the function that is given takes each report of it.

    The line is redrawn a few times a second, so that time goes on while a step takes long, and is
    gone when the block ends. Without a terminal nothing at all is written.
    """
    if not (wanted and stream.isatty() and environ.get("TERM") != "dumb"):
        yield _ignore
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(file=stream, no_color=bool(environ.get("NO_COLOR")), highlight=False)
    line = _Line(target)
    with Live(
        get_renderable=line.render,
        console=console,
        refresh_per_second=_REDRAWS_PER_SECOND,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ):
        yield line.take


class _Line:
    """The latest report of progress, and the clock that runs on in between."""

    def __init__(self, target: str) -> None:
        from rich.spinner import Spinner

        self.target = target
        self.started = time.monotonic()
        self.latest: Progress | None = None
        self.spinner = Spinner("line")

    def take(self, progress: Progress) -> None:
        self.latest = progress

    def render(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        row = Table.grid(padding=(0, 1))
        row.add_column()
        row.add_column(no_wrap=True, overflow="ellipsis")
        row.add_row(self.spinner, Text(self.words()))
        return row

    def words(self) -> str:
        seconds = int(time.monotonic() - self.started)
        clock = f"{seconds // 60}:{seconds % 60:02d}"
        if self.latest is None:
            return f"{clock}  starting {self.target}"
        seen = self.latest
        return (
            f"{clock}  {seen.stage}  {seen.updates} optimizer steps  "
            f"{seen.elapsed:.0f} of {seen.budget:.0f} s"
        )
