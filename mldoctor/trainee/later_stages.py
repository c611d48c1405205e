"""Stages of the training: what the script goes on to train after its first loop.

A network is pre-trained and then fine-tuned, a head is trained before the body. Each stage has an
optimizer or a choice of frozen parameters of its own, and can go wrong by itself. The first is
examined with experiments. To see the later ones, the loops that are known are cut to one batch for
each epoch, until the script comes to something that it trains in another way.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from mldoctor.trainee.coroutine import END, NATURAL, Request
from mldoctor.trainee.driver import Driver
from mldoctor.trainee.natural_run import EVALUATION_BATCHES, NATURAL_UPDATES
from mldoctor.trainee.sites import call_path
from mldoctor.trainee.tape import Tape

if TYPE_CHECKING:
    from torch import nn

    from mldoctor.findings import Location
    from mldoctor.trainee.snapshot import Snapshot

    Path = tuple[tuple[str, int, int], ...]

MOST_STAGES = 3
"""Later stages that are looked at: some scripts begin anew for every fold or round."""

SEARCH_SHARE = 0.05
"""Share of the budget for the search of a next stage that may not be there."""

SEARCH_COST = 0.25
"""Share of the time spent since the first update that this search may add: most scripts have one stage,
and a loop that counts steps instead of epochs cannot be cut short."""

ARRIVAL_SHARE = 0.15
"""Share of the budget for the way to a stage that is known to be there."""

FIRST_BATCHES = 50
"""Batches that are delivered before the first update of a stage, such as for a first evaluation."""

OWN_UPDATES = 3
"""Updates of a stage before an optimizer that is built then belongs to the next one."""

CYCLE_UPDATES = 10
"""Updates in which loops that freeze parts of their models in turn, as adversarial ones do, have come
round: five updates of a critic for one of the generator are usual."""


@dataclass
class StagedDriver(Driver):
    """A driver that tells the stages of a training apart and can go on to the next one."""

    stages: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._built: set[Path] = set()
        self._stepped: set[Path] = set()
        self._trainable: dict[str, set[int]] = {}
        self._next_initial: Snapshot | None = None
        self._crossed = False
        self._whole = False
        self._undone: list[tuple[int, int]] = []

    def observe(self) -> None:
        """Observe the first stage."""
        super().observe()
        self._whole = self._pending.kind == "ended" and not self._crossed
        self._remember(self.tape)

    def next_stage(self) -> bool:
        """Go on to the next stage and observe it; False when none was reached.

        Afterwards the tape, the models and the initial values are those of that stage. Its loop
        cannot be driven: a script that is run again begins with the first.
        """
        if self._whole or self.initial is None or self.stages >= MOST_STAGES:
            return False
        if self.seconds_left() <= 0:
            return False
        self.stage = "on the way to the next stage"
        known = self._crossed
        if not self._live().tape.recording:
            # The experiments, too, may have led beyond the first stage, and into an error of the next.
            failed = self.ending is not None and self.ending.error is not None
            passed = failed or self._goes_on(self._live().tape)
            if passed:
                self._launch(Tape(recording=False))
            elif self._pending.kind == "ended":
                return False
            elif self.stages == 0:
                self._restore(self.initial)
            known = known or passed
        tape = self._skip(self.budget * ARRIVAL_SHARE if known else self._worth())
        if tape is None:
            return False
        self.stages += 1
        self.tape, self.initial, self._initial_values = tape, self._next_initial, None
        self._cuts.clear()
        self._crossed = False
        self._live().on_batch = self._keep
        self._live().on_built = self._cross
        self._natural(NATURAL_UPDATES, share=1.0)
        self.natural_updates = tape.updates
        self._remember(tape)
        self._whole = self._pending.kind == "ended" and not self._crossed
        tape.recording = False
        return True

    def begun(self) -> Location | None:
        """Where the optimizer of the stage that was observed last was built."""
        site = next((site for site in self.tape.optimizer_sites if site is not None), None)
        return site.location() if site is not None else None

    def _launch(self, tape: Tape, *, first: bool = False) -> None:
        super()._launch(tape, first=first)
        if first:
            self._live().on_built = self._cross

    def _come_back(self) -> None:
        if self._crossed:
            self._launch(Tape(recording=False))

    def _answer(self, answer: Any) -> Request:
        request = super()._answer(answer)
        tape = self._live().tape
        if request.kind == "stepped" and tape.recording:
            if tape.updates > CYCLE_UPDATES and self._thawed(tape):
                self._crossed = True
                self._turn(request.optimizer)
            else:
                for name, flags in map(_signature, tape.roots):
                    self._trainable.setdefault(name, set()).add(flags)
        return request

    def _cross(self, optimizer: torch.optim.Optimizer) -> None:
        """The script builds an optimizer while it is observed: what follows is the next stage."""
        tape = self._live().tape
        known = self._built | {*tape.optimizer_paths}
        if tape.recording and tape.updates >= OWN_UPDATES and call_path() not in known:
            self._crossed = True
            self._turn()
            self._live().recorders.session.optimizer_index(optimizer)

    def _remember(self, tape: Tape) -> None:
        """Note who built the optimizers of this stage, and which of them stepped."""
        self._built.update(tape.optimizer_paths)
        pairs = zip(tape.optimizer_paths, tape.optimizer_steps, strict=True)
        self._stepped.update(path for path, steps in pairs if steps)

    def _goes_on(self, tape: Tape) -> bool:
        """Whether a run has trained something in a way that was not observed."""
        return any(self._is_new(tape, index) for index in range(len(tape.optimizers)))

    def _is_new(self, tape: Tape, optimizer: int) -> bool:
        """Whether this optimizer has stepped as none in a known stage, or on other parameters."""
        if not tape.optimizer_steps[optimizer]:
            return False
        return tape.optimizer_paths[optimizer] not in self._stepped or self._thawed(tape)

    def _thawed(self, tape: Tape) -> bool:
        """Whether a known model has parameters frozen or trainable that were not so before."""
        return any(
            name in self._trainable and flags not in self._trainable[name]
            for name, flags in map(_signature, tape.roots)
        )

    def _worth(self) -> float:
        """Seconds that may go into looking for a stage of which nothing is known."""
        return min(self.budget * SEARCH_SHARE, self._spent() * SEARCH_COST)

    def _skip(self, seconds: float) -> Tape | None:
        """Let the known loops run as short as they bear it; the tape on which a new one begins."""
        run = self._live()
        run.on_batch, run.on_built = lambda _loader, _batch: None, self._begin
        until = time.monotonic() + min(self.seconds_left(), seconds)
        self._deviated = True
        while self._pending.kind != "ended":
            if run.tape.recording and run.tape.updates:
                return run.tape
            stepped = self._pending.kind == "stepped" and not run.tape.recording
            if stepped and self._is_new(run.tape, self._pending.optimizer):
                self._turn(self._pending.optimizer)
            if time.monotonic() > until:
                return None
            self._answer(self._shortest(run.tape))
        # A stage may end with an error of its own before its first update.
        return run.tape if run.tape.recording and run.tape.of("backward") else None

    def _begin(self, optimizer: torch.optim.Optimizer) -> None:
        """The script builds an optimizer on the way: a new stage, unless this place is known."""
        if not self._live().tape.recording and call_path() not in self._built:
            self._turn()
            self._live().recorders.session.optimizer_index(optimizer)

    def _turn(self, *kept: int) -> None:
        """Record from here on as a stage of its own, with these optimizers of the latest tape."""
        run = self._live()
        fresh = run.tape.next_stage(*kept)
        for number in self._put_back(run.tape):
            fresh.earlier.pop(number, None)
        run.tape.recording = False
        run.turn_to(fresh)
        self._next_initial = None
        run.on_first_step = self._save_next

    def _put_back(self, tape: Tape) -> list[int]:
        """The tensors, by id, that steps of the first stage moved and that are as before it again.

        A search for a learning rate trains nothing: what comes after it has all to learn. Where the
        script is run again for the next stage, they are those at the same places in its optimizers.
        """
        if self.stages:
            return []
        held = [[p for g in o.param_groups for p in g["params"]] for o in tape.optimizers]
        if tape.recording and self.initial is not None:
            before = self.initial.values(tape.roots, tape.optimizers)
            stepped = {e.who for e in tape.of("step") if e.details.get("moved")}
            self._undone = [
                (index, place)
                for index, tensors in enumerate(held)
                for place, p in enumerate(tensors)
                if index in stepped and id(p) in before and torch.equal(p, before[id(p)])
            ]
        return [id(held[i][k]) for i, k in self._undone if i < len(held) and k < len(held[i])]

    def _save_next(self) -> None:
        if self._next_initial is None:
            self._next_initial = self._take()

    def _shortest(self, tape: Tape) -> Any:
        request = self._pending
        if request.kind != "batch":
            return None
        if tape.recording:
            most = FIRST_BATCHES
        else:
            most = 1 if tape.loaders[request.loader].trained else EVALUATION_BATCHES
        return END if request.delivered >= most else NATURAL


def _signature(root: nn.Module) -> tuple[str, int]:
    """A model by the names of its parameters, and which of them require gradients, as one number."""
    named = list(root.named_parameters())
    return (
        " ".join((type(root).__name__, *(name for name, _ in named))),
        sum(1 << place for place, (_, tensor) in enumerate(named) if tensor.requires_grad),
    )
