"""Capacity: how many weights fit how many targets, what holds them back, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.facts.loaders import Loaders
from mldoctor.facts.overfit_curve import OverfitCurve
from mldoctor.facts.sample_stability import SampleStability
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import Tape


@dataclass(frozen=True, slots=True)
class Capacity:
    """The weights of all models in training beside the data that they are fitted to.

    Attributes:
        weights: trainable parameters that an optimizer holds.
        samples: in the training data; targets: values that the loss compares with in all of them.
        features: values in one sample.
        enough: weights that can reproduce any labels of these samples: 2n + d for n targets of
            inputs with d values (Zhang and others, 2017, theorem 1).
        restraints: what keeps the weights from being fitted freely (`drop Dropout p=0.1`,
            "weight decay 0.01", "random augmentation", "loaded weights").
        memorised: the loop has memorised the fixed set.
        uninformed: loss of the best constant answer.
        training, held_out: losses of the natural steps by update; an evaluation is one entry.
    """

    weights: int
    samples: int
    targets: int
    features: int
    enough: int
    restraints: tuple[str, ...]
    memorised: bool
    uninformed: float | None
    training: tuple[tuple[int, float], ...]
    held_out: tuple[tuple[int, float], ...]
    built: Location | None


@fact(Cost.STEPS)
def capacity(
    trainee: Trainee, loaders: Loaders, stability: SampleStability, curve: OverfitCurve
) -> Capacity:
    """Count, and read the losses of the natural steps."""
    tape = trainee.tape
    training = loaders.of("training")
    held = _held(tape)
    losses = [c for c in tape.losses if c.grad and c.target is not None]
    if len(training) != 1 or not training[0].size or not losses or not held:
        raise AbsentFact("the size of the training data is not known")
    if not tape.root_calls:
        raise AbsentFact("no call of a model that runs in Python was recorded")
    target, rows = losses[-1].target, tape.loaders[training[0].index].batch_size or 1
    per_sample = max(1, round((target.numel() if target is not None else 1) / rows))
    largest = max(
        tape.root_calls.values(), key=lambda call: sum(1 for _ in call.module.parameters())
    )
    features = _features(trainee, rows)
    targets = training[0].size * per_sample
    birth = tape.births.get(id(largest.module))
    restraints = _restraints(tape)
    if stability.rows[0].random or stability.rows[0].drew:
        restraints = (*restraints, "random augmentation")
    return Capacity(
        weights=sum(p.numel() for p in held),
        samples=training[0].size,
        targets=targets,
        features=features,
        enough=2 * targets + features,
        restraints=restraints,
        memorised=curve.outcome == "learned",
        uninformed=curve.uninformed,
        training=tuple((c.update, c.value) for c in losses if c.value is not None),
        held_out=_evaluations(tape),
        built=birth.site.location() if birth and birth.site else None,
    )


def _held(tape: Tape) -> list[Tensor]:
    stepped = {e.who for e in tape.of("step") if e.who is not None}
    groups = [group for i in stepped for group in tape.optimizers[i].param_groups]
    return list({id(p): p for g in groups for p in g["params"] if p.requires_grad}.values())


def _features(trainee: Trainee, rows: int) -> int:
    """Values of the inputs of one sample."""
    from mldoctor.facts import recorded_calls

    calls = recorded_calls.trained_calls(trainee.tape)
    given = [t.numel() for call in calls[:1] for t in recorded_calls.given(call).values()]
    return max(1, sum(given) // rows)


def _restraints(tape: Tape) -> tuple[str, ...]:
    """Dropout, weight decay, label smoothing, and weights that were not trained from scratch."""
    from mldoctor.trainee.modes import dependent

    layers = [name for root in tape.roots for name, _ in dependent(root) if "=" in name]
    groups = [group for o in tape.optimizers for group in o.param_groups]
    decay = max((float(group.get("weight_decay") or 0.0) for group in groups), default=0.0)
    smooth = [c.options.get("label_smoothing") for c in tape.losses if c.grad]
    found = [*layers[:3]]
    if decay:
        found.append(f"weight decay {decay:g}")
    if any(smooth):
        found.append("label smoothing")
    if tape.loads:
        found.append("loaded weights")
    if any(not p.requires_grad for root in tape.roots for p in root.parameters()):
        found.append("frozen weights")
    return tuple(found)


def _evaluations(tape: Tape) -> tuple[tuple[int, float], ...]:
    """The mean loss of each evaluation: of the calls without gradients between two updates."""
    passes: dict[int, list[float]] = {}
    for call in tape.losses:
        if not call.training and call.value is not None and call.update:
            passes.setdefault(call.update, []).append(call.value)
    return tuple((update, sum(values) / len(values)) for update, values in passes.items())
