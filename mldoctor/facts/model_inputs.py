"""ModelInputs: the numbers that reach the first layer of each model."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from torch import Tensor, nn

    from mldoctor.trainee.tape import RootCall

FEW_ROWS = 8
"""Fewer samples say nothing about scales."""


@dataclass(frozen=True, slots=True)
class FirstLayer:
    """What enters the first linear, convolutional or recurrent layer of a model.

    Attributes:
        model: its name; layer: the path of the layer; kind: its class.
        shape: of the tensor that enters, `[batch, ...]`.
        lowest, highest, mean, spread: over all values; spread is the standard deviation.
        normalised_after: a normalisation layer takes the layer's output.
        widest, narrowest: largest and smallest standard deviation of an input feature over the
            samples, constant features left out; None for other inputs than `[batch, features]`.
        offset: largest ratio of a feature's mean to its standard deviation.
        scrambled: for images and sequences, roughness of the values as they stand, relative to the
            roughness when the same memory is read in the layout named `layout`; None otherwise.
        further: for images, how much more alike values as many rows apart as there are channels are
            than values one row apart, as correlations; None otherwise. Rows of an image grow less
            alike with distance; where channels come last in memory, so many rows are the next one.
    """

    model: str
    layer: str
    kind: str
    site: Location | None
    shape: tuple[int, ...]
    lowest: float
    highest: float
    mean: float
    spread: float
    normalised_after: bool
    widest: float | None
    narrowest: float | None
    scrambled: float | None
    layout: str
    further: float | None = None


@dataclass(frozen=True, slots=True)
class ModelInputs:
    """The first layer of every model that the loop calls."""

    rows: tuple[FirstLayer, ...]


@fact(Cost.FORWARDS)
def model_inputs(trainee: Trainee) -> ModelInputs:
    """Repeat the latest training call of each model and look at what its first layer gets."""
    tape = trainee.tape
    rows = []
    for index, call in tape.root_calls.items():
        name = tape.names.get(id(tape.roots[index]), type(tape.roots[index]).__name__)
        found = _first_layer(call, name)
        if found is not None:
            rows.append(found)
    if not rows:
        raise AbsentFact(
            "no model with a linear, convolutional or recurrent first layer was called"
        )
    return ModelInputs(tuple(rows))


def _first_layer(call: RootCall, name: str) -> FirstLayer | None:
    import torch
    from torch import nn
    from torch.nn.modules.batchnorm import _NormBase
    from torch.nn.modules.conv import _ConvNd

    from mldoctor.trainee.quiet import quiet

    order: list[tuple[str, nn.Module, Tensor]] = []
    normalisers = (_NormBase, nn.LayerNorm, nn.GroupNorm)
    layers = (nn.Linear, _ConvNd, nn.RNNBase, nn.RNNCellBase, *normalisers)

    def watch(path: str, module: nn.Module) -> Any:
        def enter(_module: nn.Module, args: Any) -> None:
            if args and isinstance(args[0], torch.Tensor) and len(order) < 3:  # noqa: PLR2004 - the first and its successor
                order.append((path, module, args[0].detach()))

        return enter

    with quiet(call.module), torch.no_grad(), ExitStack() as stack:
        embeds: list[Tensor] = []
        for path, module in call.module.named_modules():
            if isinstance(module, layers):
                stack.callback(module.register_forward_pre_hook(watch(path, module)).remove)
            elif isinstance(module, nn.Embedding | nn.EmbeddingBag):
                stack.callback(
                    module.register_forward_hook(lambda _m, _a, out: embeds.append(out)).remove
                )
        try:
            call.module(*call.args, **call.kwargs)
        except Exception as error:
            if not order:
                raise AbsentFact(f"the model could not be called again: {error}") from error
    if not order or embeds:
        return None
    path, module, value = order[0]
    if isinstance(module, normalisers) or not value.is_floating_point() or not value.numel():
        return None
    if value.dim() < 2 or not bool(torch.isfinite(value).all()):  # noqa: PLR2004 - [batch, ...]
        return None
    values = value.float().cpu()
    widest = narrowest = None
    if values.dim() == 2 and values.shape[0] >= FEW_ROWS and values.shape[1] > 1:  # noqa: PLR2004 - [batch, features]
        spread = values.std(0)
        moving = spread[spread > 1e-6 * values.abs().max()]
        if moving.numel() > 1:
            widest, narrowest = float(moving.max()), float(moving.min())
    scrambled, layout = _layout(values.numpy())
    return FirstLayer(
        model=name,
        layer=f"{name}.{path}" if path else name,
        kind=type(module).__name__,
        site=call.site.location() if call.site else None,
        shape=tuple(values.shape),
        lowest=float(values.min()),
        highest=float(values.max()),
        mean=float(values.mean()),
        spread=float(values.std()) if values.numel() > 1 else 0.0,
        normalised_after=len(order) > 1 and isinstance(order[1][1], normalisers),
        widest=widest,
        narrowest=narrowest,
        scrambled=scrambled,
        layout=layout,
        further=_further(values.numpy()) if scrambled is not None else None,
    )


def _layout(values: np.ndarray) -> tuple[float | None, str]:
    """How rough images are as they stand, over how rough they are in another reading of memory."""
    if values.ndim == 4 and values.shape[0] >= FEW_ROWS:  # noqa: PLR2004 - [batch, channels, height, width]
        batch, channels, height, width = values.shape
        if channels not in (3, 4) or min(height, width) < 8:  # noqa: PLR2004 - a picture
            return None, ""
        other = values.reshape(batch, height, width, channels).transpose(0, 3, 1, 2)
        return _ratio(values, other, max), f"[{height}, {width}, {channels}]"
    if values.ndim == 3 and values.shape[0] >= FEW_ROWS and min(values.shape[1:]) >= 4:  # noqa: PLR2004 - [batch, time, features]
        batch, first, second = values.shape
        if first == second:
            return None, ""
        turned = values.reshape(batch, second, first).transpose(0, 2, 1)
        return _ratio(values, turned, min), f"[{second}, {first}]"
    return None, ""


def _further(values: np.ndarray) -> float | None:
    """What rows as many apart as there are channels have in common beyond what the next one has."""
    if values.ndim != 4:  # noqa: PLR2004 - [batch, channels, height, width]
        return None
    _, channels, _, width = values.shape
    memory = values.reshape(len(values), -1)
    memory = memory - memory.mean(1, keepdims=True)
    power = float((memory**2).mean())
    if power == 0:
        return None
    near, far = (float((memory[:, :-k] * memory[:, k:]).mean()) for k in (width, channels * width))
    return (far - near) / power


def _ratio(
    values: np.ndarray, other: np.ndarray, over: Callable[[list[float]], float]
) -> float | None:
    mine, theirs = over(_roughness(values)), over(_roughness(other))
    return mine / theirs if theirs > 0 else None


def _roughness(values: np.ndarray) -> list[float]:
    """Mean absolute step to the next value along each of the last two axes.

    A picture is as rough as its roughest axis; of a sequence only the axis of time is smooth.
    """
    import numpy as np

    return [float(np.abs(np.diff(values, axis=axis)).mean()) for axis in (-1, -2)]
