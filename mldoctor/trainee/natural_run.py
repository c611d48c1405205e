"""The natural phase: the script runs as it is, and its steps are observed."""

from __future__ import annotations

import math
import random
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mldoctor.errors import AbsentFact
from mldoctor.trainee import batches, held_arrays, picked_rows
from mldoctor.trainee.coroutine import END, NATURAL, Coroutine, Ending, Request
from mldoctor.trainee.replay import CallReplay, Cycle, DataReplay
from mldoctor.trainee.snapshot import Snapshot
from mldoctor.trainee.tape import Tape
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor, nn

    from mldoctor.trainee.held_arrays import Held

NATURAL_UPDATES = 30
"""Natural updates observed: a few cycles of any common accumulation, and enough for a trend."""

EPOCH_UPDATES = 12
"""Updates after which the first epoch is ended early, so that validation and the return from it
are seen too."""

EPOCH_AGAIN = 5
"""Updates after which the next epochs are ended as long as no validation was seen: some loops
validate every few epochs."""

MOST_CYCLES = 5
"""Updates of a loop without a loader that make up its fixed set: more take too long to repeat."""

EVALUATION_BATCHES = 2
"""Batches an evaluation loader is asked for during experiments: user code divides by the count."""

NATURAL_SHARE = 0.35
"""Share of the budget that slow natural steps may take before the experiments begin."""


