"""The recorder of randomness: seeds that are set, and the generators around each forward."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.modules import module as module_hooks

from mldoctor.trainee.tape import RandomMark

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from mldoctor.trainee.recorders.session import Session


class RandomRecorder:
    """Watches the global generators of torch, NumPy and `random`; it never draws from them."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def install(self) -> None:
        """Patch the seeding functions and hook the forwards of root modules."""
        for holder in (torch, torch.random):
            self.session.patch(holder, "manual_seed", self._seeding("torch"))
        self.session.patch(np.random, "seed", self._seeding("numpy"))
        self.session.patch(random, "seed", self._seeding("random"))
        self.session.keep(
            module_hooks.register_module_forward_pre_hook(self._before_forward),
            module_hooks.register_module_forward_hook(self._after_forward),
        )

    def _seeding(self, what: str) -> Callable[[Any], Any]:
        def make(original: Any) -> Any:
            def seed(*args: Any, **kwargs: Any) -> Any:
                if self.session.live():
                    self.session.event("seed", details={"what": what})
                return original(*args, **kwargs)

            return seed

        return make

    def _before_forward(self, _module: nn.Module, _args: Any) -> None:
        if self.session.live() and not self.session.in_backward and self.session.depth == 1:
            self._mark(entering=True)

    def _after_forward(self, _module: nn.Module, _args: Any, _output: Any) -> None:
        if self.session.live() and not self.session.in_backward and self.session.depth == 0:
            self._mark(entering=False)

    def _mark(self, *, entering: bool) -> None:
        tape = self.session.tape
        if tape.recording and torch.is_grad_enabled():
            tape.random.append(RandomMark(tape.updates, entering, _states()))


def _states() -> tuple[tuple[str, int], ...]:
    """A figure for the state of each generator: equal figures mean equal numbers to come."""
    name, keys, position, *_ = np.random.get_state()  # noqa: NPY002 - the generator that scripts use
    found = [
        ("torch", hash(torch.get_rng_state().numpy().tobytes())),
        ("numpy", hash((name, np.asarray(keys).tobytes(), position))),
        ("random", hash(random.getstate())),
    ]
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        found.append(("torch on the GPU", hash(torch.cuda.get_rng_state().numpy().tobytes())))
    return tuple(found)
