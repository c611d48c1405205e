"""StreamShares: whether the workers of a loader divide a stream among themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.loaders import Loaders
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.facts.loaders import Loader

SAMPLES = 8
"""Samples that each of two workers is asked for."""

WAIT = 20
"""Seconds for a worker's first samples, as for a map-style dataset (see `sample_stability`)."""


@dataclass(frozen=True, slots=True)
class StreamShare:
    """One stream that several workers read.

    Attributes:
        workers: of the loader.
        samples: samples that each of two workers gave; `different` ones among those of the first.
        same: both gave the same ones, in the same order.
    """

    index: int
    built: Location | None
    dataset: str
    workers: int
    samples: int
    different: int
    same: bool


@dataclass(frozen=True, slots=True)
class StreamShares:
    """The stream that the loop trains on."""

    rows: tuple[StreamShare, ...]


@fact(Cost.SCAN)
def stream_shares(trainee: Trainee, loaders: Loaders) -> StreamShares:
    """Let two workers read the beginning of the stream."""
    training = loaders.of("training")[0]
    info = trainee.tape.loaders[training.index]
    if training.size is not None or getattr(info.loader, "num_workers", 0) <= 1:
        raise AbsentFact("no stream is read by several workers")
    found = _read(training, info.loader)
    if found is None:
        raise AbsentFact("two workers could not be asked for samples of the stream")
    return StreamShares((found,))


def _read(row: Loader, loader: Any) -> StreamShare | None:
    from torch.utils.data import DataLoader, IterableDataset

    from mldoctor.trainee import fingerprints, samples
    from mldoctor.trainee.snapshot import RandomState
    from mldoctor.trainee.workers import keep_list

    if not isinstance(loader.dataset, IterableDataset):
        return None
    before = RandomState.now()
    try:
        again = iter(
            DataLoader(
                loader.dataset,
                batch_size=SAMPLES,
                num_workers=2,
                worker_init_fn=loader.worker_init_fn,
                collate_fn=keep_list,
                timeout=WAIT,
                prefetch_factor=1,
            )
        )
        first, second = (
            [fingerprints.fingerprint(samples.inputs(sample)) for sample in next(again)]
            for _ in range(2)
        )
    except (RuntimeError, ValueError, AttributeError, StopIteration):
        return None  # a worker died or took too long, or there are not two batches
    finally:
        before.restore()
    return StreamShare(
        index=row.index,
        built=row.built,
        dataset=row.dataset,
        workers=loader.num_workers,
        samples=len(first),
        different=len(set(first)),
        same=first == second,
    )
