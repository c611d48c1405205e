"""What the recorders share: the tape, who may write on it, and what the script is doing now."""

from __future__ import annotations

import functools
import os
import threading
from typing import TYPE_CHECKING, Any

import greenlet
import torch

from mldoctor.trainee import sites
from mldoctor.trainee.tape import Event, Kind, Tape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor


class Control:
    """What the driver decides at the script's control points. The default lets everything run."""

    def next_batch(self, loader: int, real: Iterator[Any]) -> Any:
        """Answer a loop's request for a batch of loader number `loader`."""
        del loader
        return next(real)

    def target(self, target: Tensor) -> Tensor:
        """What a loss function compares with, for the target that the script gives it."""
        return target

    def built(self, optimizer: Any) -> None:
        """The script has built an optimizer; it is noted after this, unless the session is closed."""

    def before_step(self, optimizer: int) -> None:
        """An optimizer is about to step."""

    def after_step(self, optimizer: int) -> None:
        """An optimizer has stepped."""

    def after_backward(self, event: Event) -> None:
        """A loss has been back-propagated; `event` holds its value."""


class Session:
    """The recording of one script greenlet.

    Attributes:
        depth: how many modules the script is inside of.
        in_backward: a backward runs.
        in_step: an optimizer steps, with its closure where it has one.
        after_backward: a backward has ended and its step has not.
        scaled: the value of the loss behind the tensor that a gradient scaler returned, by its id.
        closed: nothing is recorded any more.
    """

    def __init__(self, tape: Tape, control: Control) -> None:
        self.tape = tape
        self.control = control
        self.script: greenlet.greenlet | None = None
        self.depth = 0
        self.in_backward = False
        self.in_step = False
        self.after_backward = False
        self.scaled: dict[int, float] = {}
        self.closed = False
        self._undo: list[Callable[[], None]] = []
        self._process = os.getpid()
        self._thread = threading.get_ident()

    def live(self) -> bool:
        """Whether the code that runs now is the script itself, in its own process and thread."""
        return (
            self.script is not None
            and greenlet.getcurrent() is self.script
            and os.getpid() == self._process
            and threading.get_ident() == self._thread
            and not torch.compiler.is_compiling()
            # What runs while torch.jit traces becomes part of the traced program, names and all.
            # Of a tensor that only pretends to be one nothing can be read.
            and torch._C._get_dispatch_mode(torch._C._TorchDispatchModeKey.FAKE) is None  # noqa: SLF001 - as above
            and torch._C._get_tracing_state() is None  # noqa: SLF001 - no typed public name
            # Inside of torch.func a tensor has no values that could be read.
            and torch._C._functorch.peek_interpreter_stack() is None  # noqa: SLF001 - no public name
        )

    def preparing(self) -> bool:
        """Whether the script makes its next batch: outside of modules, steps and backwards."""
        return self.live() and not (
            self.depth or self.in_backward or self.in_step or self.after_backward
        )

    def event(self, kind: Kind, **values: Any) -> Event:
        """Note that something happened, at the script's line that made it happen."""
        event = Event(kind, self.tape.updates, self.tape.cycle, sites.current_site(), **values)
        if self.tape.recording:
            self.tape.events.append(event)
        return event

    def optimizer_index(self, optimizer: Any) -> int:
        """The number of an optimizer, in order of first appearance."""
        for index, known in enumerate(self.tape.optimizers):
            if known is optimizer:
                return index
        self.tape.clock += 1
        self.tape.optimizers.append(optimizer)
        self.tape.optimizer_sites.append(sites.current_site())
        self.tape.optimizer_paths.append(sites.call_path())
        self.tape.optimizer_born.append(self.tape.clock)
        self.tape.optimizer_steps.append(0)
        self.tape.planned_rates.append(
            [float(group.get("lr", 0.0)) for group in optimizer.param_groups]
        )
        return len(self.tape.optimizers) - 1

    # -- installing and removing -------------------------------------------------------------

    def patch(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Replace `owner.name` by `make(original)` until the recorders are removed."""
        original = getattr(owner, name)
        replacement = functools.wraps(original)(make(original))
        own = name in vars(owner)
        setattr(owner, name, replacement)

        def undo() -> None:
            if own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)

        self._undo.append(undo)

    def keep(self, *handles: Any) -> None:
        """Take hooks away again when the recorders are removed."""
        self._undo.extend(handle.remove for handle in handles)

    def remove(self) -> None:
        """Take every hook and patch away again."""
        self.closed = True
        while self._undo:
            self._undo.pop()()
