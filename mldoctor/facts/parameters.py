"""Parameters: what each one is, who holds it, and whether it moved in the natural updates."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.step_calls import unobserved_steps
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from mldoctor.trainee.tape import Tape


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter tensor of a model that the loop calls.

    Attributes:
        name: qualified by the user's own name of the model (`model.classifier.weight`).
        module: class of the layer that owns it.
        shape: its sizes.
        trainable: `requires_grad` while the loop ran.
        held_by: indices of the optimizers that hold it.
        reached: a loss back-propagates to it.
        gradient: largest gradient norm before a step, None when it never had a gradient.
        moved: largest absolute change of an element over the natural updates; the smallest number
            above zero where steps changed it and something put it back.
        head: it belongs to a layer whose output a loss is computed from.
        built: where its layer was built.
        built_late: its layer was built after an optimizer that trains the same model.
        graded: its model was called with gradients enabled.
    """

    name: str
    module: str
    shape: tuple[int, ...]
    trainable: bool
    held_by: tuple[int, ...]
    reached: bool
    gradient: float | None
    moved: float
    head: bool
    built: Location | None
    built_late: bool
    graded: bool

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for n in self.shape:
            size *= n
        return size


@dataclass(frozen=True, slots=True)
class Optimizer:
    """One optimizer and what it holds.

    Attributes:
        tensors: parameter tensors it holds; `strangers` of them belong to no model in use.
        stranger_shapes: the shapes of those, as text.
        base_rates: the rate of each group as it was built.
        rates: the lowest and highest rate used in a natural update.
        steps: natural updates it took.
        cleared: times that its gradients were zeroed; unstepped: it took no step, and the files of the
            loop have no call of a `step` that was not reached so far.
    """

    kind: str
    built: Location | None
    tensors: int
    strangers: int
    stranger_shapes: tuple[str, ...]
    base_rates: tuple[float, ...]
    rates: tuple[float, float]
    steps: int
    cleared: int = 0
    unstepped: bool = False


@dataclass(frozen=True, slots=True)
class Parameters:
    """All parameters of the models in use, and the optimizers."""

    rows: tuple[Parameter, ...]
    optimizers: tuple[Optimizer, ...]
    updates: int

    def heads(self) -> tuple[Parameter, ...]:
        """The parameters of the layers that make the predictions."""
        return tuple(row for row in self.rows if row.head)


@fact(Cost.TAPE)
def parameters(trainee: Trainee) -> Parameters:
    """Compare every parameter with its value before the first update."""
    tape = trainee.tape
    if not tape.roots:
        raise AbsentFact("no model was called")
    held: dict[int, list[int]] = {}
    for index, optimizer in enumerate(tape.optimizers):
        for group in optimizer.param_groups:
            for tensor in group["params"]:
                held.setdefault(id(tensor), []).append(index)
    norms = _largest_gradients(tape)
    carried = _carried(tape)
    reached: set[int] = set()
    for event in tape.of("backward"):
        graph = event.details.get("graph")
        if graph is not None:
            reached |= graph.reached
    heads = {id(p) for head in tape.heads for p in head.parameters()}
    graded = {e.who for e in tape.of("forward") if e.details["grad"]}
    rows: dict[int, Parameter] = {}
    for index, root in enumerate(tape.roots):
        name = tape.names.get(id(root), type(root).__name__)
        for path, tensor, owner in _owned(root):
            if id(tensor) in rows:
                continue
            birth = tape.births.get(id(owner))
            holders = tuple(dict.fromkeys(held.get(id(tensor), ())))
            rows[id(tensor)] = Parameter(
                name=f"{name}.{path}",
                module=type(owner).__name__,
                shape=tuple(tensor.shape),
                trainable=tensor.requires_grad,
                held_by=holders,
                reached=id(tensor) in reached,
                gradient=norms.get(id(tensor)),
                moved=_moved(trainee, tensor) or carried.get(id(tensor), 0.0),
                head=id(tensor) in heads,
                built=birth.site.location() if birth and birth.site else None,
                built_late=bool(
                    birth and tape.optimizer_born and birth.order > min(tape.optimizer_born)
                ),
                graded=index in graded,
            )
    # What an earlier stage of the training has trained may be left as it is.
    left = {i for i, row in rows.items() if i in tape.earlier and not row.held_by}
    if len(left) == len(rows):
        raise AbsentFact("an earlier stage of the training has trained every parameter")
    return Parameters(
        tuple(row for i, row in rows.items() if i not in left),
        tuple(_optimizer(tape, i, o, set(rows)) for i, o in enumerate(tape.optimizers)),
        tape.updates,
    )


def _owned(root: nn.Module) -> list[tuple[str, Tensor, nn.Module]]:
    return [
        (f"{prefix}.{name}" if prefix else name, tensor, module)
        for prefix, module in root.named_modules()
        for name, tensor in module.named_parameters(recurse=False)
    ]


def _largest_gradients(tape: Tape) -> dict[int, float]:
    largest: dict[int, float] = {}
    for event in tape.of("step"):
        if event.who is None:
            continue
        optimizer = tape.optimizers[event.who]
        tensors = [p for group in optimizer.param_groups for p in group["params"]]
        for tensor, norm in zip(tensors, event.details["norms"], strict=False):
            if norm is not None:
                largest[id(tensor)] = max(largest.get(id(tensor), 0.0), norm)
    return largest


def _carried(tape: Tape) -> dict[int, float]:
    """How far steps moved tensors at least, by what was seen of them: all may be undone afterwards.

    A search for a learning rate ends with the weights that it began with.
    """
    found: dict[int, float] = {}
    for event in tape.of("step"):
        if event.who is None:
            continue
        groups = tape.optimizers[event.who].param_groups
        tensors = [p for group in groups for p in group["params"]]
        for row in event.details.get("moved", ()):
            if row.still < row.fed and row.tensor < len(tensors):
                found[id(tensors[row.tensor])] = sys.float_info.min
    return found


def _moved(trainee: Trainee, tensor: Tensor) -> float:
    before = trainee.initial_value(tensor)
    if before is None or before.shape != tensor.shape or not tensor.numel():
        return 0.0
    change = (tensor.detach() - before).abs().max()
    return float("inf") if change.isnan() else float(change)


def _optimizer(
    tape: Tape, index: int, optimizer: torch.optim.Optimizer, known: set[int]
) -> Optimizer:
    tensors = [p for group in optimizer.param_groups for p in group["params"]]
    strangers = [p for p in tensors if id(p) not in known]
    used: list[float] = [
        rate for e in tape.of("step") if e.who == index for rate in e.details["rates"]
    ]
    site = tape.optimizer_sites[index]
    cleared = sum(
        e.who is not None and tape.optimizers[e.who].param_groups is optimizer.param_groups
        for e in tape.of("zero_grad")
    )
    idle = cleared > 0 and not tape.optimizer_steps[index]
    return Optimizer(
        kind=type(optimizer).__name__,
        built=site.location() if site else None,
        tensors=len(tensors),
        strangers=len(strangers),
        stranger_shapes=tuple(_shape(p) for p in strangers[:6]),
        base_rates=tuple(tape.planned_rates[index]),
        rates=(min(used), max(used)) if used else (0.0, 0.0),
        steps=tape.optimizer_steps[index],
        cleared=cleared,
        unstepped=idle and not unobserved_steps(tape),
    )


def _shape(tensor: Any) -> str:
    return "x".join(str(n) for n in tensor.shape) or "scalar"
