"""ReceivedInputs: whether the samples of a batch still differ where they enter a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import RootCall


@dataclass(frozen=True, slots=True)
class Received:
    """The latest training call of one model.

    Attributes:
        samples: rows of its inputs, `[samples, ...]`.
        different: different rows among them, all inputs taken together.
        value: the one value of all its inputs, where they hold no other.
    """

    model: str
    site: Location | None
    samples: int
    different: int
    value: float | None


@dataclass(frozen=True, slots=True)
class ReceivedInputs:
    """Every model that is called with a batch."""

    rows: tuple[Received, ...]


@fact(Cost.TAPE)
def received_inputs(trainee: Trainee) -> ReceivedInputs:
    """Count the different rows of the tensors that each model was called with last."""
    tape = trainee.tape
    rows = []
    for index, call in tape.root_calls.items():
        found = _received(call, tape.names.get(id(tape.roots[index]), ""))
        if found is not None:
            rows.append(found)
    if not rows:
        raise AbsentFact("no model was called with a batch of tensors")
    return ReceivedInputs(tuple(rows))


def _received(call: RootCall, name: str) -> Received | None:
    inputs = _tensors((call.args, call.kwargs))
    samples = max((t.shape[0] for t in inputs), default=0)
    inputs = [t for t in inputs if t.shape[0] == samples]
    # The rows of what carries a gradient are another model's work.
    if not inputs or any(t.requires_grad for t in inputs):
        return None
    values = {float(v) for t in inputs for v in (t.min(), t.max())}
    return Received(
        model=name or type(call.module).__name__,
        site=call.site.location() if call.site else None,
        samples=samples,
        different=_different(inputs),
        value=values.pop() if len(values) == 1 else None,
    )


def _tensors(tree: object) -> list[Tensor]:
    """The tensors `[samples, ...]` in a batch or in arguments, with a value at least."""
    import torch
    from torch.utils._pytree import tree_leaves

    leaves = tree_leaves(tree)
    return [t for t in leaves if isinstance(t, torch.Tensor) and t.dim() > 0 and t.numel()]


def _different(tensors: list[Tensor]) -> int:
    """How many rows differ, over all of these tensors; NaN differs from nothing."""
    import torch

    flat = [t.detach().reshape(t.shape[0], -1).double().nan_to_num().cpu() for t in tensors]
    return len(torch.cat(flat, 1).unique(dim=0))  # type: ignore[no-untyped-call]
