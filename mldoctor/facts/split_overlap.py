"""SplitOverlap: samples of the evaluation data that the loop also trains on."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.loaders import Loader, Loaders
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mldoctor.trainee.contents import Contents
    from mldoctor.trainee.tape import Tape

EXAMPLE = 120
"""Characters of an example that a report quotes."""

FEW_WORDS = 3
RECURS = 3
"""Times that a text of a few words occurs in training, from which on its being met again says that
people write it, not that a row was copied."""

CHANCE = 0.05
"""Training rows expected to equal a given row by chance, above which an equal one is no evidence."""

ACCIDENT = 0.01
"""So likely, the equal rows that are left may have been met by chance."""


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
        texts: the inputs are texts, compared after folding case, space and punctuation.
        against: the loader it is compared with; None for the training data.
        examples: (training index, its text, the other's text) of the first pairs.
        sayings: of the shared samples, texts of a few words that recur in training ("ok").
        verbatim: of the shared samples, those that are equal to the letter; None where only
            normalised inputs were compared.
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
    texts: bool
    against: Loader | None = None
    examples: tuple[tuple[int, str, str], ...] = ()
    verbatim: int | None = None
    sayings: int = 0


@dataclass(frozen=True, slots=True)
class SplitOverlap:
    """The overlap of every evaluation loader with the training data."""

    training: Loader
    rows: tuple[Overlap, ...]


@fact(Cost.SCAN)
def split_overlap(trainee: Trainee, loaders: Loaders) -> SplitOverlap:
    """Hash the normalised input of every sample of both sides and join them."""
    from mldoctor.trainee import samples
    from mldoctor.trainee.contents import contents
    from mldoctor.trainee.stored import same_entries

    training = loaders.of("training")[0]
    evaluations = loaders.evaluating()
    if not evaluations:
        raise AbsentFact("no loader was read without training on it")
    tape = trainee.tape
    train = contents(trainee, training.index)
    entries = {origin: train.indices[i] for i, origin in enumerate(train.origins) if origin}
    rows = []
    for evaluation in evaluations:
        same_object = _dataset(tape, training) is _dataset(tape, evaluation)
        if same_object and _switched(tape, training, evaluation):
            continue  # what it holds now says nothing of what it held then
        split = contents(trainee, evaluation.index)
        same = {
            split.indices[i]: entries[origin]
            for i, origin in enumerate(split.origins)
            if origin in entries
        }
        if samples.length(tape.loaders[training.index].loader) is not None and split.total:
            loader = tape.loaders[evaluation.index].loader
            same = same_entries(tape.loaders[training.index].loader, loader, split) | same
        row = overlap(train, split, training, evaluation, same)
        rows.append(replace(row, same_object=same_object))
    return SplitOverlap(training, tuple(rows))


def overlap(
    train: Contents,
    split: Contents,
    training: Loader,
    evaluation: Loader,
    same: Mapping[int, int] = MappingProxyType({}),
) -> Overlap:
    """Join what was read of both sides; `same` are entries known to be one, by evaluation index."""
    pairs = [(there, here) for here, there in sorted((_equal(train, split) | dict(same)).items())]
    repeated = train.read - len(set(train.digests))
    return Overlap(
        evaluation=evaluation,
        same_object=False,
        read=split.read,
        total=evaluation.size,
        train_read=train.read,
        train_total=training.size,
        shared=len(pairs),
        same_entries=len(same),
        pairs=tuple(pairs[:200]),
        repeated_in_train=repeated / max(1, train.read),
        texts=train.texts,
        examples=_examples(train, split, pairs),
        sayings=_sayings(train, split, pairs),
    )


def _examples(
    train: Contents, other: Contents, pairs: list[tuple[int, int]]
) -> tuple[tuple[int, str, str], ...]:
    """The first pairs whose samples are texts and were kept."""
    from mldoctor.trainee.tables import texts

    mine, theirs = texts(train), texts(other)
    both = [(a, mine[a], theirs[b]) for a, b in pairs if a in mine and b in theirs]
    return tuple((a, left[:EXAMPLE], right[:EXAMPLE]) for a, left, right in both[:3])


def _sayings(train: Contents, other: Contents, pairs: list[tuple[int, int]]) -> int:
    from mldoctor.trainee.fingerprints import fold
    from mldoctor.trainee.tables import texts

    known, times = texts(other), Counter(train.digests)
    digests = dict(zip(other.indices, other.digests, strict=True))
    return sum(
        here in known
        and len(fold(known[here]).split()) <= FEW_WORDS
        and times[digests[here]] >= RECURS
        for _, here in pairs
    )


def _switched(tape: Tape, training: Loader, evaluation: Loader) -> bool:
    """Whether a dataset had other attributes whenever it was evaluated on: it is two splits in one."""
    one, other = tape.loaders[training.index].states, tape.loaders[evaluation.index].states
    return bool(one) and bool(other) and one.isdisjoint(other)


def _dataset(tape: Tape, loader: Loader) -> Any:
    return getattr(tape.loaders[loader.index].loader, "dataset", None)


def _equal(train: Contents, other: Contents) -> dict[int, int]:
    """Evaluation index to training index of equal inputs that are not equal by chance."""
    known = {
        digest: train.indices[position]
        for position, digest in reversed(list(enumerate(train.digests)))
        if position not in train.blank
    }
    found = {
        position: known[digest] for position, digest in enumerate(other.digests) if digest in known
    }
    found = not_by_chance(train, other, found)
    return {other.indices[position]: index for position, index in found.items()}


def not_by_chance(train: Contents, other: Contents, found: dict[int, int]) -> dict[int, int]:
    """Of equal inputs (by position in `other`), those that chance does not account for."""
    from mldoctor.trainee.repeats import Repeats

    if found and _natural(train, other, found):
        return {}
    if not found or len(train.rows) < train.read or len(other.rows) < other.read:
        return found
    model = Repeats(train.rows)
    if not model.applies:
        return found
    expected = [model.expected(row) for row in other.rows]
    if len(found) <= 3 * sum(min(1.0, share) for share in expected):
        return {}
    rare = {p: t for p, t in found.items() if expected[p] < CHANCE}
    # One such row is no accident; of hundreds that each have a small chance, one or two are.
    likely = _at_least(len(rare), sum(share for share in expected if share < CHANCE))
    return {} if likely > ACCIDENT else rare


def _at_least(count: int, mean: float) -> float:
    """The chance of that many equal rows or more, where so many are expected (Poisson)."""
    fewer = (math.exp(i * math.log(mean) - mean - math.lgamma(i + 1)) for i in range(count))
    return 1.0 - sum(fewer) if mean > 0 else float(count == 0)


def _natural(train: Contents, other: Contents, found: dict[int, int]) -> bool:
    """Whether equal rows of a table of few values are as frequent across as within the splits."""
    from mldoctor.trainee.repeats import FewValues, table_rows

    values, rows = FewValues(train), table_rows(other)
    shared = [rows[other.indices[p]] for p in found if other.indices[p] in rows]
    if not shared:
        return False
    times = Counter(train.digests)
    within = sum(times[digest] > 1 for digest in train.digests) / train.read
    few = sum(values.expected(row) >= CHANCE for row in shared)
    return few >= 0.9 * len(shared) and len(found) / other.read <= 2 * within
