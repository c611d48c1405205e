"""SplitOverlap: samples of the evaluation data that the loop also trains on."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.loaders import Loader, Loaders
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee  # noqa: TC001 - the registry reads the annotation

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Tape

LIMIT = 200_000
"""Samples read of each split at the most."""

SECONDS_SHARE = 0.15
"""Share of the remaining budget that reading one split may take."""

CHANCE = 0.05
"""Training rows expected to equal a given row by chance, above which an equal one is no evidence."""

LONGEST = 512
"""Longer rows are not modelled: they do not repeat by chance."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What one evaluation loader shares with the training data.

    Attributes:
        evaluation: the loader.
        same_object: both read the very same dataset object, or the same entries of one.
        read, total: evaluation samples read, and in all (None for a stream).
        train_read, train_total: the same of the training data.
        shared: evaluation samples whose input also stands in the training data; rows of a few
            symbols that are likely to be met twice by chance are left out.
        same_entries: of those, the ones that are the same entry of one dataset.
        pairs: up to 200 (training index, evaluation index).
        repeated_in_train: share of the training samples whose input occurs there before.
        random: reading the same entry twice gave different inputs.
        texts: the inputs are texts, compared after folding case, space and punctuation.
    """

    evaluation: Loader
    same_object: bool
    read: int
    total: int | None
    train_read: int
    train_total: int | None
    shared: int
    same_entries: int
    pairs: tuple[tuple[int, int], ...]
    repeated_in_train: float
    random: bool
    texts: bool


@dataclass(frozen=True, slots=True)
class SplitOverlap:
    """The overlap of every evaluation loader with the training data."""

    training: Loader
    rows: tuple[Overlap, ...]


@dataclass(slots=True)
class _Split:
    hashes: dict[bytes, int]
    origins: dict[tuple[int, int] | None, int]
    read: int
    repeated: int
    rows: list[tuple[float, ...]]
    random: bool
    texts: bool
    by_index: list[tuple[int, bytes, tuple[int, int] | None]]


@fact(Cost.SCAN)
def split_overlap(trainee: Trainee, loaders: Loaders) -> SplitOverlap:
    """Hash the normalised input of every sample of both sides and join them."""
    training = loaders.of("training")[0]
    evaluations = loaders.evaluating()
    if not evaluations:
        raise AbsentFact("no loader was read without training on it")
    tape = trainee.tape
    seconds = max(0.5, trainee.seconds_left() * SECONDS_SHARE)
    train = _read(tape, training, seconds)
    rows = []
    for evaluation in evaluations:
        split = _read(tape, evaluation, seconds)
        entries = {
            index: train.origins[origin]
            for index, _, origin in split.by_index
            if origin in train.origins
        }
        equal = _equal(train, split)
        pairs = [(train_index, index) for index, train_index in sorted((equal | entries).items())]
        rows.append(
            Overlap(
                evaluation=evaluation,
                same_object=_dataset(tape, training) is _dataset(tape, evaluation),
                read=split.read,
                total=evaluation.size,
                train_read=train.read,
                train_total=training.size,
                shared=len(pairs),
                same_entries=len(entries),
                pairs=tuple(pairs[:200]),
                repeated_in_train=train.repeated / max(1, train.read),
                random=train.random or split.random,
                texts=train.texts,
            )
        )
    return SplitOverlap(training, tuple(rows))


def _dataset(tape: Tape, loader: Loader) -> Any:
    return getattr(tape.loaders[loader.index].loader, "dataset", None)


def _read(tape: Tape, row: Loader, seconds: float) -> _Split:
    from mldoctor.trainee import samples

    loader = tape.loaders[row.index].loader
    split = _Split({}, {}, 0, 0, [], random=False, texts=False, by_index=[])
    for sample in samples.read(loader, seconds, LIMIT):
        parts = samples.inputs(sample.value)
        digest = fingerprint(parts)
        if len(split.rows) == split.read and (row_symbols := _symbols(parts)) is not None:
            split.rows.append(row_symbols)
        split.texts = split.texts or any(isinstance(part, str) for part in parts)
        if split.read == 0 and row.size:
            again = fingerprint(samples.inputs(loader.dataset[sample.index]))
            split.random = again != digest
        split.repeated += digest in split.hashes
        if not all(_is_blank(part) for part in parts):
            split.hashes.setdefault(digest, sample.index)
        if sample.origin:
            split.origins.setdefault(sample.origin, sample.index)
        split.by_index.append((sample.index, digest, sample.origin))
        split.read += 1
    if split.read == 0:
        raise AbsentFact("a loader has no samples to read")
    return split


_NOT_A_WORD = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """A text without differences of case, space, punctuation and Unicode form."""
    return _NOT_A_WORD.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def fingerprint(parts: list[Any]) -> bytes:
    """A 128-bit hash of an input that ignores dtype, layout and, for token ids, end padding."""
    import xxhash

    digest = xxhash.xxh3_128()
    for part in parts:
        digest.update(_bytes(part))
        digest.update(b"\x00|")
    return digest.digest()


def _bytes(part: Any) -> bytes:
    import numpy as np

    if isinstance(part, str):
        return fold(part).encode()
    if isinstance(part, bytes):
        return part
    values = np.asarray(part.detach().cpu() if hasattr(part, "detach") else part)
    if values.dtype.kind in "iub" and values.ndim == 1:
        values = np.trim_zeros(values, "b")
    if values.dtype.kind in "fiub":
        values = np.ascontiguousarray(values, dtype=np.float32)
        values = values + 0.0  # minus zero equals zero
        return values.tobytes()
    return repr(part).encode()


def _symbols(parts: list[Any]) -> tuple[float, ...] | None:
    """The longest part of an input as a row of whole numbers, None when it is anything else.

    One part is enough, and several are often one row again (a sequence and its shifted copy).
    """
    import numpy as np

    longest: tuple[float, ...] | None = None
    for part in parts:
        if isinstance(part, str):
            return None
        values = np.asarray(part.detach().cpu() if hasattr(part, "detach") else part)
        if values.dtype.kind not in "fiub" or values.size > LONGEST:
            return None
        if values.dtype.kind == "f" and not bool(np.all(values == np.round(values))):
            return None
        if longest is None or values.size > len(longest):
            longest = tuple(values.reshape(-1).tolist())
    return longest


def _equal(train: _Split, other: _Split) -> dict[int, int]:
    """Evaluation index to training index of equal inputs that are not equal by chance."""
    from mldoctor.trainee.repeats import Repeats

    found = {
        index: train.hashes[digest]
        for index, digest, _ in other.by_index
        if digest in train.hashes
    }
    if not found or len(train.rows) < train.read:
        return found
    model = Repeats(train.rows)
    if not model.applies:
        return found
    rows = {index: row for (index, _, _), row in zip(other.by_index, other.rows, strict=False)}
    by_chance = sum(min(1.0, model.expected(row)) for row in rows.values())
    if len(found) <= 3 * by_chance:
        return {}
    return {i: t for i, t in found.items() if i not in rows or model.expected(rows[i]) < CHANCE}


def _is_blank(part: Any) -> bool:
    """An empty text or an array of one repeated value: equal ones say nothing."""
    import numpy as np

    if isinstance(part, str):
        return not fold(part)
    values = np.asarray(part.detach().cpu() if hasattr(part, "detach") else part)
    return values.size == 0 or (values.size > 1 and bool(np.all(values == values.flat[0])))
