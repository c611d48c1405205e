"""The engine without an engine: one chunk after another, in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mldoctor.data.engines import Here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mldoctor.data.chunks import Chunk
    from mldoctor.data.files import Source, Wanted
    from mldoctor.data.kernel import Rows

T = TypeVar("T")


class Local:
    """Needs nothing but NumPy; the rows come in their order, and memory holds one chunk."""

    name = "local"

    def broadcast(self, value: T) -> Here[T]:
        """The value itself: there is one process."""
        return Here(value)

    def map(
        self,
        work: Callable[[Chunk], T],
        source: Source,
        wanted: Wanted,
        first: int | None = None,
    ) -> Iterator[tuple[Rows, T]]:
        """Call a function for every chunk of a split."""
        done = 0
        for read in source.chunks(wanted):
            chunk = read if first is None else read.head(first - done)
            yield np.arange(done, done + chunk.size), work(chunk)
            done += chunk.size
            if first is not None and done >= first:
                return

    def close(self) -> None:
        """Nothing is held."""
