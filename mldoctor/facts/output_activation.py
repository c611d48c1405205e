"""OutputActivation: the last operation that bounds what each model can answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import RootCall

KINDS = {
    "Tanh": "tanh",
    "Hardtanh": "hardtanh",
    "Sigmoid": "sigmoid",
    "Softmax": "softmax",
    "Relu": "relu",
    "Softplus": "softplus",
    "Clamp": "clamp",
}
"""Names of the operations in the autograd graph."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output tensor of a model.

    Attributes:
        model: its name.
        activation: "tanh", "relu", ... when that is the last thing done to it, else "".
        entries: values in it, in the latest training call.
    """

    model: str
    activation: str
    entries: int


@dataclass(frozen=True, slots=True)
class OutputActivation:
    """Every output of the models that the loop calls."""

    rows: tuple[Output, ...]

    def of(self, entries: int) -> str:
        """The activation of the only outputs with so many entries, "" when there are several."""
        found = {row.activation for row in self.rows if row.entries == entries}
        return found.pop() if len(found) == 1 else ""


@fact(Cost.FORWARDS)
def output_activation(trainee: Trainee) -> OutputActivation:
    """Repeat the latest calls and read the last operation from the autograd graph."""
    tape = trainee.tape
    rows = []
    for index, call in tape.root_calls.items():
        name = tape.names.get(id(tape.roots[index]), type(tape.roots[index]).__name__)
        for tensor in _outputs(call):
            rows.append(Output(name, _last(tensor), tensor.numel()))
    if not rows:
        raise AbsentFact("no model gave an output with a gradient")
    return OutputActivation(tuple(rows))


def _outputs(call: RootCall) -> list[Tensor]:
    import torch

    from mldoctor.trainee.batches import leaves
    from mldoctor.trainee.quiet import quiet

    with quiet(call.module), torch.enable_grad():
        try:
            output = call.module(*call.args, **call.kwargs)
        except (IndexError, RuntimeError, ValueError, TypeError):
            return []  # it failed in the loop as well, or its inputs were released
    return [
        leaf for _, leaf in leaves(output) if isinstance(leaf, torch.Tensor) and leaf.requires_grad
    ]


SHAPE_ONLY = ("Squeeze", "Unsqueeze", "View", "Reshape", "UnsafeView", "Select", "Alias", "Clone")


def _last(tensor: Tensor) -> str:
    node = tensor.grad_fn
    while node is not None and node.name().startswith(SHAPE_ONLY) and node.next_functions:
        node = node.next_functions[0][0]
    name = node.name().rsplit("::", 1)[-1] if node is not None else ""
    return next((kind for start, kind in KINDS.items() if name.startswith(start)), "")
