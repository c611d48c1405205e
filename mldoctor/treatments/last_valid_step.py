"""Let recurrent layers end at the last valid step instead of the last padded one."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor, nn

    from mldoctor.trainee.trainee import Trainee


@contextmanager
def last_valid_step(trainee: Trainee) -> Iterator[None]:
    """Pack what every recurrent layer reads, and repeat its last valid output over the padding.

    Padding is what the end of a sequence repeats: the trailing steps that are equal to the last.
    """
    from torch import nn

    with ExitStack() as stack:
        for model in trainee.models:
            for module in model.modules():
                if isinstance(module, nn.RNNBase) and "forward" not in vars(module):
                    stack.callback(delattr, module, "forward")
                    module.forward = _packed(module, module.forward)
        yield


def _packed(module: nn.RNNBase, forward: Callable[..., Any]) -> Callable[..., Any]:
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    def run(input: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: A002 - torch's name
        if not isinstance(input, torch.Tensor) or input.dim() != 3:  # noqa: PLR2004 - [batch, time, features]
            return forward(input, *args, **kwargs)
        steps = input if module.batch_first else input.transpose(0, 1)
        lengths = _valid(steps.detach())
        packed = pack_padded_sequence(
            input, lengths.cpu(), batch_first=module.batch_first, enforce_sorted=False
        )
        output, state = forward(packed, *args, **kwargs)
        padded, _ = pad_packed_sequence(output, batch_first=True, total_length=steps.shape[1])
        at = torch.arange(steps.shape[1], device=padded.device)[None, :]
        index = torch.minimum(at, (lengths - 1)[:, None]).unsqueeze(-1)
        filled: Tensor = padded.gather(1, index.expand_as(padded))
        return (filled if module.batch_first else filled.transpose(0, 1)), state

    return run


def _valid(steps: Tensor) -> Tensor:
    """How many steps of each sample come before its padding, `[batch]`, at least one."""
    same = (steps == steps[:, -1:]).all(-1)
    trailing = same.flip(1).long().cumprod(1).sum(1)
    # A sequence that ends in one odd step has no padding: that step is its own.
    lengths: Tensor = (steps.shape[1] - trailing).where(trailing > 1, steps.shape[1])
    return lengths.clamp_min(1)
