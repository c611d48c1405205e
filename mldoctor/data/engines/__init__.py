"""Where the kernel runs: in this process, on all cores of this machine, or on a cluster.

An executor does three things, and whoever uses it knows no engine: it makes one value known to all
workers, maps a function over the chunks of a split, and closes. The function is the same everywhere
and pure: workers may call it from several threads, in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from mldoctor.data.files import DataError, Source, Wanted, files, kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mldoctor.data.chunks import Chunk
    from mldoctor.data.kernel import Rows

T = TypeVar("T")
Kept_co = TypeVar("Kept_co", covariant=True)

ENGINES = ("auto", "local", "daft", "ray")

LARGE = 2 << 30
"""Bytes of parquet on this machine from which Daft is worth its start-up and its memory: it reads
and hashes on all cores, while one process needs a minute for every 5 GB."""


class Held(Protocol[Kept_co]):
    """A value that every worker can ask for."""

    @property
    def value(self) -> Kept_co:
        """The value itself."""


@dataclass(frozen=True, slots=True)
class Here(Generic[T]):
    """A value in the memory of this process."""

    value: T


class Executor(Protocol):
    """An engine."""

    name: str

    def broadcast(self, value: T) -> Held[T]:
        """Make a value known to all workers, once."""

    def map(
        self, work: Callable[[Chunk], T], source: Source, wanted: Wanted, first: int | None = None
    ) -> Iterator[tuple[Rows, T]]:
        """Call a function for every chunk of a split.

        Args:
            work: the function; what it returns must be small and picklable.
            source: the split.
            wanted: names of the columns that are needed; None for all.
            first: stop after so many rows; None for no bound.

        Yields:
            The numbers of the chunk's rows in the split, and what the function made of them. The
            order is free.
        """

    def close(self) -> None:
        """Free what the workers hold."""


def choose(engine: str, address: str | None, sources: Sequence[Source]) -> Executor:
    """The executor that was asked for; with "auto", what suits the files.

    Raises:
        DataError: when the engine is not installed, or cannot read the files.
    """
    from mldoctor.data.engines.local import Local

    if engine not in ENGINES:
        raise DataError(f"--engine {engine} is none of: {', '.join(ENGINES)}")
    if address is not None and engine != "ray":
        raise DataError("--address belongs to --engine ray")
    remote = next((s for s in sources if s.url is not None), None)
    if engine == "auto":
        wanted = remote is not None or (_installed("daft") and _large(sources))
        engine = "daft" if wanted else "local"
    if engine == "local":
        if remote is not None:
            raise DataError(f"--engine local reads files of this machine, not {remote.url}")
        return Local()
    what = f"reading {remote.url}" if remote is not None else f"--engine {engine}"
    if not _installed("daft"):
        raise DataError(f"{what} needs Daft: pip install 'mldoctor[data]'")
    if engine == "ray" and not _installed("ray"):
        raise DataError(f"{what} needs Ray: pip install 'mldoctor[cluster]'")
    from mldoctor.data.engines.daft import Daft

    return Daft(cluster=engine == "ray", address=address)


def _installed(name: str) -> bool:
    return find_spec(name) is not None


def _large(sources: Sequence[Source]) -> bool:
    """Whether the files are parquet, and so many bytes that an engine pays."""
    total = 0
    for source in sources:
        path = source.parts[0] if source.parts else Path(source.path)
        if source.url is not None or not path.exists():
            return False
        if kind(path) not in {".parquet", "parquet folder"}:
            return False
        total += sum(file.stat().st_size for file in files(source))
    return total >= LARGE
