"""Let the script's own loop take steps on chosen batches, after its natural steps were observed."""

from __future__ import annotations

import math
from collections import deque
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.trainee import batches, rates
from mldoctor.trainee.coroutine import END, NATURAL, Feed
from mldoctor.trainee.natural_run import EVALUATION_BATCHES, NaturalRun
from mldoctor.trainee.snapshot import RandomState
from mldoctor.trainee.tape import Tape
from mldoctor.trainee.trainee import DrivenStep, FixedSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch

    from mldoctor.trainee.replay import Cycle
    from mldoctor.trainee.trainee import Treatment

RERUNS = 40
"""Runs of a script that ends before the experiments do."""


@dataclass
class Driver(NaturalRun):
    """Drives the loop of a training program that was observed."""

    driven_updates: int = 0
    extra_updates: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._reruns = 0
        self._planned: dict[int, list[float]] = {}
        self._random: RandomState | None = None
        self._saved: list[dict[str, Any]] = []
        self._endings: list[Callable[[torch.optim.Optimizer], None]] = []
        self._actions: list[Callable[[torch.optim.Optimizer, int], None]] = []
        self._treatment: Treatment | None = None
        self._treated = ExitStack()

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
        seed: int = 0,
    ) -> Iterator[DrivenStep]:
        """Take updates from the initial state on the batches of `feed`, in turn."""
        if self.initial is None:
            return
        queue: deque[Any] = deque()
        self._treatment = None
        self._align(feed, queue)
        self._restore(self.initial)
        if seed:
            self._seed(seed)
        self._random = RandomState.now()
        self._treatment = treatment
        with ExitStack() as stack:
            stack.callback(self._release_hooks)
            self._live().before.append(self._prepare_step)
            self._live().after.append(self._finish_step)
            stack.callback(self._treated.close)
            self._treat()
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

    # -- driving -----------------------------------------------------------------------------------

    def _may_go_on(self) -> bool:
        return (
            self.seconds_left() > 0
            and self.natural_updates + self.driven_updates < self.max_updates + self.extra_updates
        )

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
        return loader in self._training_loaders()

    def _left_behind(self) -> bool:
        """Whether the script has gone on from a loop without a loader to one that trains with one."""
        request, observed = self._pending, self._live().tape.loaders
        return (
            self._replay is not None
            and request.kind == "batch"
            and request.loader < len(observed)
            and observed[request.loader].trained > 0
        )

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
                if self._left_behind():
                    return False
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

    def _treat(self) -> None:
        """Begin the treatment: on what the live run of the script consists of."""
        if self._treatment is not None:
            self._treated.enter_context(self._treatment(self))

    def _relaunch(self, feed: Sequence[Any], queue: deque[Any]) -> bool:
        """The script ended before the experiment: run it again and carry the state over."""
        self._reruns += 1
        if self._reruns > RERUNS or self.seconds_left() < 2 * self._start_up:
            return False
        self._treated.close()
        state = self._take()
        hooks = list(self._live().before), list(self._live().after)
        self._planned.clear()
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
        self._treat()
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
