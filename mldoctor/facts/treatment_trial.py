"""TreatmentTrial: which treatment, tried on the live trainee, cures what the loop cannot learn?

Successive halving (Jamieson and Talwalkar, 2016): every treatment gets a short run from the same
snapshot on the same samples, the more promising half of them a longer one, and so on. The first that
clearly learns what the untreated control did not ends the trial.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.facts.cause_trials import CauseTrials
from mldoctor.facts.overfit_curve import OverfitCurve, memorise
from mldoctor.facts.symptoms import Symptoms
from mldoctor.facts.updates import Updates
from mldoctor.findings import Trial
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import FixedSet, Trainee

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mldoctor.trainee.trainee import Treatment
    from mldoctor.treatments.catalogue import Option

ROUNDS = (20, 60, 120)
"""Updates for each treatment in the rounds; half of the treatments go on to the next."""

PASSES = 6
"""Passes over the fixed set that a run takes at least: a trend takes a few points."""

MOST_UPDATES = 1200
"""What the trial of one examination may take in all."""

SEEDS = 3
"""Runs on which a cure counts as verified: that the worst treated one beats the best untreated one by
chance has a probability of 1 in 20 (Wilcoxon's rank-sum test)."""

PAIRED = 3
"""Treatments that are tried two at a time where no single one cures."""

GOOD_FALL = 0.25
"""A treated loss that falls by this share, while the control's shows no progress, counts as cured."""

TREATABLE = {
    "cannot-overfit", "flat-loss", "single-class-collapse", "input-independent-learning",
    "non-finite-loss", "exploding-gradients", "oscillating-loss",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TreatedCurve:
    """The fixed set under one treatment, or under two together.

    Attributes:
        names: what was done, in words; causes: the findings that it points to.
        factor: what the learning rate was multiplied by.
        losses: one value per pass; updates: optimizer updates taken.
        outcome, accuracy: as in `OverfitCurve`.
    """

    names: tuple[str, ...]
    causes: tuple[str, ...]
    factor: float
    losses: tuple[float, ...]
    updates: int
    outcome: str
    accuracy: float | None

    @property
    def level(self) -> float:
        """The loss at the end: mean of the last tenth of the passes."""
        tail = self.losses[-max(1, len(self.losses) // 10) :]
        return sum(tail) / len(tail) if tail else math.inf


@dataclass(frozen=True, slots=True)
class TreatmentTrial:
    """The control and every treated curve, all from one snapshot and on the same samples.

    Attributes:
        treated: the longest run of each treatment that was tried.
        cured: its position of the one that learned what the control could not, None without one.
        seeds: the loss of control and treated on further random states, where their updates draw
            random numbers; the first row is the trial's own.
        updates: optimizer updates spent.
    """

    control: OverfitCurve
    treated: tuple[TreatedCurve, ...] = ()
    cured: int | None = None
    seeds: tuple[Trial, ...] = ()
    updates: int = 0

    def cure(self, *causes: str) -> TreatedCurve | None:
        """The treated run that cured, if it points to one of these causes."""
        found = None if self.cured is None else self.treated[self.cured]
        return found if found is not None and {*found.causes} & {*causes} else None

    def without_help(self) -> tuple[str, ...]:
        """The treatments that did not cure, by what was done."""
        others = (c for i, c in enumerate(self.treated) if i != self.cured)
        return tuple(" and ".join(c.names) for c in others)


def beats(treated: OverfitCurve, control: OverfitCurve) -> bool:
    """Whether a treated run learned what the control did not.

    Learning the frequencies of the labels is not enough: the treated loss must end clearly below
    the start, the control's end, and the best constant answer.
    """
    if treated.outcome == "learned":
        # Half of the start is a line that the control may have missed by a hair.
        late = control.losses[-max(1, len(control.losses) // 3) :]
        level = sum(late) / max(1, len(late))
        return not math.isfinite(level) or treated.last <= (1 - GOOD_FALL) * level
    bars = [treated.losses[0], control.last, control.uninformed]
    finite = [b for b in bars if b is not None and math.isfinite(b)]
    return (
        bool(finite)
        and treated.outcome == "falling"
        and treated.last <= (1 - GOOD_FALL) * min(finite)
    )


@fact(Cost.TREATMENTS)
def treatment_trial(
    trainee: Trainee,
    control: OverfitCurve,
    symptoms: Symptoms,
    causes: CauseTrials,
    updates: Updates,
) -> TreatmentTrial:
    """Try treatments where a symptom stands that no cause explains."""
    unexplained = TREATABLE & {*symptoms.unexplained}
    if causes.cured() or not unexplained or control.outcome == "learned":
        return TreatmentTrial(control)
    trial = _Trial(trainee, control, trainee.fixed_set())
    if updates.outside_changes:
        trial.leave_weights_alone()
    else:
        trial.halve()
        if trial.cured is None:
            trial.pair()
    if not trial.curves:
        raise AbsentFact("the budget ended before a treatment could be tried")
    return trial.result()


@dataclass
class _Trial:
    """The treatments under way."""

    trainee: Trainee
    control: OverfitCurve
    fixed: FixedSet
    curves: dict[tuple[str, ...], TreatedCurve] = field(default_factory=dict)
    cured: tuple[str, ...] | None = None
    seeds: tuple[Trial, ...] = ()
    updates: int = 0

    def __post_init__(self) -> None:
        self.trainee.allow(MOST_UPDATES)

    def leave_weights_alone(self) -> None:
        """Without what is written besides the optimizer; that would spoil every other treatment."""
        from mldoctor.treatments.catalogue import LONE_OPTIMIZER

        for length in ROUNDS:
            if self._round([LONE_OPTIMIZER], length):
                return

    def halve(self) -> None:
        """Every treatment briefly, then the better half of them for longer, and so on."""
        from mldoctor.treatments.catalogue import AFTER_RATES, SPECIFIC, rates

        specific = [o for o in SPECIFIC if o.applies(self.trainee)]
        other = [o for o in AFTER_RATES if o.applies(self.trainee)]
        alive = [*specific, *rates(higher_first=_smooth(self.control)), *other]
        for length in ROUNDS:
            if self._round(alive, length):
                break
            alive = self._promising(alive)
        if self.cured is not None:
            # Another rate makes up for many faults: what takes the fault itself away comes first.
            names = [(o.name,) for o in specific]
            before = names.index(self.cured) if self.cured in names else len(names)
            self._round([o for o in specific[:before] if o in alive], ROUNDS[1])

    def pair(self) -> None:
        """The best treatments, two at a time."""
        from mldoctor.treatments.catalogue import AFTER_RATES, SPECIFIC, rates

        every = (*SPECIFIC, *rates(higher_first=True), *AFTER_RATES)
        known = [o for o in every if (o.name,) in self.curves]
        best = sorted(known, key=lambda o: _promise(self.curves[o.name,]))[:PAIRED]
        for one, other in combinations(best, 2):
            if (one.factor == 1 or other.factor == 1) and self._try((one, other), ROUNDS[1]):
                return

    def result(self) -> TreatmentTrial:
        """What came of it."""
        names = [*self.curves]
        return TreatmentTrial(
            self.control,
            tuple(self.curves.values()),
            None if self.cured is None else names.index(self.cured),
            self.seeds,
            self.updates,
        )

    def _round(self, options: Sequence[Option], length: int) -> bool:
        return any(self._try((option,), length) for option in options)

    def _promising(self, options: Sequence[Option]) -> list[Option]:
        ordered = sorted(
            (o for o in options if (o.name,) in self.curves),
            key=lambda o: _promise(self.curves[o.name,]),
        )
        kept = ordered[: math.ceil(len(ordered) / 2)]
        return [o for o in options if o in kept]

    def _try(self, options: Sequence[Option], length: int) -> bool:
        """One treated run; True when it cures, on every seed where seeds make a difference."""
        updates = max(length, PASSES * max(1, len(self.fixed.batches)))
        if self.trainee.seconds_left() <= 0 or self.updates + updates > MOST_UPDATES:
            return False
        treatment = options[0].treat if len(options) == 1 else _together(options)
        curve = memorise(self.trainee, self.fixed, updates, treatment)
        self.updates += curve.updates
        if not curve.losses:
            return False
        treated = TreatedCurve(
            names=tuple(o.name for o in options),
            causes=tuple(o.cause for o in options),
            factor=math.prod(o.factor for o in options),
            losses=curve.losses,
            updates=curve.updates,
            outcome=curve.outcome,
            accuracy=curve.accuracy,
        )
        self.curves[treated.names] = treated
        if not beats(curve, self.control):
            return False
        seeds = self._on_other_seeds(treated, treatment)
        if max(s.treated for s in seeds) >= min(s.control for s in seeds):
            return False
        self.cured, self.seeds = treated.names, seeds
        return True

    def _on_other_seeds(self, treated: TreatedCurve, treatment: Treatment) -> tuple[Trial, ...]:
        """Control and treated again, on other random numbers."""
        rows = [Trial(0, _or_infinite(self.control.last), treated.level)]
        longest = max(treated.updates, ROUNDS[-1])
        if self.trainee.seconds_left() <= 0 or not self._draws():
            return tuple(rows)
        for seed in range(1, SEEDS):
            if self.trainee.seconds_left() <= 0 or self.updates + 2 * longest > MOST_UPDATES:
                break
            again = memorise(self.trainee, self.fixed, longest, treatment, seed=seed)
            control = memorise(self.trainee, self.fixed, max(1, again.updates), seed=seed)
            self.updates += again.updates + control.updates
            if control.losses and again.losses:
                rows.append(Trial(seed, _or_infinite(control.last), _or_infinite(again.last)))
        return tuple(rows)

    def _draws(self) -> bool:
        """Whether the updates draw random numbers: if not, every seed is the same one."""
        control = memorise(self.trainee, self.fixed, 2 * max(1, len(self.fixed.batches)), seed=1)
        self.updates += control.updates
        return control.losses != self.control.losses[: len(control.losses)]


def _together(options: Sequence[Option]) -> Treatment:
    """Several treatments at a time."""

    @contextmanager
    def treat(trainee: Trainee) -> Iterator[None]:
        with ExitStack() as stack:
            for option in options:
                stack.enter_context(option.treat(trainee))
            yield

    return treat


def _promise(curve: TreatedCurve) -> float:
    """Where a run ended, relative to where it began: lower is better."""
    start = abs(curve.losses[0]) + 1e-12
    return curve.level / start if math.isfinite(curve.level) else math.inf


def _or_infinite(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def _smooth(control: OverfitCurve) -> bool:
    """Whether the control hardly moves: then a higher rate is the better first guess."""
    finite = [v for v in control.losses if math.isfinite(v)]
    if not finite:
        return False
    return max(finite) <= 1.5 * finite[0] + 1e-9
