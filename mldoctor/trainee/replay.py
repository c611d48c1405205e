"""Give a loop without a DataLoader the same batches again.

Such loops make their batches with tensor operations (indexing a tensor with a permutation, stacking
random windows) or take them ready made from a list. Both ends are recorded during natural cycles
and answered from the record in the driven ones: the operations that make the data (`DataReplay`),
and what the models and the loss are given in the end (`CallReplay`).
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from mldoctor.trainee.batches import leaves, replace_leaves
from mldoctor.trainee.quiet import takes_hooks
from mldoctor.trainee.sites import call_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import nn

Key = tuple[tuple[tuple[str, int], ...], str, int]


@dataclass(slots=True)
class Cycle:
    """What one natural cycle of the loop, from step to step, worked on.

    Attributes:
        operations: results of the operations that made the batch.
        inputs: arguments of every call of a root module, in order, as (args, kwargs).
        targets: targets of every call of a loss function, in order.
    """

    operations: dict[Key, Tensor] = field(default_factory=dict)
    inputs: list[Any] = field(default_factory=list)
    targets: list[Tensor] = field(default_factory=list)


class CallReplay:
    """Records, and later answers, what the root modules and the loss functions are given.

    Attributes:
        cycle: the cycle that is recorded, or answered from.
        escaped: a driven cycle was given something else than was recorded, and could not be
            answered: its batch was not the one that was meant.
    """

    def __init__(self) -> None:
        self.cycle = Cycle()
        self.escaped = False
        self._recording = True
        self._calls = 0
        self._losses = 0

    def record(self, cycle: Cycle) -> None:
        """Record the coming cycle."""
        self.cycle, self._recording = cycle, True
        self._calls = self._losses = 0

    def answer(self, cycle: Cycle) -> None:
        """Answer the coming cycle from this one."""
        self.cycle, self._recording = cycle, False
        self.escaped = False
        self._calls = self._losses = 0

    @contextmanager
    def on(self, roots: Sequence[nn.Module], outermost: Callable[[], bool]) -> Iterator[None]:
        """Take part in every call of these modules that is `outermost`, while the context is open."""

        def before(_module: nn.Module, args: Any, kwargs: Any) -> Any:
            return self._inputs(args, kwargs) if outermost() else None

        with ExitStack() as stack:
            for root in filter(takes_hooks, roots):
                handle = root.register_forward_pre_hook(before, prepend=True, with_kwargs=True)
                stack.callback(handle.remove)
            yield

    def _inputs(self, args: Any, kwargs: Any) -> Any:
        if not torch.is_grad_enabled():
            return None
        given = (args, kwargs)
        if self._recording:
            self.cycle.inputs.append(replace_leaves(given, _copy))
            return None
        self._calls += 1
        if self._calls > len(self.cycle.inputs):
            self.escaped = True
            return None
        held = {p: v for p, v in leaves(self.cycle.inputs[self._calls - 1]) if _is_data(v)}
        now = {p: v for p, v in leaves(given) if _is_data(v)}
        if held.keys() != now.keys():
            self.escaped = True
            return None
        return replace_leaves(given, lambda path, leaf: _copy(path, held.get(path, leaf)))

    def target(self, target: Tensor) -> Tensor:
        """What a loss function is to compare with, for the `target` that the script gave it."""
        if not torch.is_grad_enabled() or target.requires_grad:
            return target
        if self._recording:
            self.cycle.targets.append(target.detach().clone())
            return target
        self._losses += 1
        if self._losses > len(self.cycle.targets):
            self.escaped = True
            return target
        held = self.cycle.targets[self._losses - 1]
        if self._calls:
            return held.clone()
        # Nothing went through a module: the operations that made the batch must have held it.
        self.escaped |= held.shape != target.shape or not torch.equal(held, target)
        return target


def _is_data(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and not leaf.requires_grad


def _copy(_path: Any, leaf: Any) -> Any:
    return leaf.detach().clone() if _is_data(leaf) else leaf


class DataReplay(TorchFunctionMode):
    """Records, and later answers, the operations that make a batch.

    An operation is known by the chain of user lines that led to it and by how often it was met
    there in its cycle, so that a helper called for training and for evaluation keeps the two apart.

    Args:
        preparing: says whether the loop is between a step and the next backward, outside of every
            module: only there are batches made.
    """

    def __init__(self, preparing: Callable[[], bool]) -> None:
        super().__init__()
        self._preparing = preparing
        self._counts: Counter[tuple[tuple[tuple[str, int], ...], str]] = Counter()
        self._recorded: dict[Key, Tensor] = {}
        self._answers: Mapping[Key, Tensor] | None = None

    def record(self, operations: dict[Key, Tensor]) -> None:
        """Record the operations of the coming cycle in `operations`."""
        self._counts.clear()
        self._recorded, self._answers = operations, None

    def answer(self, operations: Mapping[Key, Tensor]) -> None:
        """Answer the operations of the coming cycle."""
        self._counts.clear()
        self._answers = operations

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
        if self._answers is not None and key in self._answers:
            return self._answers[key].clone()
        result = func(*args, **kwargs)
        fresh = isinstance(result, Tensor) and not any(result is a for a in given)
        if fresh and not result.requires_grad and self._answers is None:
            with torch._C.DisableTorchFunction():  # noqa: SLF001 - the copy is not the script's
                self._recorded[key] = result.detach().clone()
        return result
