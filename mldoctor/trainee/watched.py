"""A loop that runs in this process, at its own pace: recorded, and never driven.

Its block is no coroutine: what the recorders would ask the doctor is answered at once with what the
loop would get anyway.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import greenlet

from mldoctor.errors import AbsentFact
from mldoctor.trainee.coroutine import NATURAL, Coroutine, Ending, Request, describe
from mldoctor.trainee.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mldoctor.trainee.trainee import DrivenStep, Treatment

NOT_DRIVEN = "the loop was watched, and only a script can be driven"


@dataclass
class _Passive(Coroutine):
    """The code of a `with` block in the place of a script."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.recorders.session.script = greenlet.getcurrent()

    def _ask(self, request: Request) -> Any:
        return NATURAL if request.kind == "batch" else None


@dataclass
class Watched(Driver):
    """What facts see of such a loop."""

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Record what the block does; `max_updates` of its updates at most."""
        run = self._run = _Passive(lambda: None, self.tape)
        run.on_batch, run.on_first_step = self._keep, self._save_initial
        run.after.append(self._enough)
        run.recorders.install()
        try:
            yield
            self.ending = Ending()
        except BaseException as error:
            self.ending = Ending(error, describe(error))
            raise
        finally:
            run.recorders.remove()
            self.tape.recording = False
            self.natural_updates = self.tape.updates
            self._first_update = time.monotonic()  # the budget is that of the examination

    def _enough(self, _optimizer: Any, _index: int) -> None:
        if self.tape.updates >= self.max_updates:
            self.tape.recording = False

    def undrivable(self) -> str:
        """Why the loop cannot be fed chosen batches: it is over."""
        return NOT_DRIVEN

    def drive(
        self,
        feed: Sequence[Any],
        updates: int,
        treatment: Treatment | None = None,
        seed: int = 0,
    ) -> Iterator[DrivenStep]:
        """Refuse: nothing that runs could take steps."""
        del feed, updates, treatment, seed
        raise AbsentFact(NOT_DRIVEN)

    def outcome(self) -> str:
        """What kept the block from being seen in full, or an empty text."""
        if self.ending is not None and self.ending.text:
            return self.ending.text
        return "" if self.natural_updates else "the block took no optimizer step"
