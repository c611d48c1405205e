"""What the datasets of a run hold, read once and shared by all facts that look at data."""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mldoctor.errors import AbsentFact
from mldoctor.trainee import batches, fingerprints, samples

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Tape
    from mldoctor.trainee.trainee import Trainee

LIMIT = 200_000
"""Samples read of each dataset at the most."""

SECONDS_SHARE = 0.1
"""Share of the remaining budget that reading one dataset may take."""

SLOWEST = 4.0
"""Seconds that reading one dataset may take however large the budget is."""

KEPT = 2000
"""Samples kept whole, for statistics: a share of 0.2 % is met with probability 0.98."""

KEPT_BYTES = 96 << 20

View = dict[str, Any]
"""The parts of one sample as the loop's batches hold them: path to array or text."""


@dataclass(slots=True)
class Contents:
    """One dataset, as its loader hands it out.

    Attributes:
        loader: its number on the tape.
        digests: hash of the normalised input of every sample that was read, in order.
        indices: the index of each in the dataset; `origins` the entry it really is.
        total: samples in the part of the dataset that the loader draws from, None for a stream.
        blank: positions of the samples whose input holds nothing at all.
        kept: samples kept whole: all of a small dataset, else a seeded choice.
        views: their parts as a batch of one holds them, in the same order.
        rows: inputs as rows of whole numbers, as long as every sample so far was one.
        texts: the inputs are texts.
    """

    loader: int
    total: int | None
    digests: list[bytes] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    origins: list[tuple[int, int] | None] = field(default_factory=list)
    blank: set[int] = field(default_factory=set)
    kept: list[samples.Sample] = field(default_factory=list)
    views: list[View] = field(default_factory=list)
    rows: list[tuple[float, ...]] = field(default_factory=list)
    texts: bool = False

    @property
    def read(self) -> int:
        """How many samples were read."""
        return len(self.digests)

    @property
    def complete(self) -> bool:
        """Whether every sample of the dataset was read."""
        return self.total is not None and self.read >= self.total

    def parts(self) -> list[str]:
        """Paths of the parts that every kept sample has."""
        if not self.views:
            return []
        common = set(self.views[0]).intersection(*(set(view) for view in self.views[1:]))
        return [path for path in self.views[0] if path in common]

    def column(self, path: str) -> list[Any]:
        """One part over the kept samples."""
        return [view[path] for view in self.views]


class _Library:
    """The contents of the run examined last; a run is examined by many facts, one after another."""

    def __init__(self) -> None:
        self.tape: Tape | None = None
        self.books: dict[int, Contents] = {}

    def of(self, tape: Tape) -> dict[int, Contents]:
        if self.tape is not tape:
            self.tape, self.books = tape, {}
        return self.books


_library = _Library()


def contents(trainee: Trainee, loader: int) -> Contents:
    """What the dataset of loader number `loader` holds; read at the first call.

    Raises:
        AbsentFact: when it has no samples.
    """
    books = _library.of(trainee.tape)
    if loader not in books:
        seconds = min(SLOWEST, max(0.5, trainee.seconds_left() * SECONDS_SHARE))
        books[loader] = read(trainee.tape.loaders[loader].loader, loader, seconds)
    if not books[loader].read:
        raise AbsentFact("a loader has no samples to read")
    return books[loader]


def read(loader: Any, number: int, seconds: float = SLOWEST) -> Contents:
    """What a loader's dataset holds, as far as it is read in so many seconds."""
    total, part = samples.length(loader), samples.reach(loader)
    total = len(part) if part else total
    found = Contents(number, total)
    wanted: set[int] | None = None
    if total is not None and total > KEPT:
        wanted = set(random.Random(0).sample(part or range(total), KEPT))  # noqa: S311 - a sample, no secret
    held = 0
    with contextlib.closing(samples.read(loader, seconds, LIMIT)) as reading:
        for sample in reading:
            inputs = samples.inputs(sample.value)
            position = found.read
            found.digests.append(fingerprints.fingerprint(inputs))
            found.indices.append(sample.index)
            found.origins.append(sample.origin)
            found.texts = found.texts or any(isinstance(part, str) for part in inputs)
            if all(fingerprints.is_blank(part) for part in inputs):
                found.blank.add(position)
            symbols = fingerprints.symbols(inputs) if len(found.rows) == position else None
            if symbols is not None:
                found.rows.append(symbols)
            keep = wanted is None or sample.index in wanted
            if keep and len(found.kept) < KEPT and held < KEPT_BYTES:
                view = _view(loader, sample)
                held += sum(getattr(part, "nbytes", 64) for part in view.values())
                found.kept.append(sample)
                found.views.append(view)
    return found


def _view(loader: Any, sample: samples.Sample) -> View:
    """The parts of a sample by their place in a batch; the axis of the batch is taken away."""
    collate = getattr(loader, "collate_fn", None)
    value, batched = sample.value, sample.origin is None
    if collate is not None and sample.origin is not None:
        # A collator of the user's may need more than one sample; then the sample itself is shown.
        with contextlib.suppress(Exception):
            value, batched = collate([sample.value]), True
    view: View = {}
    for place, leaf in batches.leaves(value):
        name = ".".join(map(str, place)) or "sample"
        if isinstance(leaf, list):
            if len(leaf) == 1 and isinstance(leaf[0], str):
                view[name] = leaf[0]
            elif leaf and all(isinstance(v, int | float) for v in leaf):
                view[name] = np.asarray(leaf)
            continue
        values = fingerprints.array(leaf)
        if values.dtype.kind in "fiub":
            single = batched and values.ndim and values.shape[0] == 1
            view[name] = np.asarray(values[0]) if single else values
    if isinstance(sample.value, str):
        view["sample"] = sample.value
    return view