@dataclass
class NaturalRun(Trainee):
    """Runs a training program under observation.

    Args:
        program: runs the script (or any training function) from start to end.
        budget: seconds of examination after the first update.
        max_updates: optimizer updates in all, natural and driven.
        progress: called now and then with the stage and the number of updates so far.
    """

    program: Callable[[], None]
    budget: float = 60.0
    max_updates: int = 200
    seed: int = 0
    progress: Callable[[str, int], None] = lambda _stage, _updates: None
    tape: Tape = field(default_factory=Tape)
    ending: Ending | None = None
    natural_updates: int = 0
    initial: Snapshot | None = None
    stage: str = "starting the script"

    def __post_init__(self) -> None:
        self._run: Coroutine | None = None
        self._pending = Request("ended")
        self._latest: deque[Any] = deque(maxlen=4)
        self._kept: dict[int, list[tuple[Any, int | None]]] = {}
        self._first_update: float | None = None
        self._start_up = 0.0
        self._cuts: list[int] = []
        self._may_cut = True
        self._deviated = False
        self._initial_values: dict[int, Tensor] | None = None
        self._replay: DataReplay | None = None
        self._calls = CallReplay()
        self._cycles: list[Cycle] = []
        self._library = ""

    def observe(self) -> None:
        """Run the script and record its natural steps, a validation among them where there is one."""
        self.tape = Tape()
        self._launch(self.tape, first=True)
        self._natural(NATURAL_UPDATES)
        if self._pending.kind == "ended" and self._deviated and self.ending and self.ending.error:
            # The script did not bear the early end of an epoch: observe it again, uncut.
            self._may_cut, self._deviated, self.initial = False, False, None
            self._kept.clear()
            self.tape = Tape()
            self._launch(self.tape, first=True)
            self._natural(NATURAL_UPDATES)
        self.natural_updates = self.tape.updates
        self._come_back()
        if not self._training_loaders() and self._pending.kind == "stepped":
            self._record_replay()
        self.tape.recording = False

    def _come_back(self) -> None:
        """Return to the loop that was observed, where the script is beyond it."""

    def _launch(self, tape: Tape, *, first: bool = False) -> None:
        if self._run is not None:
            self._run.stop()
        started = time.monotonic()
        self.ending = None
        self._cuts = []
        self._run = Coroutine(self.program, tape)
        if first:
            self._run.on_batch = self._keep
            self._run.on_first_step = self._save_initial
            self._run.on_forgotten = self._drop_initial
        self._seed()
        self._pending = self._run.start()
        if self._pending.kind == "ended":
            self.ending = self._run.ending
        while self._pending.kind == "batch" and tape.updates == 0 and not tape.of("backward"):
            self._answer(NATURAL)
        self._start_up = time.monotonic() - started

    def _seed(self, more: int = 0) -> None:
        """Start from a known random state, so that a script without seeds repeats itself."""
        random.seed(self.seed + more)
        np.random.seed(self.seed + more)  # noqa: NPY002 - the generator that scripts use
        torch.manual_seed(self.seed + more)

    def _answer(self, answer: Any) -> Request:
        run = self._live()
        self._pending = run.resume(answer)
        if self._first_update is None and run.tape.updates:
            self._first_update = time.monotonic()
        if self._pending.kind == "ended":
            self.ending = run.ending
        elif self._pending.library:
            self._library = self._pending.library
        return self._pending

    def _natural(self, updates: int, share: float = NATURAL_SHARE) -> None:
        """Let the script take `updates` updates of its own, fewer when they take too long."""
        self.stage = "natural steps"
        tape = self._live().tape
        while self._pending.kind not in ("ended", "stepless") and tape.recording:
            self.progress(self.stage, tape.updates)
            slow = tape.updates >= 3 and self._spent() > self.budget * share  # noqa: PLR2004 - what the probes need at least
            if tape.updates >= min(updates, self.max_updates) or slow:
                break
            if self._pending.kind == "stepped":
                tape.cycle += 1
            self._answer(self._natural_answer(tape))

    def _natural_answer(self, tape: Tape) -> Any:
        request = self._pending
        if request.kind != "batch":
            return None
        info = tape.loaders[request.loader]
        if info.trained and not info.evaluated and self._time_for_a_cut(tape, request):
            self._deviated = True
            self._cuts.append(tape.updates)
            return END
        # After the early end an evaluation is bounded too, unless it is short anyway.
        evaluates = self._deviated and self._is_evaluation(request.loader, tape)
        return END if evaluates and request.delivered >= 4 * EVALUATION_BATCHES else NATURAL

    def _time_for_a_cut(self, tape: Tape, request: Request) -> bool:
        """Whether ending this epoch may show an evaluation: none was seen so far."""
        return (
            self._may_cut
            and request.delivered > 0
            and tape.updates >= EPOCH_UPDATES + EPOCH_AGAIN * len(self._cuts)
            and not any(info.evaluated for info in tape.loaders)
            and not any(e.update and not e.details["grad"] for e in tape.of("forward"))
        )

    def _is_evaluation(self, loader: int, tape: Tape) -> bool:
        info = tape.loaders[loader]
        return tape.updates > 0 and info.trained == 0

    def _save_initial(self) -> None:
        if self.initial is None:
            self.initial = self._take()

    def _drop_initial(self) -> None:
        self.initial = None

    def _keep(self, loader: int, batch: Any) -> None:
        """Keep copies of the first batches of a loader: the fixed set is made from them."""
        self._latest.append(batch)
        kept = self._kept.setdefault(loader, [])
        held = sum(count or 1 for _, count in kept)
        if held < 20 or not kept:  # noqa: PLR2004 - the 20 samples of the overfit test
            size = self._live().tape.loaders[loader].batch_size
            kept.append((batches.clone(batch), batches.rows(batch, size)))

    def _record_replay(self) -> None:
        """Record what a loop without a loader works on, during further natural updates.

        Several where they are small: some loops take one sample at a time.
        """
        run = self._live()
        self._replay = DataReplay(self._preparing)
        wanted = 1
        while len(self._cycles) < wanted and self._pending.kind == "stepped":
            cycle = Cycle()
            self._replay.record(cycle.operations)
            self._calls.record(cycle)
            with self._replay, self._held_calls():
                self._answer(None)
            self._cycles.append(cycle)
            samples = sum(target.shape[0] if target.dim() else 1 for target in cycle.targets)
            wanted = min(MOST_CYCLES, math.ceil(20 / samples)) if samples else 1
        if len(self._cycles) > 1 and self._pending.kind == "ended":
            self._cycles.pop()  # what the script did last was no whole cycle
        self.natural_updates = max(self.natural_updates, run.tape.updates)

    @contextmanager
    def _held_calls(self) -> Iterator[None]:
        """Let the replay take part in the calls of the live run's models and losses."""
        run = self._live()
        run.on_target = self._calls.target
        try:
            with self._calls.on(run.tape.roots, lambda: run.recorders.session.depth == 1):
                yield
        finally:
            run.on_target = None

    # -- what was seen ------------------------------------------------------------------------------

    @property
    def models(self) -> Sequence[nn.Module]:
        """Root modules of the live run."""
        return self._live().tape.roots

    @property
    def optimizers(self) -> Sequence[torch.optim.Optimizer]:
        """Optimizers of the live run."""
        return self._live().tape.optimizers

    def failure(self) -> BaseException | None:
        """What the script raised, where the doctor did not bring it about by ending an epoch."""
        return None if self.ending is None or self._deviated else self.ending.error

    def latest_batches(self) -> Sequence[Any]:
        """The batches that were delivered last in the natural steps."""
        return tuple(self._latest)

    def first_batches(self) -> Sequence[Any]:
        """The batches that were delivered first by the loaders that the loop trained on."""
        trained = (i for i in self._training_loaders() if i in self._kept)
        return tuple(batch for i in trained for batch, _ in self._kept[i])

    def held_splits(self) -> Sequence[Held]:
        """What a loop without a loader trains on and then what it evaluates."""
        frame = self._live().frame
        found = held_arrays.splits(self.tape, frame)
        return found if len(found) > 1 else picked_rows.splits(self.tape, frame) or found

    def initial_value(self, tensor: Tensor) -> Tensor | None:
        """A tensor of the natural run as it was before the first update."""
        if self._initial_values is None and self.initial is not None:
            self._initial_values = self.initial.values(self.tape.roots, self.tape.optimizers)
        return (self._initial_values or {}).get(id(tensor))

    def seconds_left(self) -> float:
        """What remains of the budget, in seconds."""
        return self.budget - self._spent()

    def device(self) -> str:
        """Where the parameters of the models are."""
        kinds = {p.device.type for root in self.tape.roots for p in root.parameters()}
        return ", ".join(sorted(kinds)) or "cpu"

    def outcome(self) -> str:
        """What kept the examination from being complete, in a sentence, or an empty text."""
        if self.ending is not None and self.ending.text and not self._deviated:
            return self.ending.text
        if self.natural_updates == 0 and self._pending.kind == "stepless":
            return "no optimizer ever stepped, so the training loop could not be driven"
        if self.natural_updates == 0:
            return "the script ended without an optimizer step"
        return ""

    def stop(self) -> None:
        """End the script wherever it stands."""
        if self._run is not None:
            self._run.stop()

    def _spent(self) -> float:
        return 0.0 if self._first_update is None else time.monotonic() - self._first_update

    def _training_loaders(self) -> list[int]:
        if self._replay is not None:
            return []  # a loader that trains belongs to what comes after the loop without one
        return [i for i, info in enumerate(self.tape.loaders) if info.trained]

    def _preparing(self) -> bool:
        """Whether the live run makes its next batch; another run of the script is another one."""
        return self._live().recorders.session.preparing()

    def _live(self) -> Coroutine:
        if self._run is None:
            raise AbsentFact("the script was not started")
        return self._run

    def _others(self) -> list[Any]:
        tape = self._live().tape
        return [*tape.schedulers, *tape.scalers]

    def _take(self) -> Snapshot:
        return Snapshot.take(self.models, self.optimizers, self._others())

    def _restore(self, snapshot: Snapshot) -> None:
        snapshot.restore(self.models, self.optimizers, self._others())
