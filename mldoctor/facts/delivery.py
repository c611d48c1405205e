"""Delivery: in which order, how much and how often each loader hands out its dataset."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor import sources
from mldoctor.errors import AbsentFact
from mldoctor.facts.loss_calls import CLASS_LOSSES
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import LoaderInfo, Tape

FEWEST = 8
"""Fewer labels than this are of one class by chance."""

LARGEST = 2_000_000
"""A custom batch sampler over more entries is not walked."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """One loader.

    Attributes:
        index: its number on the tape.
        role: "training", "evaluation" or "unread".
        size: entries of its dataset; batches: of one pass; batch_size: rows of a batch.
        sampler: class of what chooses the entries.
        sequential: entries come in the order of the dataset in every pass.
        drop_last: an incomplete last batch is left out.
        visited: different entries that a pass of a custom batch sampler visits, in the same way in
            two passes, or that a sampler has weights for; None where it differs or is not known.
        same_order: the sampler mixes the entries, in the same order in every epoch unless it is told
            which one begins, and it was not.
        requests, iterators, ends: batches asked for, passes begun, passes that ran to their end.
        empty_passes: passes that ended before any batch.
    """

    index: int
    role: str
    built: Location | None
    size: int | None
    batches: int | None
    batch_size: int | None
    sampler: str
    sequential: bool
    drop_last: bool
    visited: int | None
    requests: int
    iterators: int
    ends: int
    empty_passes: int
    same_order: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """All loaders, and what the losses show of the order of the batches.

    Attributes:
        updates: natural updates observed.
        identical: the longest run of updates whose targets were the same values in the same order;
            rows: entries of those targets; distinct: different values in them.
        pure: updates whose labels were all of one class; labelled: updates with class labels;
            classes: different ones over all updates; expected_pure: updates of one class if the
            same labels came in random order.
        site: the line of the loss.
        latest: how many batches were compared of those delivered last, when all of them hold the same
            values; 0 when they differ.
    """

    rows: tuple[Delivered, ...]
    updates: int
    identical: int
    identical_rows: int
    identical_values: int
    pure: int
    labelled: int
    classes: int
    expected_pure: float
    site: Location | None
    latest: int = 0


@fact(Cost.TAPE)
def delivery(trainee: Trainee) -> Delivery:
    """Read the samplers and count what was asked of each loader."""
    tape = trainee.tape
    if not tape.loaders and not tape.losses:
        raise AbsentFact("no DataLoader was built and no loss was computed")
    identical, rows, values = _identical(tape)
    pure, labelled, classes, expected = _purity(tape)
    graded = [c for c in tape.losses if c.grad and c.site]
    site = graded[-1].site if graded else None
    return Delivery(
        rows=tuple(
            _row(tape, i, info) for i, info in enumerate(tape.loaders) if info.loader is not None
        ),
        updates=tape.updates,
        identical=identical,
        identical_rows=rows,
        identical_values=values,
        pure=pure,
        labelled=labelled,
        classes=classes,
        expected_pure=expected,
        site=site.location() if site else None,
        latest=_latest(trainee),
    )


def _latest(trainee: Trainee) -> int:
    """How many of the latest batches there are, 0 unless they are the same throughout."""
    from mldoctor.trainee.batches import leaves

    found = [[leaf for _, leaf in leaves(batch)] for batch in trainee.latest_batches()]
    if not found or not found[0]:
        return 0
    alike = all(
        len(batch) == len(found[0])
        and all(_equal(a, b) for a, b in zip(batch, found[0], strict=True))
        for batch in found
    )
    return len(found) if alike else 0


def _equal(left: Any, right: Any) -> bool:
    import numpy as np
    from torch import Tensor

    from mldoctor.trainee.batches import same_values

    if isinstance(left, Tensor) and isinstance(right, Tensor):
        return left.shape == right.shape and same_values(left, right)
    return type(left) is type(right) and bool(np.array_equal(left, right))


def _row(tape: Tape, index: int, info: LoaderInfo) -> Delivered:
    from torch.utils.data import SequentialSampler

    from mldoctor.trainee import samples

    loader = info.loader
    batch_sampler = getattr(loader, "batch_sampler", None)
    sampler = getattr(batch_sampler, "sampler", None) or getattr(loader, "sampler", None)
    events = [e for e in tape.of("batch") if e.who == index]
    empty = sum(
        bool(e.details.get("end")) and (i == 0 or bool(events[i - 1].details.get("end")))
        for i, e in enumerate(events)
    )
    try:
        count: int | None = len(loader)
    except (TypeError, NotImplementedError):
        count = None
    role = "training" if info.trained else "evaluation" if info.evaluated else "unread"
    return Delivered(
        index=index,
        role=role,
        built=info.site.location() if info.site else None,
        size=samples.length(loader),
        batches=count,
        batch_size=info.batch_size,
        sampler=type(sampler).__name__,
        sequential=type(sampler) is SequentialSampler,
        drop_last=bool(
            getattr(loader, "drop_last", False) or getattr(batch_sampler, "drop_last", False)
        ),
        visited=_weighted(sampler, samples.length(loader))
        or _visited(batch_sampler, samples.length(loader)),
        requests=info.requests,
        iterators=info.iterators,
        ends=info.ends,
        empty_passes=empty,
        same_order=id(sampler) not in tape.told and _same_order(sampler) and not _spoken_of(tape),
    )


def _same_order(sampler: Any) -> bool:
    """Whether a sampler mixes the entries by the number of the epoch alone, which it still has as 0."""
    from torch.utils.data.distributed import DistributedSampler

    if not isinstance(sampler, DistributedSampler) or sampler.epoch or not sampler.shuffle:
        return False
    passes = [list(islice(sampler, LARGEST)) for _ in range(2)]
    return passes[0] == passes[1] != sorted(passes[0])


def _spoken_of(tape: Tape) -> bool:
    """Whether the script's own files tell samplers of epochs: some loops do so at the end of each."""
    places = [*(info.site for info in tape.loaders), *(call.site for call in tape.losses)]
    paths = {place.location().path for place in places if place}
    return any("set_epoch" in sources.read(Path(path)) for path in paths)


