"""Daft: all cores of this machine by its native runner, a cluster by its Ray runner.

Daft reads, plans and distributes; the kernel runs as a batch function over the rows as they are
read. Nothing is shuffled, sorted or normalised by the engine, so that every runner finds the same
rows. What is small comes back: one pickled result a chunk.
"""

from __future__ import annotations

import logging
import os
import pickle
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from mldoctor.data import chunks
from mldoctor.data.chunks import Chunk
from mldoctor.data.engines import Here
from mldoctor.data.engines.frames import PATH, frame, own
from mldoctor.data.files import DataError, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mldoctor.data.engines import Held
    from mldoctor.data.engines.frames import Convert
    from mldoctor.data.files import Wanted
    from mldoctor.data.kernel import Rows

T = TypeVar("T")

SILENT = {
    "DO_NOT_TRACK": "1",
    "DAFT_ANALYTICS_ENABLED": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "DAFT_PROGRESS_BAR": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Both engines report their use unless told otherwise; the last is a notice that Ray prints."""

FETCH = 300.0
"""Seconds that a worker waits for the index before it gives up."""

STORE = 1 << 30
"""Bytes of Ray's object store where this process starts Ray: an index of 500,000 rows twice."""


class Daft:
    """One machine, or a Ray cluster."""

    def __init__(self, *, cluster: bool = False, address: str | None = None) -> None:
        self.name = "ray" if cluster else "daft"
        os.environ.update(SILENT)
        # Daft logs what it then raises; without a handler Python would print it.
        logging.getLogger().addHandler(logging.NullHandler())
        import daft

        self._started = False
        try:
            if cluster:
                self._start(address)
                daft.set_runner_ray(noop_if_initialized=True)
            else:
                daft.set_runner_native()
        except (RuntimeError, ValueError, ConnectionError, OSError) as error:
            raise DataError(f"--engine {self.name} cannot start: {_first_line(error)}") from error
        if daft.get_or_infer_runner_type() != ("ray" if cluster else "native"):
            raise DataError("Daft already runs on another engine in this process")

    def _start(self, address: str | None) -> None:
        """Join the cluster at `address`, or start one of this machine's cores."""
        import ray

        if ray.is_initialized():
            return
        # Workers import the kernel from the very code that runs here.
        package = Path(__file__).resolve().parents[2]
        settings: dict[str, Any] = {
            "logging_level": logging.ERROR,
            "log_to_driver": False,
            "include_dashboard": False,
            "runtime_env": {"env_vars": {**SILENT, "OMP_NUM_THREADS": "1"}},
        }
        if address is None:
            settings |= {"address": "local", "object_store_memory": STORE}
            settings["runtime_env"]["env_vars"]["PYTHONPATH"] = os.pathsep.join(
                filter(None, [str(package.parent), os.environ.get("PYTHONPATH")])
            )
        else:
            settings |= {"address": address}
            del settings["include_dashboard"]
            settings["runtime_env"]["py_modules"] = [str(package)]
        ray.init(**settings)
        self._started = True

    def broadcast(self, value: T) -> Held[T]:
        """Put the value into the object store of the cluster; one machine shares its memory."""
        if self.name == "daft":
            return Here(value)
        import ray

        return Stored(ray.put(value))

    def map(
        self,
        work: Callable[[Chunk], T],
        source: Source,
        wanted: Wanted,
        first: int | None = None,
    ) -> Iterator[tuple[Rows, T]]:
        """Call a function for every chunk of a split."""
        import daft
        from daft import DataType, col
        from daft.functions import monotonically_increasing_id

        source.skipped.clear()
        try:
            data, convert = frame(source, wanted)
            # Numbers are given before anything is filtered: they are places in the files.
            data = data.with_column("__row", monotonically_increasing_id())
            if first is not None:
                data = data.limit(first)
            names = [n for n in data.column_names if n not in {"__row", PATH}]
            whole = own(source)
            call: Any = daft.func.batch(
                return_dtype=DataType.binary(), batch_size=1 if whole else chunks.ROWS
            )(
                _Files(work, wanted, source.keep, first)
                if whole
                else _Call(work, convert, tuple(names), source.keep)
            )
            made = data.select(
                call(col("__row"), col(PATH), *(col(n) for n in names)).alias("made")
            ).where(col("made").not_null())
            answers: list[_Answer] = [
                answer
                for batch in made.to_arrow_iter()
                for value in batch.column(0).to_pylist()
                for answer in pickle.loads(value)  # noqa: S301 - written by our own workers
            ]
        except Exception as error:  # the engines raise classes of their own making
            told = str(error).rsplit("DataError: ", 1)
            if isinstance(error, DataError) or len(told) > 1:
                raise DataError(told[-1].strip().splitlines()[0]) from error
            raise DataError(f"{source.shown} cannot be read by Daft: {_reason(error)}") from error
        for answer in answers:
            for reason, where, count in answer.skipped:
                source.skip(reason, where, count)
        yield from _numbered(answers)

    def close(self) -> None:
        """Stop Ray where this executor started it."""
        if self._started:
            import ray

            ray.shutdown()


class Stored:
    """A value in Ray's object store; a worker process fetches it once."""

    _lock = threading.Lock()
    _here: tuple[str, Any] | None = None

    def __init__(self, reference: Any) -> None:
        self.reference = reference

    def __reduce__(self) -> tuple[Any, ...]:
        # Daft pickles functions by other means than Ray's, which forget whose the object is: a
        # worker would wait for it for ever.
        import ray.cloudpickle

        pickler: Any = ray.cloudpickle
        return _stored, (pickler.dumps(self.reference),)

    @property
    def value(self) -> Any:
        """The value: its arrays are views of the store, shared by all workers of a machine."""
        import ray

        key = self.reference.hex()
        with Stored._lock:
            if Stored._here is None or Stored._here[0] != key:
                Stored._here = (key, ray.get(self.reference, timeout=FETCH))
            return Stored._here[1]


def _stored(pickled: bytes) -> Stored:
    import ray.cloudpickle

    return Stored(ray.cloudpickle.loads(pickled))


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a worker made of a chunk: files and ids of its rows, what was skipped, the result."""

    paths: list[str]
    counts: list[int]
    ids: np.ndarray
    skipped: list[tuple[str, str, int]]
    result: Any


class _Call:
    """The function that a worker calls: columns of a chunk to one pickled answer."""

    def __init__(
        self,
        work: Callable[[Chunk], Any],
        convert: Convert | None,
        names: tuple[str, ...],
        keep: tuple[str, str] | None,
    ) -> None:
        self.work, self.convert, self.names, self.keep = work, convert, names, keep
        self.__name__ = "mldoctor"

    def __call__(self, ids: Any, path: Any, *columns: Any) -> list[bytes | None]:
        numbers, places = np.asarray(ids.to_pylist(), np.int64), path.to_pylist()
        chunk = Chunk(
            {n: c.to_pylist() for n, c in zip(self.names, columns, strict=True)}, len(numbers)
        )
        skipped: list[tuple[str, str, int]] = []
        keep = np.arange(len(numbers))
        if self.convert is not None:
            chunk, keep, skipped = self.convert(chunk, places)
        if self.keep is not None:
            name, value = self.keep
            picked = [i for i, v in enumerate(chunk.column(name)) if str(v) == value]
            chunk, keep = chunk.where(name, value), keep[picked]
        places = [places[i] for i in keep.tolist()]
        counted = Counter(places)
        order = list(counted)
        # Rows of several files may meet in one chunk: sorted by file, as the numbers are told.
        if len(order) > 1:
            position = {p: k for k, p in enumerate(order)}
            by_file = sorted(range(len(places)), key=lambda i: position[places[i]])
            chunk = Chunk(
                {n: [v[i] for i in by_file] for n, v in chunk.columns.items()}, chunk.size
            )
            keep = keep[by_file]
        result = self.work(chunk) if chunk.size else None
        answer = _Answer(order, [counted[p] for p in order], numbers[keep], skipped, result)
        return [pickle.dumps([answer]), *[None] * (len(numbers) - 1)] if len(numbers) else []


class _Files:
    """The function that a worker calls for whole files: all chunks of each to their answers."""

    def __init__(
        self,
        work: Callable[[Chunk], Any],
        wanted: Wanted,
        keep: tuple[str, str] | None,
        first: int | None,
    ) -> None:
        self.work, self.wanted, self.keep, self.first = work, wanted, keep, first
        self.__name__ = "mldoctor"

    def __call__(self, _ids: Any, path: Any) -> list[bytes]:
        return [pickle.dumps(self._answers(place)) for place in path.to_pylist()]

    def _answers(self, place: str) -> list[_Answer]:
        source, done = Source(Path(place), self.keep), 0
        answers = []
        for read in source.chunks(self.wanted):
            chunk = read if self.first is None else read.head(self.first - done)
            ids = np.arange(done, done + chunk.size)
            answers.append(_Answer([place], [chunk.size], ids, [], self.work(chunk)))
            done += chunk.size
            if self.first is not None and done >= self.first:
                break
        told = [(reason, source.first[reason], n) for reason, n in source.skipped.items()]
        return [*answers, _Answer([], [], np.zeros(0, np.int64), told, None)]


def _numbered(answers: list[_Answer]) -> Iterator[tuple[Rows, Any]]:
    """Row numbers of the split from ids: files by name, rows of a file in the order of their ids."""
    answers = [a for a in answers if len(a.ids)]
    names = sorted({p for a in answers for p in a.paths})
    code = {name: k for k, name in enumerate(names)}
    every_file = np.concatenate(
        [np.repeat([code[p] for p in a.paths], a.counts) for a in answers] or [np.zeros(0, int)]
    )
    every_id = np.concatenate([a.ids for a in answers] or [np.zeros(0, np.int64)])
    number = np.empty(len(every_id), np.int64)
    number[np.lexsort((every_id, every_file))] = np.arange(len(every_id))
    done = 0
    for answer in answers:
        yield number[done : done + len(answer.ids)], answer.result
        done += len(answer.ids)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _reason(error: BaseException) -> str:
    """What went wrong, without the frames that a worker adds in front of it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "Error" in line or "rror:" in line]
    return (told or lines or [type(error).__name__])[-1 if "Traceback" in str(error) else 0]
