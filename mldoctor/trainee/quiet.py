"""Call a model again without a trace: everything that a forward may change is put back."""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mldoctor.trainee.snapshot import RandomState

if TYPE_CHECKING:
    from collections.abc import Iterator

COPIED = 32 * 2**20
"""Bytes of parameters that are copied: a forward hardly ever writes to its parameters (it does where
weights are normalised on the way), and copying a large model for each pass would cost too much."""

_OWN = frozenset(vars(nn.Module()))
"""What every module has. The doctor's own hooks come and go among them."""


@contextmanager
def quiet(module: nn.Module) -> Iterator[None]:
    """Eval mode, with everything put back bit for bit afterwards.

    That is: modes, buffers, the random state, the parameters of models up to `COPIED` bytes, and
    what a forward keeps in attributes (a counter, a hidden state, a memory bank).
    """
    modules = list(module.modules())
    modes = [m.training for m in modules]
    plain = [m for m in modules if takes_hooks(m)]
    buffers = [dict(m._buffers) for m in plain]  # noqa: SLF001 - a forward may replace a buffer
    parameters = list(module.parameters())
    if sum(p.nbytes for p in parameters) > COPIED:
        parameters = []
    kept = {t: t.detach().clone() for t in module.buffers()}
    kept |= {p: p.detach().clone() for p in parameters}
    attributes = [_attributes(m) for m in plain]
    state = RandomState.now()
    module.eval()
    try:
        yield
    finally:
        for child, training in zip(modules, modes, strict=True):
            child.training = training
        for child, held, own in zip(plain, buffers, attributes, strict=True):
            child._buffers.clear()  # noqa: SLF001 - see above
            child._buffers.update(held)  # noqa: SLF001 - see above
            _put_back(child, own)
        with torch.no_grad():
            for tensor, value in kept.items():
                tensor.copy_(value)
        state.restore()


def takes_hooks(module: nn.Module) -> bool:
    """Whether a module runs in Python: a compiled TorchScript program takes no hooks."""
    return not isinstance(module, torch.jit.ScriptModule)


def _attributes(module: nn.Module) -> dict[str, tuple[Any, Any]]:
    """Each attribute of the user's own, with a copy of what it holds."""
    return {name: (value, _copy(value)) for name, value in vars(module).items() if name not in _OWN}


def _copy(value: Any) -> Any:
    """The contents of a tensor or a plain container; None for anything else."""
    if type(value) is Tensor:
        return value.detach().clone()
    return value.copy() if type(value) in (list, dict, set, deque) else None


def _put_back(module: nn.Module, own: dict[str, tuple[Any, Any]]) -> None:
    present = vars(module)
    for name in [name for name in present if name not in _OWN and name not in own]:
        del present[name]
    for name, (value, contents) in own.items():
        present[name] = value
        if contents is None:
            continue
        if isinstance(value, Tensor):
            with torch.no_grad():
                value.detach().copy_(contents)
        elif value != contents if _plain(contents) else True:
            value.clear()
            (value.update if isinstance(value, dict | set) else value.extend)(contents)


def _plain(contents: Any) -> bool:
    """Whether a container can be compared: one with tensors has no truth value."""
    items = contents.values() if isinstance(contents, dict) else contents
    return all(isinstance(item, str | int | float | bool | None) for item in items)
