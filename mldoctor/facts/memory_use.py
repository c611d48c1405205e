"""MemoryUse: what training keeps in memory at once, beside what there is.

Weights, gradients and the state of the optimizers are counted. What the forward keeps for the backward
is measured on the recorded call, with a part of its samples and with more of them, so that the share
of each sample is known. Nothing is measured where neither the user nor the device sets a limit.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts import recorded_calls
from mldoctor.facts.kept_activations import FEW, activations
from mldoctor.facts.script_failure import script_failure
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch
    from torch import Tensor

    Path = tuple[Any, ...]

MOST = 2**24
"""Samples at which the search for the largest batch ends."""

STATES = {"Adam": 2, "LAMB": 2, "RMSprop": 1, "Adagrad": 1, "Lion": 1, "Adadelta": 2}
"""Tensors that an optimizer will keep for each parameter, where it has not stepped yet."""


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """What must be in memory at the end of a forward; everything in bytes.

    Attributes:
        limit: what there is, None where nothing sets a limit; then nothing else is measured.
        limit_of: "--memory-limit", or the name of the device.
        activations: what the forward keeps for the backward, as the coefficients of 1, n and n^2
            for n samples; empty where it could not be measured.
        samples: in the batch; 0 where they could not be counted, and one coefficient is known.
        out_of_memory: what the script raised, "" unless it ran out of memory.
    """

    limit: int | None
    limit_of: str
    weights: int = 0
    gradients: int = 0
    optimizers: int = 0
    activations: tuple[float, ...] = ()
    samples: int = 0
    out_of_memory: str = ""
    site: Location | None = None

    def kept(self, samples: int) -> float:
        """What the forward keeps of so many samples."""
        return sum(value * float(samples**power) for power, value in enumerate(self.activations))

    def needed(self, samples: int) -> float:
        """All of it, with so many samples in the batch."""
        return self.weights + self.gradients + self.optimizers + self.kept(samples)

    @property
    def largest_batch(self) -> int | None:
        """Samples that fit, None where their share is not known."""
        if self.limit is None or not self.samples or len(self.activations) < len(FEW) - 1:
            return None
        low, high = 0, 1
        while self.needed(high) <= self.limit and high < MOST:
            high *= 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.needed(middle) <= self.limit else (low, middle)
        return low


@fact(Cost.FORWARDS)
def memory_use(trainee: Trainee) -> MemoryUse:
    """Count what is kept for good, and measure what the forward keeps."""
    tape = trainee.tape
    failure = _out_of_memory(trainee)
    limit, limit_of = _limit(trainee, machine=bool(failure))
    if limit is None and not failure:
        return MemoryUse(None, "")
    calls = recorded_calls.trained_calls(tape) or [*tape.root_calls.values()]
    if not calls and tape.failed is not None:
        calls = [tape.failed]
    if not calls and not failure:
        raise AbsentFact("no model was called with gradients")
    measured = [activations(trainee, call, failed=bool(failure)) for call in calls]
    weights = _unique(t for m in tape.roots for t in (*m.parameters(), *m.buffers()))
    trained = _unique(p for m in tape.roots for p in m.parameters() if p.requires_grad)
    place = calls[-1].site if calls else None
    return MemoryUse(
        limit=limit,
        limit_of=limit_of,
        weights=sum(t.nbytes for t in weights),
        gradients=sum(t.nbytes for t in trained),
        optimizers=sum(_state(tape.optimizers[i]) for i in tape.current()),
        activations=tuple(map(sum, zip_longest(*(curve for curve, _ in measured), fillvalue=0.0))),
        samples=max((count for _, count in measured), default=0),
        out_of_memory=failure,
        site=_failed_at(trainee) or (place.location() if place else None),
    )


def _limit(trainee: Trainee, *, machine: bool) -> tuple[int | None, str]:
    """What there is, and whose it is; of the whole machine only where a script used it up."""
    import torch

    if trainee.memory_limit is not None:
        return trainee.memory_limit, "--memory-limit"
    devices = {p.device for root in trainee.tape.roots for p in root.parameters()}
    for device in devices:
        if device.type == "cuda":
            properties = torch.cuda.get_device_properties(device)
            return properties.total_memory, properties.name
    if machine:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), "this machine"
    return None, ""


def _out_of_memory(trainee: Trainee) -> str:
    """What the script raised for want of memory."""
    import torch

    error = trainee.failure()
    text = str(error or "")
    short = isinstance(error, torch.OutOfMemoryError | MemoryError)
    if not short and "out of memory" not in text and "can't allocate memory" not in text:
        return ""
    first = next(iter(text.splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _failed_at(trainee: Trainee) -> Location | None:
    try:
        site: Location = script_failure(trainee).site
    except AbsentFact:
        return None
    return site


def _unique(tensors: Iterable[Tensor]) -> list[Tensor]:
    return list({id(t): t for t in tensors}.values())


def _state(optimizer: torch.optim.Optimizer) -> int:
    """Bytes of what an optimizer keeps, or will keep after its first step."""
    import torch

    kept = [v for s in optimizer.state.values() for v in s.values() if isinstance(v, torch.Tensor)]
    if kept:
        return sum(t.nbytes for t in _unique(kept))
    held = sum(p.nbytes for group in optimizer.param_groups for p in group["params"])
    known = [n for kind, n in STATES.items() if kind in type(optimizer).__name__]
    momentum = any(group.get("momentum") for group in optimizer.param_groups)
    return int(held * (known[0] if known else bool(momentum)))
