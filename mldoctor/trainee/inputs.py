"""The integer inputs of the models: token ids, masks, lengths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from mldoctor.trainee.batches import leaves

if TYPE_CHECKING:
    from mldoctor.trainee.tape import RootCall, Tape


def integer_inputs(tape: Tape) -> list[tuple[RootCall, tuple[Any, ...], Tensor]]:
    """Integer and boolean tensors of at most two axes that the models were last called with."""
    return [
        (call, path, leaf)
        for call in tape.root_calls.values()
        for path, leaf in leaves((call.args, call.kwargs))
        if isinstance(leaf, Tensor) and not leaf.is_floating_point() and leaf.dim() <= 2  # noqa: PLR2004 - [batch, time]
    ]
