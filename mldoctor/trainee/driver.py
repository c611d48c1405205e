"""Observe the script's natural steps, then let its own loop take steps on chosen batches."""

from __future__ import annotations

import math
import random
import time
from collections import deque
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mldoctor.errors import AbsentFact
from mldoctor.trainee import batches, rates
from mldoctor.trainee.coroutine import END, NATURAL, Coroutine, Ending, Feed, Request
from mldoctor.trainee.replay import CallReplay, Cycle, DataReplay
from mldoctor.trainee.snapshot import RandomState, Snapshot
from mldoctor.trainee.tape import Tape
from mldoctor.trainee.trainee import DrivenStep, FixedSet, Trainee

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor, nn

    from mldoctor.trainee.trainee import Treatment

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

RERUNS = 40
NATURAL_SHARE = 0.35
"""Share of the budget that slow natural steps may take before the experiments begin."""


@dataclass
class Driver(Trainee):
    """Runs a training program under observation and drives its loop.

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
    driven_updates: int = 0
    initial: Snapshot | None = None
    stage: str = "starting the script"
    extra_updates: int = 0

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
        self._reruns = 0
        self._replay: DataReplay | None = None
        self._calls = CallReplay()
        self._cycles: list[Cycle] = []
        self._library = ""
        self._planned: dict[int, list[float]] = {}
        self._random: RandomState | None = None
        self._saved: list[dict[str, Any]] = []
        self._endings: list[Callable[[torch.optim.Optimizer], None]] = []
        self._actions: list[Callable[[torch.optim.Optimizer, int], None]] = []

    # -- the natural phase -------------------------------------------------------------------------

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
        if not self._training_loaders() and self._pending.kind == "stepped":
            self._record_replay()
        self.tape.recording = False

    def _launch(self, tape: Tape, *, first: bool = False) -> None:
        if self._run is not None:
            self._run.stop()
        started = time.monotonic()
        self.ending = None
        self._cuts = []
        self._planned.clear()
        self._run = Coroutine(self.program, tape)
        if first:
            self._run.on_batch = self._keep
            self._run.on_first_step = self._save_initial
        self._seed()
        self._pending = self._run.start()
        if self._pending.kind == "ended":
            self.ending = self._run.ending
        while self._pending.kind == "batch" and tape.updates == 0 and not tape.of("backward"):
            self._answer(NATURAL)
        self._start_up = time.monotonic() - started

    def _seed(self) -> None:
        """Start from a known random state, so that a script without seeds repeats itself."""
        random.seed(self.seed)
        np.random.seed(self.seed)  # noqa: NPY002 - the generator that scripts use
        torch.manual_seed(self.seed)

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

    def _natural(self, updates: int) -> None:
        """Let the script take `updates` updates of its own."""
        self.stage = "natural steps"
        tape = self._live().tape
        while self._pending.kind not in ("ended", "stepless"):
            self.progress(self.stage, tape.updates)
            slow = tape.updates >= 3 and self._spent() > self.budget * NATURAL_SHARE  # noqa: PLR2004 - what the probes need at least
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
        self.natural_updates = run.tape.updates

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

    # -- what experiments need ---------------------------------------------------------------------

    @property
    def models(self) -> Sequence[nn.Module]:
        """Root modules of the live run."""
        return self._live().tape.roots

    @property
    def optimizers(self) -> Sequence[torch.optim.Optimizer]:
        """Optimizers of the live run."""
        return self._live().tape.optimizers

    def undrivable(self) -> str:
        """Why the loop cannot be fed chosen batches."""
        tape = self.tape
        if self.ending is not None and self.ending.error is not None and not self._deviated:
            return "the script ended with an error"
        if self.initial is None:
            return "no optimizer step was seen"
        if self._objectives() > 1:
            return "several losses are optimised in turn, as in adversarial training"
        if not self._training_loaders():
            if self._replay is None:
                return "the loop ended before a step could be repeated"
            if not any(call.grad and call.target is not None for call in tape.losses):
                return "the loop has no loader, and no loss with a target to learn"
        return ""

    def failure(self) -> BaseException | None:
        """What the script raised, where the doctor did not bring it about by ending an epoch."""
        return None if self.ending is None or self._deviated else self.ending.error

    def _objectives(self) -> int:
        """How many losses are back-propagated for optimizers of their own, in turn."""
        owners: set[int] = set()
        fresh = False
        for event in self.tape.of("backward", "step"):
            if event.kind == "backward":
                fresh = True
            elif fresh and event.who is not None:
                owners.add(event.who)
                fresh = False
        return len(owners)

    def _training_loaders(self) -> list[int]:
        return [i for i, info in enumerate(self.tape.loaders) if info.trained]

    def latest_batches(self) -> Sequence[Any]:
        """The batches that were delivered last in the natural steps."""
        return tuple(self._latest)

    def fixed_set(self, samples: int = 20) -> FixedSet:
        """A set of samples taken from the first batches that the loop trained on."""
        reason = self.undrivable()
        if reason:
            raise AbsentFact(reason)
        loaders = self._training_loaders()
        if not loaders:
            return FixedSet((), None)
        if len(loaders) > 1 or loaders[0] not in self._kept:
            kept = {i: self._kept[i][0][0] for i in loaders if i in self._kept}
            return FixedSet((kept,), None)
        kept_batches = self._kept[loaders[0]]
        batch, count = kept_batches[0]
        if count is None or count <= 1:
            chosen = [b for b, _ in kept_batches[:samples]]
            return FixedSet(tuple(chosen), len(chosen))
        if count >= samples:
            index = [i % samples for i in range(count)]
            return FixedSet((batches.take(batch, index, count),), samples, tiled=count > samples)
        needed = math.ceil(samples / count)
        chosen = [b for b, _ in kept_batches[:needed]]
        return FixedSet(tuple(chosen), sum(n or 1 for _, n in kept_batches[:needed]))

    def drive(
        self,
        feed: Sequence[Any],
        updates: int,
        treatment: Treatment | None = None,
    ) -> Iterator[DrivenStep]:
        """Take updates from the initial state on the batches of `feed`, in turn."""
        if self.initial is None:
            return
        queue: deque[Any] = deque()
        self._align(feed, queue)
        self._restore(self.initial)
        self._random = None
        with ExitStack() as stack:
            stack.callback(self._release_hooks)
            self._live().before.append(self._prepare_step)
            self._live().after.append(self._finish_step)
            if treatment is not None:
                stack.enter_context(treatment(self))
            done = 0
            while done < updates and self._may_go_on():
                before = self._live().tape.updates
                self._live().losses.clear()
                self._live().recorders.losses.calls.clear()
                if not self._one_update(feed, queue):
                    if not self._relaunch(feed, queue):
                        return
                    continue
                if self._live().tape.updates == before:
                    continue
                losses = list(self._live().losses)
                done += 1
                self.driven_updates += 1
                self.progress(self.stage, self.natural_updates + self.driven_updates)
                value = sum(losses) / len(losses) if losses else math.nan
                calls = list(self._live().recorders.losses.calls)
                yield DrivenStep(done - 1, value, calls, held=not self._calls.escaped)

    @contextmanager
    def before_each_step(self, action: Callable[[torch.optim.Optimizer], None]) -> Iterator[None]:
        """Call `action` with every optimizer that is about to step."""

        def act(optimizer: torch.optim.Optimizer, _index: int) -> None:
            action(optimizer)

        self._actions.append(act)
        try:
            yield
        finally:
            self._actions.remove(act)

    @contextmanager
    def after_each_step(self, action: Callable[[torch.optim.Optimizer], None]) -> Iterator[None]:
        """Call `action` with every optimizer that has stepped."""
        self._endings.append(action)
        try:
            yield
        finally:
            self._endings.remove(action)

    def replayed(self) -> Sequence[Any]:
        """The recorded cycles of a loop without a loader."""
        if self._replay is None:
            raise AbsentFact("the loop has a loader")
        return tuple(self._cycles)

    def allow(self, updates: int) -> None:
        """Grant further updates beyond the limit, for a trial that a symptom has called for."""
        self.extra_updates = max(self.extra_updates, updates)

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

    # -- driving -----------------------------------------------------------------------------------

    def _spent(self) -> float:
        return 0.0 if self._first_update is None else time.monotonic() - self._first_update

    def _may_go_on(self) -> bool:
        return (
            self.seconds_left() > 0
            and self.natural_updates + self.driven_updates < self.max_updates + self.extra_updates
        )

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

    def _align(self, feed: Sequence[Any], queue: deque[Any]) -> None:
        """Bring the script to the point where its next batch is the doctor's to choose."""
        if not self._training_loaders():
            return
        prefetch = self._prefetch()
        while True:
            if self._pending.kind == "ended":
                self._relaunch(feed, queue)
                return
            if self._at_control_point():
                if prefetch == 0:
                    return
                prefetch -= 1
            self._answer(self._driven_answer(feed, queue))

    def _prefetch(self) -> int:
        """How many batches the loop fetches ahead of the step that uses them."""
        return max((info.prefetch for info in self.tape.loaders if info.trained), default=0)

    def _trains(self, loader: int) -> bool:
        observed = self.tape.loaders
        return loader < len(observed) and observed[loader].trained > 0

    def _next_feed(self, feed: Sequence[Any], queue: deque[Any], loader: int) -> Any:
        self._rewind_random()
        if not feed:
            return NATURAL
        if not queue:
            queue.extend(range(len(feed)))
        chosen = feed[queue[0]]
        if isinstance(chosen, dict) and chosen.keys() == set(self._training_loaders()):
            return Feed(batches.clone(chosen[loader]))
        queue.popleft()
        return Feed(batches.clone(chosen))

    def _preparing(self) -> bool:
        """Whether the live run makes its next batch; another run of the script is another one."""
        return self._live().recorders.session.preparing()

    def _rewind_random(self) -> None:
        """Go on with the random numbers where the latest update left off.

        What lies between two updates (a new epoch, an evaluation) draws random numbers too; it
        must not decide what the next update does.
        """
        if self._random is not None:
            self._random.restore()
            self._random = None

    def _epoch_length(self, loader: int) -> float:
        try:
            return len(self._live().tape.loaders[loader].loader)
        except (TypeError, NotImplementedError):
            return math.inf  # an iterable dataset does not know its length

    def _driven_answer(self, feed: Sequence[Any], queue: deque[Any]) -> Any:
        request = self._pending
        if request.kind != "batch":
            return None
        if self._trains(request.loader):
            if request.delivered and request.delivered >= self._epoch_length(request.loader):
                # Loops count their batches (the last accumulation group, a progress bar), so an
                # epoch keeps its length.
                return END
            return self._next_feed(feed, queue, request.loader)
        if request.delivered >= EVALUATION_BATCHES:
            self._deviated = True
            return END
        return NATURAL

    def _one_update(self, feed: Sequence[Any], queue: deque[Any]) -> bool:
        """Run the script until one more update is complete; False when it ended before."""
        tape = self._live().tape
        before = tape.updates
        with ExitStack() as stack:
            if self._replay is not None:
                self._rewind_random()
                self._repeat_cycle(feed, queue, stack)
            for _ in range(100_000):
                if self._answer(self._driven_answer(feed, queue)).kind == "ended":
                    return False
                if tape.updates > before and self._at_control_point():
                    return True
        return False

    def _repeat_cycle(self, feed: Sequence[Any], queue: deque[Any], stack: ExitStack) -> None:
        """Answer the coming cycle of a loop without a loader from the next recorded one."""
        if self._replay is None or not feed:
            return
        if not queue:
            queue.extend(range(len(feed)))
        cycle: Cycle = feed[queue.popleft()]
        self._replay.answer(cycle.operations)
        self._calls.answer(cycle)
        stack.enter_context(self._replay)
        stack.enter_context(self._held_calls())

    def _at_control_point(self) -> bool:
        """Whether the script stands where its next batch is asked for."""
        if not self._training_loaders():
            return self._pending.kind == "stepped"
        return self._pending.kind == "batch" and self._trains(self._pending.loader)

    def _relaunch(self, feed: Sequence[Any], queue: deque[Any]) -> bool:
        """The script ended before the experiment: run it again and carry the state over."""
        self._reruns += 1
        if self._reruns > RERUNS or self.seconds_left() < 2 * self._start_up:
            return False
        state = self._take()
        hooks = list(self._live().before), list(self._live().after)
        self._launch(Tape(recording=False))
        run = self._live()
        prefetch = self._prefetch()
        while self._pending.kind != "ended":
            if run.tape.updates and self._at_control_point():
                if prefetch == 0:
                    break
                prefetch -= 1
            self._answer(self._driven_answer(feed, queue))
        if self._pending.kind == "ended":
            return False
        self._restore(state)
        run.before[:], run.after[:] = hooks
        return True

    def _prepare_step(self, optimizer: torch.optim.Optimizer, index: int) -> None:
        """Use the planned rate during a warm-up, then let the treatments act."""
        self._saved = [
            {k: v for k, v in group.items() if k != "params" and isinstance(v, int | float)}
            for group in optimizer.param_groups
        ]
        tape = self._live().tape
        key = id(optimizer)
        if key not in self._planned:
            self._planned[key] = rates.planned(
                optimizer, tape.planned_rates[index], tape.schedulers
            )
        for group, rate in zip(optimizer.param_groups, self._planned[key], strict=False):
            if isinstance(group.get("lr"), float) and group["lr"] < rate:
                group["lr"] = rate
        for action in self._actions:
            action(optimizer, index)

    def _finish_step(self, optimizer: torch.optim.Optimizer, _index: int) -> None:
        """Put the options back as the schedule left them."""
        for group, options in zip(optimizer.param_groups, self._saved, strict=False):
            group.update(options)
        for action in self._endings:
            action(optimizer)
        self._random = RandomState.now()

    def _release_hooks(self) -> None:
        self._live().before.clear()
        self._live().after.clear()
