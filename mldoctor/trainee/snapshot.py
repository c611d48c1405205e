"""Save and restore everything that a training step changes, bit for bit.

Saved: parameters and buffers (also non-persistent ones), `requires_grad`, train/eval modes,
optimizer state and options, scheduler and gradient-scaler state, and the random state of torch
(CPU and every CUDA device), NumPy and `random`. Gradients are cleared on restore: a gradient that
exists is zeroed in place, because hand-written loops call `p.grad.zero_()` on it.

Values are stored by position and name, not by object, so that a snapshot taken in one run of the
script can be restored into the objects of another.
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class RandomState:
    """The state of every random generator that a training loop draws from."""

    torch_cpu: Tensor
    cuda: tuple[Tensor, ...]
    numpy: Any
    python: Any

    @classmethod
    def now(cls) -> RandomState:
        """The state at this moment."""
        started = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        cuda = tuple(torch.cuda.get_rng_state_all()) if started else ()
        return cls(torch.get_rng_state(), cuda, np.random.get_state(), random.getstate())  # noqa: NPY002 - the state that scripts use

    def restore(self) -> None:
        """Set every generator back."""
        torch.set_rng_state(self.torch_cpu)
        if self.cuda:
            torch.cuda.set_rng_state_all(list(self.cuda))
        np.random.set_state(self.numpy)  # noqa: NPY002 - as above
        random.setstate(self.python)


@dataclass(frozen=True, slots=True)
class _Module:
    tensors: Mapping[str, Tensor]
    requires_grad: Mapping[str, bool]
    training: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class _Optimizer:
    loose: Mapping[tuple[int, int], Tensor]
    state: Mapping[tuple[int, int], Any]
    options: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a trainee at one moment."""

    modules: tuple[_Module, ...]
    optimizers: tuple[_Optimizer, ...]
    others: tuple[Any, ...]
    random: RandomState

    @classmethod
    def take(
        cls,
        modules: Sequence[nn.Module],
        optimizers: Sequence[torch.optim.Optimizer],
        others: Sequence[Any] = (),
    ) -> Snapshot:
        """Copy the state of these objects.

        Args:
            modules: root modules, in a stable order.
            optimizers: optimizers, in a stable order.
            others: schedulers and scalers: anything with `state_dict` and `load_state_dict`.
        """
        owned: set[int] = set()
        saved = []
        with torch.no_grad():
            for module in modules:
                tensors = _tensors(module)
                # A tensor shared by two roots (tied weights, a container and its part) is kept once.
                saved.append(
                    _Module(
                        {n: t.detach().clone() for n, t in tensors.items() if id(t) not in owned},
                        {n: p.requires_grad for n, p in module.named_parameters()},
                        {n: m.training for n, m in module.named_modules()},
                    )
                )
                owned |= {id(t) for t in tensors.values()}
            held = tuple(_optimizer(optimizer, owned) for optimizer in optimizers)
        return cls(
            tuple(saved),
            held,
            tuple(copy.deepcopy(other.state_dict()) for other in others),
            RandomState.now(),
        )

    def values(
        self, modules: Sequence[nn.Module], optimizers: Sequence[torch.optim.Optimizer]
    ) -> dict[int, Tensor]:
        """The saved values by the id of the live tensor of these objects, in the order as taken."""
        found: dict[int, Tensor] = {}
        for module, saved in zip(modules, self.modules, strict=False):
            tensors = _tensors(module)
            found.update({id(tensors[n]): v for n, v in saved.tensors.items() if n in tensors})
        for optimizer, held in zip(optimizers, self.optimizers, strict=False):
            for (g, i), value in held.loose.items():
                found[id(optimizer.param_groups[g]["params"][i])] = value
        return found

    def restore(
        self,
        modules: Sequence[nn.Module],
        optimizers: Sequence[torch.optim.Optimizer],
        others: Sequence[Any] = (),
        *,
        with_random: bool = True,
    ) -> None:
        """Put the state back into these objects, which stand in the same order as when taken."""
        with torch.no_grad():
            for module, saved in zip(modules, self.modules, strict=False):
                _restore_module(module, saved)
            for optimizer, held in zip(optimizers, self.optimizers, strict=False):
                _restore_optimizer(optimizer, held)
        for other, state in zip(others, self.others, strict=False):
            other.load_state_dict(copy.deepcopy(state))
        if with_random:
            self.random.restore()


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if not is_lazy(tensor):
            found[name] = tensor
    return found


def _optimizer(optimizer: torch.optim.Optimizer, owned: set[int]) -> _Optimizer:
    loose, state = {}, {}
    for g, group in enumerate(optimizer.param_groups):
        for i, parameter in enumerate(group["params"]):
            if id(parameter) not in owned:
                loose[g, i] = parameter.detach().clone()
                owned.add(id(parameter))
            if parameter in optimizer.state:
                state[g, i] = copy.deepcopy(optimizer.state[parameter])
    options = tuple(
        {k: copy.deepcopy(v) for k, v in group.items() if k != "params"}
        for group in optimizer.param_groups
    )
    return _Optimizer(loose, state, options)


def _restore_module(module: nn.Module, saved: _Module) -> None:
    tensors = _tensors(module)
    for name, value in saved.tensors.items():
        target = tensors.get(name)
        if target is not None and target.shape == value.shape:
            target.copy_(value)
    for name, parameter in module.named_parameters():
        if name in saved.requires_grad and parameter.requires_grad != saved.requires_grad[name]:
            parameter.requires_grad_(saved.requires_grad[name])
        if parameter.grad is not None:
            parameter.grad.detach_().zero_()
    for name, child in module.named_modules():
        child.training = saved.training.get(name, child.training)


def _restore_optimizer(optimizer: torch.optim.Optimizer, held: _Optimizer) -> None:
    for g, group in enumerate(optimizer.param_groups):
        for i, parameter in enumerate(group["params"]):
            if (g, i) in held.loose and parameter.shape == held.loose[g, i].shape:
                parameter.copy_(held.loose[g, i])
            if parameter.grad is not None:
                parameter.grad.detach_().zero_()
            if (g, i) in held.state:
                optimizer.state[parameter] = copy.deepcopy(held.state[g, i])
            else:
                optimizer.state.pop(parameter, None)
        if g < len(held.options):
            for key, value in held.options[g].items():
                kept = group.get(key)
                if isinstance(kept, Tensor) and isinstance(value, Tensor):
                    kept.copy_(value)  # a tensor rate (capturable) is shared with its scheduler
                else:
                    group[key] = copy.deepcopy(value)
