"""SampleStability: is an entry of a dataset the same each time it is read?"""

from __future__ import annotations

import contextlib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.loaders import Loader, Loaders
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTRIES = 4
READS = 6
"""Reads of an entry: a transform applied with probability one half shows in 63 of 64 entries."""

WORDS = ("augment", "transform", "flip", "crop", "jitter", "noise", "perturb", "mixup", "cutout")
"""Words by which code declares a random change of its samples."""


@dataclass(frozen=True, slots=True)
class Stability:
    """One loader's dataset.

    Attributes:
        dataset: class of the innermost dataset.
        shared: the training loader reads the same innermost dataset or uses the same transform.
        reads: reads of each of `entries` entries, under different random states.
        random: entries that differed between reads.
        mutated: entries whose stored data changed when they were read, and whose sample then did.
        drew: reading drew from a global random generator.
        reseeded: a generator stood in the same state after every read, from whatever state before.
        declared: what declares a random transform (`RandomCrop`, `__getitem__: noise`), or "".
        worker_copies: groups of equal random changes that different workers made; None where the
            loader has fewer than two workers or changes nothing at random.
        worker_epochs: workers that are started anew, as for every epoch, make the same random changes
            as those before them, from whatever state of the generators; None likewise.
    """

    loader: Loader
    dataset: str
    shared: bool
    entries: int
    reads: int
    random: int
    mutated: int
    drew: bool
    reseeded: bool
    declared: str
    worker_copies: bool | None
    worker_epochs: bool | None = None


@dataclass(frozen=True, slots=True)
class SampleStability:
    """The training data first, then what evaluates."""

    rows: tuple[Stability, ...]


@fact(Cost.SCAN)
def sample_stability(trainee: Trainee, loaders: Loaders) -> SampleStability:
    """Read a few entries several times."""
    training = loaders.of("training")[0]
    base = _dataset(trainee, training)
    rows = []
    for loader in (training, *loaders.evaluating()):
        if loader.size:
            rows.append(_row(trainee, loader, base))
    if not rows:
        raise AbsentFact("the datasets are streams")
    return SampleStability(tuple(rows))


def _dataset(trainee: Trainee, row: Loader) -> Any:
    return getattr(trainee.tape.loaders[row.index].loader, "dataset", None)


