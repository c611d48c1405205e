"""ActivationUse: what the activation functions of each model give on the recorded call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts import recorded_calls
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor
    from torch.overrides import TorchFunctionMode

    from mldoctor.trainee.tape import RootCall, Tape

RELUS = ("relu", "relu_")
BOUNDED = ("sigmoid", "sigmoid_", "tanh", "tanh_")
SOFTMAXES = ("softmax", "log_softmax")
PRODUCTS = ("matmul", "__matmul__", "bmm")
LIMIT = 0.01
"""Distance to the limit, as a share of the range, from which on an activation lets through less
than 4 % of the gradient that it lets through at best."""


@dataclass(frozen=True, slots=True)
class Activation:
    """One call of an activation function in the forward.

    Attributes:
        function: torch's name of it.
        samples: samples in the batch, None when that is not certain.
        units: size of its unit axis.
        dead: share of the units that are zero for every sample and place.
        saturated: share of the values at the limits of a sigmoid or tanh.
        is_output: its result is what the model returns.
        over_batch: a softmax whose values sum to one over the samples of the batch.
        beside: what a softmax sums to one over, where that is not what its values are used for: "time"
            where a loss reads classes from another axis, "queries" where a product sums over another.
    """

    model: str
    function: str
    site: Location | None
    shape: tuple[int, ...]
    samples: int | None
    units: int
    dead: float
    saturated: float
    is_output: bool
    over_batch: bool
    beside: str = ""


@dataclass(frozen=True, slots=True)
class ActivationUse:
    """Every activation of every trained model, in the order of the forward."""

    rows: tuple[Activation, ...]


@fact(Cost.FORWARDS)
def activation_use(trainee: Trainee) -> ActivationUse:
    """Repeat the recorded calls in eval mode while activation functions are watched."""
    tape = trainee.tape
    rows: list[Activation] = []
    for call in recorded_calls.trained_calls(tape):
        counted = recorded_calls.sample_count(trainee, call)
        name = tape.names.get(id(call.module), type(call.module).__name__)
        classes = _classes(tape)
        rows.extend(_watched(call, name, counted[0] if counted else None, classes))
    if not rows:
        raise AbsentFact("no activation function was seen in the forward of a trained model")
    return ActivationUse(tuple(rows))


def _classes(tape: Tape) -> dict[int, int]:
    """Classes that losses read from log-probabilities, by the number of values they were given."""
    return {
        call.prediction.numel(): call.prediction.shape[1]
        for call in tape.losses
        if call.grad and call.function == "nll_loss" and call.prediction.dim() > 1
    }


def _watched(
    call: RootCall, name: str, samples: int | None, classes: dict[int, int]
) -> list[Activation]:
    seen: list[tuple[str, Any, Tensor, int | None]] = []
    summed: set[int] = set()
    with _watch(seen, summed):
        outcome = recorded_calls.repeat(call)
    if outcome is None:
        return []
    outputs = list(outcome.tensors.values())
    return [
        Activation(
            model=name,
            function=function,
            site=place.location() if (place := site or call.site) else None,
            shape=tuple(result.shape),
            samples=samples,
            units=result.shape[axis_of_units],
            dead=_dead(result, axis_of_units) if function in RELUS else 0.0,
            saturated=_saturated(function, result) if function in BOUNDED else 0.0,
            is_output=any(o.numel() == result.numel() for o in outputs),
            over_batch=_over_batch(function, result, axis, samples),
            beside="queries"
            if place_of in summed
            else _beside(function, result, axis, classes.get(result.numel())),
        )
        for place_of, (function, site, result, axis) in enumerate(seen)
        for axis_of_units in (_unit_axis(result),)
    ]


def _beside(function: str, result: Tensor, axis: int | None, classes: int | None) -> str:
    """Whether a sequence of log-probabilities sums to one over time and not over its classes."""
    if function not in SOFTMAXES or result.dim() != 3 or not axis or classes is None:  # noqa: PLR2004 - [batch, ., .]
        return ""
    sizes = list(result.shape)
    return "time" if sizes.count(classes) == 1 and sizes[axis] != classes else ""


def _watch(seen: list[tuple[str, Any, Tensor, int | None]], summed: set[int]) -> TorchFunctionMode:
    """Note activations in `seen`, and in `summed` the softmaxes that a product sums wrongly."""
    from torch import Tensor
    from torch.overrides import TorchFunctionMode

    from mldoctor.trainee.sites import current_site

    weights: list[tuple[Tensor, int]] = []  # attention weights over another axis than the keys

    class Watch(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            del types
            named = kwargs or {}
            result = func(*args, **named)
            name = getattr(func, "__name__", "")
            if name in PRODUCTS and weights and args:
                summed.update(number for known, number in weights if known is args[0])
            if (
                name in (*RELUS, *BOUNDED, *SOFTMAXES)
                and isinstance(result, Tensor)
                and result.dim() > 1
                and len(seen) < 500  # noqa: PLR2004 - a recurrent loop by hand calls them at every step
            ):
                axis = _axis(args, named, result)
                if name == "softmax" and result.dim() > 2 and axis == result.dim() - 2:  # noqa: PLR2004 - [batch, queries, keys]
                    weights.append((result, len(seen)))
                seen.append((name, current_site(), result.detach().clone(), axis))
            return result

    return Watch()


def _axis(args: Any, named: Any, result: Tensor) -> int | None:
    """The axis that a softmax was given; torch chooses 0 for one or three axes when it was not."""
    axis = named.get("dim", args[1] if len(args) > 1 else None)
    if axis is None:
        return 0 if result.dim() in (1, 3) else 1
    return int(axis) % result.dim() if isinstance(axis, int) else None


def _over_batch(function: str, result: Tensor, axis: int | None, samples: int | None) -> bool:
    return (
        function in SOFTMAXES
        and axis == 0
        and samples is not None
        and result.shape[0] == samples
        and list(result.shape).count(samples) == 1
    )


def _unit_axis(result: Tensor) -> int:
    """The axis of the units: 1 for images, and for sequences the one that shows fewer dead ones."""
    if result.dim() == 3:  # noqa: PLR2004 - [batch, time, features] or [batch, channels, time]
        return min((2, 1), key=lambda axis: _dead(result, axis))
    return 1 if result.dim() > 3 else result.dim() - 1  # noqa: PLR2004 - [batch, channels, height, width]


def _dead(result: Tensor, axis: int) -> float:
    units = result.movedim(axis, 0).flatten(1)
    return float((units == 0).all(1).float().mean())


def _saturated(function: str, result: Tensor) -> float:
    low, high = (0.0, 1.0) if function.startswith("sigmoid") else (-1.0, 1.0)
    near = LIMIT * (high - low)
    return float(((result < low + near) | (result > high - near)).float().mean())
