"""Linearity: is a model of several layers, as a function of its input, nothing but an affine map?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts import recorded_calls
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mldoctor.trainee.tape import RootCall


STACKED = 2
"""Layers from which on there is something to stand between."""


@dataclass(frozen=True, slots=True)
class LinearModel:
    """One model with a single floating input.

    Attributes:
        layers: linear and convolutional layers with weights, at least two.
        bottleneck: one of them, but the last, is narrower than the input and the output.
        departure: largest departure from an affine map, relative to the scale of the output;
            None when the inputs could not be combined.
    """

    name: str
    built: Location | None
    site: Location | None
    layers: int
    bottleneck: bool
    departure: float | None


@dataclass(frozen=True, slots=True)
class Linearity:
    """Every trained model with a single floating input and at least two linear layers."""

    models: tuple[LinearModel, ...]


@fact(Cost.FORWARDS)
def linearity(trainee: Trainee) -> Linearity:
    """Compare f(a) + f(b) with f(a + b) + f(0), in eval mode."""
    tape = trainee.tape
    rows = []
    for call in recorded_calls.trained_calls(tape):
        tensors = recorded_calls.given(call)
        layers = _layers(call.module)
        if len(layers) < STACKED or [t.is_floating_point() for t in tensors.values()] != [True]:
            continue
        birth = tape.births.get(id(call.module))
        widths = [int(p.shape[0]) for p in layers]
        ends = min(int(layers[0].shape[1]), widths[-1])
        rows.append(
            LinearModel(
                name=tape.names.get(id(call.module), type(call.module).__name__),
                built=birth.site.location() if birth and birth.site else None,
                site=call.site.location() if call.site else None,
                layers=len(layers),
                bottleneck=min(widths[:-1]) < ends,
                departure=_departure(call),
            )
        )
    if not rows:
        raise AbsentFact("no model with several layers has a single floating input")
    return Linearity(tuple(rows))


def _layers(root: nn.Module) -> list[Tensor]:
    from torch import nn

    from mldoctor.trainee.quiet import quiet

    kinds = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    with quiet(root):  # a weight that is normalised is computed when it is read
        return [m.weight for m in root.modules() if isinstance(m, kinds)]


def _departure(call: RootCall) -> float | None:
    """0 up to rounding for an affine map."""

    def other(_path: Any, tensor: Tensor) -> Tensor:
        return tensor.roll(1, 0).neg() if tensor.dim() else tensor

    def both(path: Any, tensor: Tensor) -> Tensor:
        return tensor + other(path, tensor.clone())

    first = recorded_calls.repeat(call)
    second = recorded_calls.repeat(call, other)
    if first is None or second is None or not first.finite() or not first.same_shapes(second):
        return None
    together = recorded_calls.repeat(call, both)
    nothing = recorded_calls.repeat(call, lambda _path, tensor: tensor.zero_())
    if together is None or nothing is None or not first.same_shapes(together):
        return None
    if not first.same_shapes(nothing) or not first.tensors:
        return None
    largest = 0.0
    for path, one in first.tensors.items():
        summed = one + second.tensors[path] - together.tensors[path] - nothing.tensors[path]
        effect = float((one - nothing.tensors[path]).abs().max())
        if effect == 0:
            return None
        largest = max(largest, float(summed.abs().max()) / effect)
    return largest
