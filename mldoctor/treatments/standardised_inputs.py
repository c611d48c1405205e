"""Bring every numeric input of the models to zero mean and unit spread."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from mldoctor.trainee.trainee import Trainee

FAR = 10.0
"""Spreads above this or below its inverse, and means this many spreads away from zero, are far from
the scale that initialisations assume (LeCun and others, Efficient BackProp, 1998, section 4.3)."""


@contextmanager
def standardised_inputs(trainee: Trainee) -> Iterator[None]:
    """Standardise the floating inputs of every model call, with what its first call shows.

    A table `[batch, features]` is standardised feature by feature, anything else as a whole.
    """
    import torch
    from torch.utils._pytree import tree_map_only

    from mldoctor.trainee.quiet import takes_hooks

    known: dict[Any, tuple[Tensor, Tensor]] = {}

    def standardise(key: Any, value: Tensor) -> Tensor:
        if not value.is_floating_point() or value.requires_grad or value.dim() < 2:  # noqa: PLR2004 - [batch, ...]
            return value
        if key not in known:
            known[key] = moments(value)
        mean, spread = known[key]
        return (value - mean) / spread

    def enter(module: nn.Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
        place = iter(range(1000))

        def change(value: Tensor) -> Tensor:
            key = (id(module), next(place), value.shape[1:] if value.dim() == 2 else ())  # noqa: PLR2004 - a table
            return standardise(key, value)

        changed: tuple[Any, Any] = tree_map_only(torch.Tensor, change, (args, kwargs))
        return changed

    with ExitStack() as stack:
        for model in filter(takes_hooks, trainee.models):
            stack.callback(model.register_forward_pre_hook(enter, with_kwargs=True).remove)
        yield


def moments(value: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and spread to standardise with: of each feature of a table, else of all values."""
    if value.dim() == 2:  # noqa: PLR2004 - [batch, features]
        mean, spread = value.mean(0), value.std(0, correction=0)
    else:
        mean, spread = value.mean(), value.std(correction=0)
    return mean, spread.masked_fill(spread == 0, 1.0)


def far_from_standard(trainee: Trainee) -> bool:
    """Whether an input of a training call is far from zero mean and unit spread."""
    import torch
    from torch.utils._pytree import tree_leaves

    for call in trainee.tape.root_calls.values():
        for value in tree_leaves((call.args, call.kwargs)):
            if isinstance(value, torch.Tensor) and value.is_floating_point() and value.dim() > 1:
                mean, spread = moments(value.detach().float())
                moving = spread[spread > 0] if spread.dim() else spread
                if bool(((moving > FAR) | (moving < 1 / FAR)).any()):
                    return True
                if bool((mean.abs() > FAR * spread).any()):
                    return True
    return False
