"""SampleVariation: how far the samples of a batch still differ, layer by layer along the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts import recorded_calls
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mldoctor.trainee.tape import RootCall

DISTINCT = 1e-3
"""The relative spacing of float16: samples that differ by less are the same in half precision."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The output of one layer on the recorded batch, in eval mode.

    Attributes:
        name: qualified by the user's own name of the model.
        kind: class of the layer.
        variation: root mean square of the deviation from the mean over the samples, relative to
            that of the output itself; zero where all samples give the same.
    """

    name: str
    kind: str
    variation: float


@dataclass(frozen=True, slots=True)
class SampleVariation:
    """The layers of every trained model, or of the latest one where none is, in forward order."""

    rows: tuple[Layer, ...]


@fact(Cost.FORWARDS)
def sample_variation(trainee: Trainee) -> SampleVariation:
    """Repeat the recorded calls and look at what each layer returns."""
    tape = trainee.tape
    rows: list[Layer] = []
    for call in recorded_calls.trained_calls(tape) or [*tape.root_calls.values()][-1:]:
        counted = recorded_calls.sample_count(trainee, call)
        if counted is not None:
            name = tape.names.get(id(call.module), type(call.module).__name__)
            samples, axes = counted
            rows.extend(_layers(call, name, samples, next(iter(axes.values()))))
    if not rows:
        raise AbsentFact("the samples of a batch cannot be told apart in what the layers return")
    return SampleVariation(tuple(rows))


def _layers(call: RootCall, model: str, samples: int, axis: int) -> list[Layer]:
    from mldoctor.trainee.quiet import takes_hooks

    rows: dict[str, Layer] = {}
    handles = []

    def watch(path: str, module: nn.Module) -> None:
        def returned(_module: nn.Module, given: Any, output: Any) -> None:
            tensor = _first(output)
            unchanged = tensor is not None and any(tensor is one for one in given)
            if path in rows or tensor is None or unchanged:  # dropout is no layer in eval mode
                return
            variation = _variation(tensor, samples, axis)
            if variation is not None:
                name = ".".join(part for part in (model, path) if part)
                rows[path] = Layer(name, type(module).__name__, variation)

        handles.append(module.register_forward_hook(returned))

    for path, module in call.module.named_modules():
        if next(module.children(), None) is None and takes_hooks(module):
            watch(path, module)
    try:
        recorded_calls.repeat(call)
    finally:
        for handle in handles:
            handle.remove()
    return list(rows.values())


def _first(output: Any) -> Tensor | None:
    """The first floating tensor of what a layer returned."""
    from torch import Tensor

    from mldoctor.trainee.batches import leaves

    found = (leaf for _, leaf in leaves((output,)) if isinstance(leaf, Tensor))
    return next((t for t in found if t.is_floating_point() and t.numel() and not t.is_sparse), None)


def _variation(tensor: Tensor, samples: int, axis: int) -> float | None:
    """The relative deviation between samples; None where it is not clear which axis they are.

    Args:
        tensor: what a layer returned.
        samples: how many there are.
        axis: where the inputs of the model have them; a layer may expect them elsewhere.
    """
    places = [at for at in (axis, 1 - axis) if at < tensor.dim() and tensor.shape[at] == samples]
    if not places:
        return None
    values = tensor.detach().double()
    scale = float(values.square().mean().sqrt())
    apart = float((values - values.mean(places[0], keepdim=True)).square().mean().sqrt())
    found = apart / scale if scale else 0.0
    return found if found < float("inf") else None