def _weighted(sampler: Any, size: int | None) -> int | None:
    """Entries that a weighted sampler has weights for, where they are fewer than there are."""
    from torch.utils.data import WeightedRandomSampler

    if size is None or not isinstance(sampler, WeightedRandomSampler):
        return None
    return len(sampler.weights) if len(sampler.weights) < size else None


def _visited(batch_sampler: Any, size: int | None) -> int | None:
    """Entries that every pass of the user's own batch sampler visits, the same in two passes."""
    from torch.utils.data import BatchSampler

    from mldoctor.trainee.snapshot import RandomState

    own = type(batch_sampler)
    if size is None or size > LARGEST or batch_sampler is None or own is BatchSampler:
        return None
    if own.__module__.startswith(("torch.", "accelerate.", "transformers.", "lightning.")):
        return None
    state = RandomState.now()
    try:
        passes = []
        for _ in range(2):
            seen: set[int] = set()
            for batch in batch_sampler:
                seen.update(int(i) for i in batch)
                if len(seen) > size:
                    return None
            passes.append(seen)
    except (TypeError, ValueError, StopIteration):
        return None  # a sampler of something else than indices
    finally:
        state.restore()
    return len(passes[0]) if passes[0] == passes[1] else None


def _identical(tape: Tape) -> tuple[int, int, int]:
    """The longest tail of updates with the same targets, how many entries, how many values."""
    import torch

    by_update: dict[int, list[torch.Tensor]] = {}
    for call in tape.losses:
        if call.grad and call.target is not None:
            by_update.setdefault(call.update, []).append(call.target)
    ordered = [by_update[u] for u in sorted(by_update)]
    if len(ordered) < 2:  # noqa: PLR2004 - nothing to compare
        return len(ordered), 0, 0
    length = 1
    while length < len(ordered) and _same(ordered[-length], ordered[-length - 1]):
        length += 1
    last = max(ordered[-1], key=lambda t: t.numel())
    return length, int(last.shape[0]) if last.dim() else 1, int(torch.unique(last).numel())


def _same(left: list[Any], right: list[Any]) -> bool:
    import torch

    return len(left) == len(right) and all(
        a.shape == b.shape and bool(torch.equal(a, b)) for a, b in zip(left, right, strict=True)
    )


def _purity(tape: Tape) -> tuple[int, int, int, float]:
    """Updates of one class, updates with labels, different classes, and how many by chance."""
    by_update: dict[int, list[int]] = {}
    for call in tape.losses:
        target = call.target
        if not call.grad or target is None or call.function not in CLASS_LOSSES:
            continue
        if target.is_floating_point() or target.numel() != call.prediction.shape[0]:
            continue
        by_update.setdefault(call.update, []).extend(target.reshape(-1).tolist())
    updates = [labels for labels in by_update.values() if len(labels) >= FEWEST]
    counts = Counter(label for labels in updates for label in labels)
    shares = [n / counts.total() for n in counts.values()]
    expected = sum(sum(p ** len(labels) for p in shares) for labels in updates)
    return sum(len(set(labels)) == 1 for labels in updates), len(updates), len(counts), expected
