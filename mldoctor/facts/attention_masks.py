"""Whether attention is told to hide what is valid: the masks that reach it, against the padding known.

A call is repeated, and every mask that attention and scores are given on the way is compared with where
the padding really is. `key_padding_mask` of torch.nn is True where a key is hidden; `attn_mask` of
scaled_dot_product_attention is True where it is shown.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from mldoctor.facts.recorded_calls import repeat

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from mldoctor.trainee.tape import RootCall

VERY_LOW = -1e3
"""A score that is set to less than this is taken out of the softmax behind it."""

PLACES = {
    "MultiheadAttention": (3, ("key_padding_mask",)),
    "TransformerEncoderLayer": (2, ("src_key_padding_mask",)),
}
"""Where modules of torch take a mask of keys: its place among the arguments, and its names."""


def hides_valid(call: RootCall, valid: Tensor) -> bool:
    """Whether some attention hides exactly the steps that are no padding."""
    import torch
    from torch.nn import functional

    found: list[bool] = []

    def note(hidden: Tensor | None) -> None:
        if hidden is not None:
            found.append(bool(torch.equal(hidden.cpu(), valid.cpu())))

    def watch(_module: nn.Module, args: Any, kwargs: Any) -> None:
        place, names = PLACES[_kind(_module)]
        given = [args[place]] if len(args) > place else []
        for mask in [*given, *(kwargs.get(name) for name in names)]:
            note(_hidden(mask, valid, shown_is_true=False))

    def scores(original: Callable[..., Any]) -> Callable[..., Any]:
        def attend(*args: Any, **kwargs: Any) -> Any:
            mask = args[3] if len(args) > 3 else kwargs.get("attn_mask")  # noqa: PLR2004 - query, key, value, mask
            note(_hidden(mask, valid, shown_is_true=True))
            return original(*args, **kwargs)

        return attend

    def filled(original: Callable[..., Any]) -> Callable[..., Any]:
        def fill(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
            mask = args[0] if args else kwargs.get("mask")
            value = args[1] if len(args) > 1 else kwargs.get("value")
            if isinstance(value, int | float) and value < VERY_LOW:
                note(_hidden(mask, valid, shown_is_true=False))
            return original(tensor, *args, **kwargs)

        return fill

    with ExitStack() as stack:
        for module in call.module.modules():
            if _kind(module):
                hook = module.register_forward_pre_hook(watch, with_kwargs=True)
                stack.callback(hook.remove)
        for owner, name, make in (
            (functional, "scaled_dot_product_attention", scores),
            (torch.Tensor, "masked_fill", filled),
            (torch.Tensor, "masked_fill_", filled),
        ):
            original = getattr(owner, name)
            stack.callback(setattr, owner, name, original)
            setattr(owner, name, make(original))
        repeat(call)
    return any(found)


def _kind(module: nn.Module) -> str:
    """The class of torch.nn that a module is, of those that take a mask of keys."""
    return next((c.__name__ for c in type(module).__mro__ if c.__name__ in PLACES), "")


def _hidden(mask: Any, valid: Tensor, *, shown_is_true: bool) -> Tensor | None:
    """Which keys `[batch, time]` a mask hides from every query; None for a mask of anything else."""
    import torch

    batch, steps = valid.shape
    if not isinstance(mask, torch.Tensor) or mask.dim() < 2 or mask.shape[-1] != steps:  # noqa: PLR2004 - [batch, ..., keys]
        return None
    if mask.shape[0] % batch or not mask.shape[0]:
        return None
    if mask.is_floating_point():
        hidden = mask < VERY_LOW
    elif mask.dtype == torch.bool:
        hidden = ~mask if shown_is_true else mask
    else:
        return None
    return hidden.reshape(batch, -1, steps).all(1)
