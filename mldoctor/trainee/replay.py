"""Give a loop without a DataLoader the same batch again.

Such loops make their batches with tensor operations: indexing a tensor with a permutation,
stacking random windows, converting a NumPy slice. Those operations are recorded during one natural
cycle and answered from the record in the driven ones. An operation is known by the chain of user
lines that led to it and by how often it was met there in its cycle, so that a helper called for
training and for evaluation keeps the two apart.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from mldoctor.trainee.sites import call_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Key = tuple[tuple[tuple[str, int], ...], str, int]


class DataReplay(TorchFunctionMode):
    """Records, and later answers, the operations that make a batch.

    Args:
        preparing: says whether the loop is between a step and the next backward, outside of every
            module: only there are batches made.
    """

    def __init__(self, preparing: Callable[[], bool]) -> None:
        super().__init__()
        self._preparing = preparing
        self._counts: Counter[tuple[tuple[tuple[str, int], ...], str]] = Counter()
        self.recorded: dict[Key, Tensor] = {}
        self.answers: Mapping[Key, Tensor] | None = None

    def begin_cycle(self) -> None:
        """A new cycle of the loop begins."""
        self._counts.clear()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if not self._preparing() or name.startswith("__set"):
            return func(*args, **kwargs)
        given = [a for a in (*args, *kwargs.values()) if isinstance(a, Tensor)]
        if any(a.requires_grad for a in given):
            return func(*args, **kwargs)
        site = (call_chain(), name)
        key = (*site, self._counts[site])
        self._counts[site] += 1
        if self.answers is not None and key in self.answers:
            return self.answers[key].clone()
        result = func(*args, **kwargs)
        fresh = isinstance(result, Tensor) and not any(result is a for a in given)
        if fresh and not result.requires_grad and self.answers is None:
            with torch._C.DisableTorchFunction():  # noqa: SLF001 - the copy is not the script's
                self.recorded[key] = result.detach().clone()
        return result
