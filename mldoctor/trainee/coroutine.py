"""The script as a coroutine: where it hands over control, and how it gets its answer.

The script runs in a greenlet. When its loop asks a loader for a batch, or an optimizer has stepped,
the doctor gets a `Request` and decides what the loop is answered.
"""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import greenlet

from mldoctor.trainee.program import show
from mldoctor.trainee.recorders import Control, Recorders
from mldoctor.trainee.sites import is_user_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    import torch
    from torch import Tensor

    from mldoctor.trainee.tape import Event, Tape

NATURAL = object()
"""Answer: whatever the loader really yields next."""
END = object()
"""Answer: the loader is exhausted."""

_ASLEEP: list[greenlet.greenlet] = []
"""Scripts that would not end, kept so that they are never collected: that would wake them."""

REFUSALS = 4
"""Times that a script may swallow its end before it is left where it is."""

STEPLESS_BACKWARDS = 60
"""Backward passes without any optimizer step after which the doctor looks in."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Answer: this batch."""

    batch: Any


@dataclass(frozen=True, slots=True)
class Request:
    """Why the script handed over control.

    `delivered` counts the batches of the current pass over the loader; `library` names the
    framework that owns the loop (`transformers.trainer`), when one does.
    """

    kind: Literal["batch", "stepped", "stepless", "ended"]
    loader: int = -1
    optimizer: int = -1
    delivered: int = 0
    library: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a script ended: by itself, by an error, or because it was told to stop."""

    error: BaseException | None = None
    text: str = ""


@dataclass(slots=True)
class _Iteration:
    """One pass over a loader and what has happened since it last delivered."""

    real: Any
    delivered: int = 0
    backwards: int = 0
    forwards: int = 0


@dataclass
class Coroutine(Control):
    """One start of the script.

    Args:
        program: runs the script from start to end.
        tape: where this start is recorded.
    """

    program: Callable[[], None]
    tape: Tape
    ending: Ending | None = None
    prefetches: int = 0
    losses: list[float] = field(default_factory=list)
    on_first_step: Callable[[], None] = lambda: None
    on_batch: Callable[[int, Any], None] = lambda _loader, _batch: None
    on_target: Callable[[Tensor], Tensor] | None = None
    on_built: Callable[[torch.optim.Optimizer], None] = lambda _optimizer: None
    on_forgotten: Callable[[], None] = lambda: None
    before: list[Callable[[torch.optim.Optimizer, int], None]] = field(default_factory=list)
    after: list[Callable[[torch.optim.Optimizer, int], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._doctor = greenlet.getcurrent()
        self._script = greenlet.greenlet(self._run)
        self.recorders = Recorders(self.tape, self)
        self.recorders.session.script = self._script
        self._iterations: dict[int, _Iteration] = {}
        self._backwards = 0
        self._stepped = False
        self._stopping = False
        self._refused = 0

    # -- the doctor's side -----------------------------------------------------------------------

    def start(self) -> Request:
        """Run the script to its first control point."""
        self.recorders.install()
        return self.resume(None)

    def resume(self, answer: Any) -> Request:
        """Answer the pending request and run to the next one."""
        if self._script.dead:
            return Request("ended")
        result = self._script.switch(answer)
        return result if isinstance(result, Request) else Request("ended")

    def stop(self) -> None:
        """End the script wherever it stands and take the recorders away."""
        if self._stopping:
            return
        self._stopping = True
        if not self._script.dead:
            self._script.throw(greenlet.GreenletExit)
        if not self._script.dead:
            _ASLEEP.append(self._script)
        self.recorders.remove()

    @property
    def frame(self) -> FrameType | None:
        """Where the script is suspended; None when it has ended."""
        frame: FrameType | None = self._script.gr_frame
        return frame

    def turn_to(self, tape: Tape) -> None:
        """Record on another tape from here on: the script begins something new."""
        self.tape = tape
        self.recorders.remove()
        self.recorders = Recorders(tape, self)
        self.recorders.session.script = self._script
        self.recorders.install()
        self._backwards, self._stepped = 0, False
        self._iterations = {
            number: _Iteration(state.real, state.delivered)
            for number, state in self._iterations.items()
        }

    # -- the script's side -----------------------------------------------------------------------

    def _run(self, _answer: Any) -> Request:
        try:
            self.program()
            self.ending = Ending()
        except greenlet.GreenletExit:
            self.ending = Ending(text="stopped by the doctor")
        except SystemExit as error:
            code = error.code
            said = "" if code in (None, 0) else f"the script called sys.exit({code!r})"
            self.ending = Ending(error if said else None, said)
        except BaseException as error:  # noqa: BLE001 - whatever a script raises is how it ended
            self.ending = Ending(error, describe(error))
            if not self._stopping:
                show(error)
        return Request("ended")

    def _ask(self, request: Request) -> Any:
        if self._stopping:
            self._refused += 1
            if self._refused < REFUSALS:
                raise greenlet.GreenletExit
            # The script swallows its end in a bare `except`: leave it asleep for good.
            self._doctor.switch(Request("ended"))
        return self._doctor.switch(request)

    def next_batch(self, loader: int, real: Iterator[Any]) -> Any:
        """A loop asks for a batch."""
        state = self._iterations.get(loader)
        if state is None or state.real is not real:
            state = self._iterations[loader] = _Iteration(real)
        else:
            self._classify(loader, state)
        answer = self._ask(
            Request("batch", loader=loader, delivered=state.delivered, library=_loop_library())
        )
        if answer is END:
            raise StopIteration
        batch = answer.batch if isinstance(answer, Feed) else next(real)
        state.delivered += 1
        state.backwards, state.forwards = self._backwards, self.recorders.modules.forwards
        if answer is NATURAL:
            self.on_batch(loader, batch)
        return batch

    def _classify(self, loader: int, state: _Iteration) -> None:
        """Tell a training loader from an evaluation loader by what followed its last batch."""
        info = self.tape.loaders[loader]
        if self._backwards > state.backwards:
            info.trained += 1
        elif self.recorders.modules.forwards > state.forwards:
            info.evaluated += 1
        elif state.delivered == 1:
            # Asked again before the first batch was used: this loop fetches one batch ahead.
            info.prefetch = 1

    def target(self, target: Tensor) -> Tensor:
        """A loss function is given its target."""
        return target if self.on_target is None else self.on_target(target)

    def built(self, optimizer: torch.optim.Optimizer) -> None:
        """The script has built an optimizer.

        Backward passes from before the first one, which left it no gradients, did not train: a script
        may look at the gradients of networks that it then throws away.
        """
        tensors = (p for group in optimizer.param_groups for p in group["params"])
        if self._backwards and not self.tape.optimizers and all(p.grad is None for p in tensors):
            self.tape.forget()
            self.turn_to(self.tape)
            self.on_forgotten()
            self.recorders.session.optimizer_index(optimizer)
        self.on_built(optimizer)

    def before_step(self, optimizer: int) -> None:
        """An optimizer is about to step."""
        if not self._stepped:
            self._stepped = True
            self.on_first_step()
        for action in self.before:
            action(self.tape.optimizers[optimizer], optimizer)

    def after_step(self, optimizer: int) -> None:
        """An optimizer has stepped: the doctor may look at it."""
        for action in reversed(self.after):
            action(self.tape.optimizers[optimizer], optimizer)
        self._ask(Request("stepped", optimizer=optimizer))

    def after_backward(self, event: Event) -> None:
        """A loss was back-propagated."""
        self._backwards += 1
        if self._backwards == 1:
            self.on_first_step()  # a loop may update its weights by hand, without any optimizer
        if event.value is not None:
            self.losses.append(event.value)
        if not self._stepped and self._backwards >= STEPLESS_BACKWARDS:
            self._ask(Request("stepless"))


def describe(error: BaseException) -> str:
    """An exception and the user's line that raised it, in one sentence."""
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if is_user_code(frame.filename):
            return f"{frame.filename}:{frame.lineno} raised {text}"
    return f"the script raised {text}"


_LIBRARIES = ("transformers.trainer", "lightning.", "pytorch_lightning.", "ignite.", "fastai.")


def _loop_library() -> str:
    """The framework whose loop asks for a batch, or an empty text for the user's own loop."""
    frame = sys._getframe(1)  # noqa: SLF001 - the documented way to a cheap frame
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith(_LIBRARIES):
            return str(name)
        frame = frame.f_back  # type: ignore[assignment]
    return ""