def _row(trainee: Trainee, row: Loader, training: Any) -> Stability:
    from mldoctor.trainee import samples
    from mldoctor.trainee.snapshot import RandomState

    loader = trainee.tape.loaders[row.index].loader
    dataset, size = loader.dataset, row.size or 0
    inner = samples.innermost(dataset)
    chosen = sorted({(k * size) // ENTRIES for k in range(min(ENTRIES, size))})
    random = mutated = 0
    drew = reseeded = False
    before = RandomState.now()
    try:
        for index in chosen:
            with _stored(dataset, index) as touched:
                seen, states = [], []
                for read in range(READS):
                    _seed(1000 + read)
                    start = _state()
                    seen.append(_digest(dataset[index]))
                    states.append([(a, b) for a, b in zip(start, _state(), strict=True)])
                    drew = drew or any(a != b for a, b in states[-1])
                changed = touched()
                # Under the random state of the first read, only what is stored can make a difference.
                _seed(1000)
                repeated = changed and _digest(dataset[index]) != seen[0]
            mutated += repeated
            random += len(set(seen)) > 1 and not repeated
            ends = [{read[k][1] for read in states} for k in range(len(states[0]))]
            reseeded = reseeded or any(len(end) == 1 for end in ends)
        copies = epochs = None
        if random and not mutated and getattr(loader, "num_workers", 0) > 1:
            copies, epochs = _worker_copies(loader, chosen[0])
    finally:
        before.restore()
    return Stability(
        loader=row,
        dataset=type(inner).__name__,
        shared=dataset is training or _shares(inner, samples.innermost(training)),
        entries=len(chosen),
        reads=READS,
        random=random,
        mutated=mutated,
        drew=drew,
        reseeded=reseeded,
        declared=_declared(dataset, inner),
        worker_copies=copies,
        worker_epochs=epochs,
    )


def _shares(inner: Any, other: Any) -> bool:
    if inner is other:
        return True
    mine, theirs = getattr(inner, "transform", None), getattr(other, "transform", None)
    return mine is not None and mine is theirs


def _digest(sample: Any) -> bytes:
    from mldoctor.trainee import fingerprints, samples

    return fingerprints.fingerprint(samples.inputs(sample))


def _seed(seed: int) -> None:
    import random

    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the generator that datasets use
    torch.manual_seed(seed)


def _state() -> tuple[Any, ...]:
    import random

    import numpy as np
    import torch

    kind, keys, place, *_ = np.random.get_state()  # noqa: NPY002 - the generator that datasets use
    return (
        hash(random.getstate()),
        (kind, hash(np.asarray(keys).tobytes()), place),
        hash(torch.get_rng_state().numpy().tobytes()),
    )


@contextlib.contextmanager
def _stored(dataset: Any, index: int) -> Iterator[Any]:
    """The stored entry behind `index`: says whether it was changed, and puts it back."""
    import copy

    import numpy as np

    from mldoctor.trainee import samples

    inner, place = samples.entry(dataset, index)
    held: list[tuple[Any, int, Any]] = []
    for owner in samples.storage(inner):
        try:
            if len(owner) > place and len(owner) >= len(inner):
                held.append((owner, place, copy.deepcopy(owner[place])))
        except (TypeError, NotImplementedError, RuntimeError, ValueError):
            continue

    def changed() -> bool:
        return any(not _equal(owner[at], value) for owner, at, value in held)

    def _equal(left: Any, right: Any) -> bool:
        from mldoctor.trainee import batches

        a = [np.asarray(v) for _, v in batches.leaves(left)] or [np.asarray(left, dtype=object)]
        b = [np.asarray(v) for _, v in batches.leaves(right)] or [np.asarray(right, dtype=object)]
        return len(a) == len(b) and all(
            x.shape == y.shape and bool(((x == y) | ((x != x) & (y != y))).all())  # noqa: PLR0124 - NaN equals NaN here
            for x, y in zip(a, b, strict=True)
        )

    try:
        yield changed
    finally:
        for owner, at, value in held:
            if not _equal(owner[at], value):
                with contextlib.suppress(TypeError):  # a tuple cannot be put back, nor changed
                    owner[at] = value


def _declared(dataset: Any, inner: Any) -> str:
    """What says that samples are changed at random: a transform's name, or the code that reads."""
    for holder in (dataset, inner):
        for name in ("transform", "transforms", "augment", "augmentation"):
            value = getattr(holder, name, None)
            text = repr(value) if value is not None else ""
            if "Random" in text or "Jitter" in text:
                return text.splitlines()[0][:60]
    with contextlib.suppress(OSError, TypeError):
        source = inspect.getsource(type(inner).__getitem__).lower()
        word = next((w for w in WORDS if w in source), "")
        if word:
            return f"{type(inner).__name__}.__getitem__ speaks of {word!r}"
    return ""


def _worker_copies(loader: Any, index: int) -> tuple[bool | None, bool | None]:
    """Whether two workers change the same entry in the same way, and whether they do in every epoch."""
    from torch.utils.data import DataLoader

    from mldoctor.trainee.workers import Same, keep_list

    per_worker = 4
    again = DataLoader(
        Same(loader.dataset, index, 2 * per_worker),
        batch_size=per_worker,
        num_workers=2,
        worker_init_fn=loader.worker_init_fn,
        collate_fn=keep_list,
        timeout=20,
    )
    try:
        _seed(1000)
        first, second = ([_digest(v) for v in batch] for batch in again)
        _seed(1001)
        third = [_digest(v) for v in next(iter(again))]
    except (RuntimeError, ValueError, AttributeError):
        return None, None  # a worker died or took too long: nothing can be said
    several = len(set(first)) > 1
    lasting = bool(getattr(loader, "persistent_workers", False))
    return first == second and several, None if lasting else first == third and several
