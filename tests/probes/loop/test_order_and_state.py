"""Probes on order, optimizer, schedule and state, on plain facts: fires, quiet, edge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mldoctor.facts.accumulation import Accumulated, Accumulation
from mldoctor.facts.evaluations import EvaluatedModel, Evaluations
from mldoctor.facts.hyperparameters import Group, Hyperparameters, OptimizerOptions
from mldoctor.facts.kept_weights import Kept, KeptWeights
from mldoctor.facts.loader_use import LoaderUse, Use
from mldoctor.facts.movements import Moved, Movements, OptimizerMoves
from mldoctor.facts.optimizer_lives import OptimizerLives, Reset, Shared
from mldoctor.facts.overfit_curve import OverfitCurve
from mldoctor.facts.parameters import Optimizer, Parameter, Parameters
from mldoctor.facts.precision import Precision
from mldoctor.facts.random_use import Generator, RandomUse
from mldoctor.facts.retained_graphs import RetainedGraphs
from mldoctor.facts.schedules import Course, Schedule, Schedules
from mldoctor.facts.step_order import Clip, Step, StepOrder
from mldoctor.facts.treatment_trial import TreatedCurve, TreatmentTrial
from mldoctor.facts.updates import Updates
from mldoctor.registry import probes

MODEL = EvaluatedModel(
    "model", 0, 6, 6, 0, derivatives=False, layers=(), difference=None, site=None
)
CLIP = Clip("before the step", 1.0, orphan=False, norm=2.0, bound=1.0, scaled=False, site=None)
STEP = Step(
    0,
    2.0,
    1.0,
    cleared=False,
    cleared_site=None,
    scale=1.0,
    unscaled=False,
    clips=(CLIP,),
    site=None,
)
SOUND = Course(0.0, 1.0, 0.1, 0.1, 0)
IDLE = Course(0.9, 1.0, 0.0, 0.0, 0)
SCHEDULE = Schedule(
    "StepLR", adaptive=False, calls=30, updates=30, epochs_seen=1, per="update", per_update=1.0,
    before=0.0, early=0, epochs=10, epoch_updates=40, by_update=SOUND, by_epoch=SOUND,
    unheld=False, others=0, unseen=False, library=False, built=None, called=None,
)  # fmt: skip
GROUP = Group(1e-3, (0.9, 0.999), None, 1e-8, 1e-3, 0.0, decoupled=False, matrices=None, spread=0.1,
              norms=0, tensors=4, dtypes=("float32",))  # fmt: skip
OPTIONS = OptimizerOptions("Adam", (GROUP,), (), None, 1000, None)
MOVED = Moved("model.0.weight", "float32", 8, 2000, 0, 1e-3, 0.1, 0.1, 256)
NO_UPDATES = Updates((), 0, 0, 0, None, "", None, (), 0, None, None, None)
GRAPHS = RetainedGraphs(
    0.0, (9,) * 8, second_pass=False, recurrent=True, states=0, carried=0, shuffled=True, site=None
)
PRECISION = Precision(
    autocast=0, forwards=30, scaled=0, backwards=30, by_hand=1.0, asked=0, skipped=0, skipped_last=0,
    first_scale=None, last_scale=None, raw=0, half_epsilon=None, half_kind="", lost=0, site=None,
    step_site=None, built=None,
)  # fmt: skip


def found(name, *facts):
    return list(probes()[name].judge(*facts))


def use(index=0, name="", *, requests=20, steps=0, in_eval=0, optimizers=(0,)):
    return Use(index, name, requests, steps, in_eval, optimizers if steps else (), None, None)


def steps(row, count=8):
    return StepOrder((row,) * count)


TRAINING = use(0, "train_loader", steps=12)


@pytest.mark.parametrize(
    ("rows", "fires"),
    [
        ((TRAINING, use(1, "val_loader", steps=5)), True),
        ((TRAINING, use(1, "test", steps=5)), True),
        ((TRAINING, use(1, "second", steps=5)), False),
        ((TRAINING, use(1, "second", steps=5, in_eval=5)), True),
        ((TRAINING, use(1, "val_loader", steps=1)), False),
        ((TRAINING, use(1, "val_loader", steps=5, optimizers=(1,))), False),  # its own optimizer
        ((TRAINING, use(1, "train_val_loader", steps=5)), False),
        ((TRAINING, use(1, "dev", steps=0)), False),
        ((use(0, "train_loader", requests=0), use(1, "test_loader", steps=9)), True),
        ((use(1, "test_loader", steps=9),), False),  # nothing else to train on: adaptation
        ((TRAINING, use(1, "evaluator_inputs", steps=5)), False),
    ],
)
def test_a_loader_evaluates_by_name_or_by_mode(rows, fires):
    assert bool(found("training-on-evaluation-data", LoaderUse(rows, 30))) is fires


LEFT = replace(TRAINING, first_step=0, last_step=11)
SWITCHED = replace(use(1, steps=8), looked=14, looked_before=7, first_step=12, last_step=20)


@pytest.mark.parametrize(
    ("rows", "fires"),
    [
        ((LEFT, SWITCHED), True),
        ((LEFT, replace(SWITCHED, looked_before=0)), False),  # first trained on, then looked at
        ((replace(LEFT, looked=3), SWITCHED), False),  # tasks in turn, each of them looked at
        ((replace(LEFT, last_step=25), SWITCHED), False),  # still in use: a second source
        ((LEFT, SWITCHED, replace(use(2), looked=9)), False),  # another one is there to evaluate
        ((LEFT, replace(SWITCHED, steps=1)), False),
        ((SWITCHED,), False),
        ((replace(LEFT, turned=True), replace(use(1), looked=9)), True),
    ],
)
def test_training_that_moves_to_the_evaluation_data(rows, fires):
    assert bool(found("training-on-evaluation-data", LoaderUse(rows, 30))) is fires


@pytest.mark.parametrize(
    ("model", "fires"),
    [
        (replace(MODEL, in_train=6, in_eval=0, layers=("drop Dropout p=0.1",)), True),
        (replace(MODEL, in_train=6, in_eval=0), False),  # the mode does not matter
        (replace(MODEL, in_train=6, in_eval=0, difference=0.2), True),
        (replace(MODEL, in_train=6, in_eval=0, difference=1e-5), False),
        (replace(MODEL, in_train=6, in_eval=6, layers=("drop",)), False),
        (replace(MODEL, in_train=60, in_eval=0, layers=("drop",)), False),  # Monte-Carlo dropout
    ],
)
def test_evaluating_in_train_mode(model, fires):
    assert bool(found("evaluating-in-train-mode", Evaluations((model,)))) is fires


def test_gradients_in_evaluation_spares_those_that_are_asked_for():
    graded = replace(MODEL, graded=6)
    assert found("gradients-in-evaluation", Evaluations((graded,)))
    assert not found("gradients-in-evaluation", Evaluations((replace(graded, derivatives=True),)))
    assert not found("gradients-in-evaluation", Evaluations((replace(graded, graded=5),)))


def test_cleared_gradients_must_have_been_there():
    gone = replace(STEP, used=0.0)
    assert found("cleared-gradients", steps(gone))
    assert not found("cleared-gradients", steps(gone, 2))
    assert not found("cleared-gradients", steps(replace(gone, given=0.0)))
    assert not found("cleared-gradients", steps(STEP))
    assert not found("cleared-gradients", StepOrder((gone,) * 3 + (STEP,) * 4))


@pytest.mark.parametrize(
    ("clip", "severity"),
    [
        (CLIP, None),
        (replace(CLIP, when="after the step"), "error"),
        (replace(CLIP, when="before the backward"), "error"),
        (replace(CLIP, covers=0.0, orphan=True, norm=0.0), "error"),
        (replace(CLIP, covers=0.0), None),  # the clip of another optimizer
        (replace(CLIP, scaled=True), "warning"),
        (replace(CLIP, bound=float("inf"), when="after the step"), None),  # it only measures
        (replace(CLIP, norm=0.1), None),  # a bound that is not reached is no fault
    ],
)
def test_clips_are_judged_by_their_place(clip, severity):
    findings = found("clip-without-effect", steps(replace(STEP, clips=(clip,))))
    assert bool(findings) is (severity is not None)
    if severity == "warning":
        assert findings[0].severity == severity
        assert "cannot-overfit" in findings[0].explains
    both = replace(STEP, clips=(clip, CLIP))
    assert not found("clip-without-effect", steps(both))


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({}, False),
        ({"by_update": IDLE}, True),
        ({"by_update": IDLE, "by_epoch": IDLE}, False),  # the plan is too short for both
        ({"by_update": IDLE, "by_epoch": None}, False),
        ({"by_update": IDLE, "library": True, "epochs": 1}, False),  # its epochs are not known
        ({"by_update": IDLE, "library": True}, True),
        ({"kind": "CosineAnnealingLR", "by_update": replace(SOUND, turns=8)}, True),
        ({"kind": "CosineAnnealingWarmRestarts", "by_update": replace(SOUND, turns=8)}, False),
        ({"per": "epoch", "calls": 1, "by_epoch": replace(SOUND, highest=0.1)}, True),
        ({"per": "epoch", "calls": 1, "by_epoch": replace(SOUND, lowest=0.99, last=0.99),
          "by_update": replace(SOUND, last=0.0)}, True),
        ({"per": "epoch", "calls": 1, "by_epoch": replace(SOUND, lowest=0.03, last=0.97),
          "by_update": replace(SOUND, last=0.0, late=0.1)}, True),  # a warm-up of most epochs
        ({"per": "epoch", "calls": 1, "by_epoch": replace(SOUND, lowest=0.95, last=0.95),
          "by_update": replace(SOUND, last=0.05, late=0.07)}, False),  # a decay by a constant factor
        ({"per": "epoch", "calls": 1}, False),
        ({"per_update": 2.0, "by_update": replace(SOUND, turns=1),
          "by_single": replace(SOUND, last=0.0, late=0.02)}, True),
        ({"per_update": 2.0, "by_update": IDLE, "by_epoch": None,
          "by_single": replace(SOUND, last=0.0, late=0.1)}, False),
        ({"per_update": 4.0, "by_update": replace(SOUND, last=0.0, late=0.1),
          "by_single": replace(SOUND, lowest=0.7, last=0.7)}, False),  # counted in micro-batches
        ({"per": "never", "calls": 0, "epochs_seen": 2}, True),
        ({"per": "never", "calls": 0, "epochs_seen": 1}, False),
        ({"per": "never", "calls": 0, "epochs_seen": 3, "unseen": True}, False),
        ({"per": "never", "calls": 0, "epochs_seen": 3, "others": 1}, False),  # SWA
        ({"before": 1.0}, True),
        ({"before": 0.1}, False),
        ({"unheld": True}, True),
    ],
)  # fmt: skip
def test_scheduler_misstep(changes, fires):
    row = replace(SCHEDULE, **changes)
    assert bool(found("scheduler-misstep", Schedules((row,)))) is fires


def test_exhausted_schedule_at_its_edge():
    def idle(share, **changes):
        course = replace(IDLE, idle=share)
        row = replace(SCHEDULE, by_update=course, by_epoch=SOUND, **changes)
        return found("exhausted-schedule", Schedules((row,)))

    assert idle(0.45)
    assert not idle(0.44)
    assert not idle(0.9, per="epoch")
    assert not idle(0.9, per="")


def test_unscaled_accumulation_matters_where_length_does():
    row = Accumulated(
        "SGD", 4, 1.0, scale_free=False, library=False, norms=(), bound=None, site=None
    )
    assert found("unscaled-accumulation", Accumulation((row,)))[0].severity is None
    assert not found("unscaled-accumulation", Accumulation((replace(row, weight=0.25),)))
    assert not found("unscaled-accumulation", Accumulation((replace(row, weight=None),)))
    trainer = replace(row, library=True)
    assert found("unscaled-accumulation", Accumulation((trainer,)))[0].severity == "note"
    adam = replace(row, kind="Adam", scale_free=True)
    assert found("unscaled-accumulation", Accumulation((adam,)))[0].severity == "note"
    clipped = replace(adam, norms=(3.0, 3.0, 3.0), bound=1.0)
    assert found("unscaled-accumulation", Accumulation((clipped,)))[0].severity is None
    wild = replace(clipped, norms=(30.0, 30.0, 30.0))  # over the bound either way
    assert found("unscaled-accumulation", Accumulation((wild,)))[0].severity == "note"


@pytest.mark.parametrize(
    ("changes", "severities"),
    [
        ({"dropped": (3, 3), "share": 0.27}, [None]),
        ({"dropped": (3, 3), "share": 0.2}, ["note"]),
        ({"dropped": (3,), "share": 0.27}, []),  # once: the run may have been cut short
        ({"dropped": (4, 4), "share": 0.5}, []),  # a whole group: no remainder
        ({"dropped": (3, 3), "share": 0.27, "library": True}, []),
    ],
)
def test_a_last_group_that_is_cleared(changes, severities):
    row = Accumulated(
        "SGD", 4, 0.25, scale_free=False, library=False, norms=(), bound=None, site=None
    )
    made = found("unscaled-accumulation", Accumulation((replace(row, **changes),)))
    assert [f.severity for f in made] == severities


@pytest.mark.parametrize(
    ("labels", "severities"),
    [
        (((10, 40), (70, 100), (10, 40)), ["note"]),
        (((10, 40), (70, 100), (60, 100)), []),  # seldom
        (((51, 100), (51, 100), (51, 100)), []),
        (((0, 40), (0, 40)), []),  # a batch without labels: see unsupervised-batch
        (((10, 40),), []),
        ((), []),
    ],
)
def test_means_over_different_numbers_of_labels(labels, severities):
    row = Accumulated(
        "SGD",
        2,
        0.5,
        scale_free=False,
        library=False,
        norms=(),
        bound=None,
        site=None,
        labels=labels,
    )
    made = found("unscaled-accumulation", Accumulation((row,)))
    assert [f.severity for f in made] == severities


def test_graphs_that_are_kept():
    assert found("leaking-graph", replace(GRAPHS, kept=0.5))
    assert not found("leaking-graph", replace(GRAPHS, kept=0.1))
    assert not found("leaking-graph", replace(GRAPHS, kept=None))


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({}, False),
        ({"sizes": (10, 20, 30, 40, 50, 60)}, True),
        ({"sizes": (10, 20, 30, 40, 50)}, False),
        ({"sizes": (10, 11, 12, 13, 14, 15)}, False),
        ({"sizes": (10, 40, 30, 60, 50, 90)}, False),  # sentences of different lengths
        ({"second_pass": True}, True),
        ({"second_pass": True, "recurrent": False}, False),
        ({"states": 20, "carried": 18}, True),
        ({"states": 20, "carried": 18, "shuffled": False}, False),  # consecutive windows
        ({"states": 20, "carried": 2}, False),
    ],
)
def test_carried_hidden_state(changes, fires):
    assert bool(found("carried-hidden-state", replace(GRAPHS, **changes))) is fires


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({}, True),
        ({"memory": False}, False),  # plain SGD has nothing to lose
        ({"boundaries": 4}, False),  # a stage of several epochs
        ({"boundaries": 0}, False),
        ({"boundaries": 0, "times": 3, "between": 1}, True),
        ({"boundaries": -1, "planned": 30}, True),
        ({"boundaries": -1, "planned": 5}, False),  # folds, stages
        ({"what": "weights"}, False),
        ({"what": "weights", "times": 2, "boundaries": 2}, True),
    ],
)
def test_optimizer_reset_belongs_to_each_epoch(changes, fires):
    row = Reset("optimizer", "Adam", 1, 12, 1, memory=True, site=None)
    lives = OptimizerLives((replace(row, **changes),), (), 30)
    assert bool(found("optimizer-reset", lives)) is fires


def test_doubly_optimised_parameters_takes_some_times():
    row = Shared(("Adam", "SGD"), 4, 3, None, None)
    assert found("doubly-optimised-parameters", OptimizerLives((), (row,), 30))
    assert not found(
        "doubly-optimised-parameters", OptimizerLives((), (replace(row, times=2),), 30)
    )


@pytest.mark.parametrize(
    ("rows", "fires"),
    [
        ((MOVED,), False),
        ((replace(MOVED, dtype="bfloat16", still=1900),), True),
        ((replace(MOVED, dtype="bfloat16", still=1900), replace(MOVED, dtype="bfloat16")), False),
        ((MOVED, replace(MOVED, still=2000)), True),
        ((replace(MOVED, still=2000, gradient=1e-13),), False),  # a key bias
        ((replace(MOVED, still=2000, steps=2),), False),
    ],
)
def test_lost_updates(rows, fires):
    moves = Movements((OptimizerMoves("Adam", rows, None, None),))
    assert bool(found("lost-updates", moves, NO_UPDATES)) is fires


def test_steps_that_something_else_undoes():
    moves = Movements((OptimizerMoves("Adam", (MOVED,), None, None),))
    written = replace(NO_UPDATES, outside_changes=29)
    assert not found("lost-updates", moves, written)
    control = OverfitCurve((1.1,) * 30, 150, 150, 20, 0.3, {}, {}, 1.1, None, "stuck")
    done = TreatedCurve(("alone",), ("lost-updates",), 1.0, (1.1, 0.2), 20, "learned", 1.0)
    (finding,) = found("lost-updates", moves, written, TreatmentTrial(control, (done,), 0))
    assert finding.severity == "error"
    assert "29 of" in finding.evidence[0].measured
    assert "cannot-overfit" in finding.explains


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({}, False),
        ({"epsilon": 10.0}, True),
        ({"epsilon": 1e-3}, False),
        ({"epsilon": 1.0, "rate": 1.0}, False),  # the rate makes up for it
        ({"momentum": 0.99}, False),
        ({"momentum": 1.0}, True),
        ({"betas": (0.999, 0.9)}, True),
        ({"betas": (0.5, 0.9)}, False),
        ({"betas": (0.9, 0.95)}, False),
        ({"betas": (0.95, 0.95)}, False),
    ],
)
def test_extreme_hyperparameter(changes, fires):
    row = replace(OPTIONS, groups=(replace(GROUP, **changes),))
    assert bool(found("extreme-hyperparameter", Hyperparameters((row,)))) is fires


def test_a_tiny_clip_bound_counts_where_length_matters():
    sgd = replace(OPTIONS, kind="SGD", clip_norms=(2.0,) * 5, clip_bound=1e-5)
    assert found("extreme-hyperparameter", Hyperparameters((sgd,)))
    assert not found("extreme-hyperparameter", Hyperparameters((replace(sgd, kind="Adam"),)))
    assert not found("extreme-hyperparameter", Hyperparameters((replace(sgd, clip_bound=0.1),)))


@pytest.mark.parametrize(
    ("norms", "step", "fires"),
    [
        ((0.9, 0.6, 1.4), 9e-5, True),
        ((0.9, 0.6, 1.4), 9e-2, False),  # the weights are small: it moves them all the same
        ((0.9, 0.05, 1.4), 9e-5, False),  # not every gradient is far above the bound
        ((0.9, 0.6, 1.4), None, False),
    ],
)
def test_a_clip_bound_that_leaves_a_crawl(norms, step, fires):
    row = replace(OPTIONS, kind="SGD", clip_norms=norms, clip_bound=1e-3, clipped_step=step)
    assert bool(found("extreme-hyperparameter", Hyperparameters((row,)))) is fires


def test_decayed_norms_needs_a_strong_decay():
    def judged(decay, norms):
        row = replace(OPTIONS, groups=(replace(GROUP, decay=decay, norms=norms),))
        return found("decayed-norms", Hyperparameters((row,)))

    assert judged(0.1, 2)
    assert not judged(0.05, 2)
    assert not judged(0.1, 0)


def test_decay_too_strong_needs_a_cure():
    control = OverfitCurve((1.0,), 1, 150, 20, None, {}, {}, None, None, "stuck")
    names, causes = ("no weight decay",), ("decay-too-strong",)
    learned = TreatedCurve(names, causes, 1.0, (1.0, 0.1), 2, "learned", None)
    trial = TreatmentTrial(control, (learned,), cured=0)
    options = Hyperparameters((OPTIONS,))
    assert found("decay-too-strong", trial, options)
    assert not found("decay-too-strong", replace(trial, cured=None), options)


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({}, False),
        ({"repeated": 19, "drawn": 19}, True),
        ({"repeated": 19, "reseeded": 19}, True),
        ({"repeated": 19}, False),  # a model without noise
        ({"repeated": 3, "updates": 4, "drawn": 3}, False),
        ({"repeated": 10, "drawn": 10}, False),
    ],
)
def test_repeated_randomness(changes, fires):
    row = replace(Generator("torch", 1, 0, 20, 0, 0, None), **changes)
    assert bool(found("repeated-randomness", RandomUse((row,), None))) is fires


def test_unseeded_run_is_about_torch():
    torch, numpy = Generator("torch", 0, 0, 9, 0, 0, None), Generator("numpy", 1, 0, 9, 0, 0, None)
    assert found("unseeded-run", RandomUse((torch, numpy), None))
    assert not found("unseeded-run", RandomUse((replace(torch, seeded=1), numpy), None))


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({}, False),
        ({"autocast": 30}, True),
        ({"autocast": 30, "scaled": 30}, False),
        ({"autocast": 30, "by_hand": 1024.0}, False),
        ({"autocast": 3, "forwards": 3}, False),
        ({"raw": 4}, True),
        ({"half_epsilon": 1e-8, "half_kind": "Adam"}, True),
    ],
)
def test_unsafe_half_precision(changes, fires):
    assert bool(found("unsafe-half-precision", replace(PRECISION, **changes))) is fires


def test_skipped_updates_lets_a_scale_come_down():
    assert not found("skipped-updates", replace(PRECISION, asked=30, skipped=19, skipped_last=19))
    assert found("skipped-updates", replace(PRECISION, asked=30, skipped=20, skipped_last=20))
    assert found("skipped-updates", replace(PRECISION, lost=12))
    assert not found("skipped-updates", replace(PRECISION, lost=11))


def test_kept_weights_must_have_changed_in_memory():
    row = Kept(updates=12, changed=1.0, saved=False, site=None)
    assert found("aliased-best-weights", KeptWeights((row,)))
    assert not found("aliased-best-weights", KeptWeights((replace(row, saved=True),)))
    assert not found("aliased-best-weights", KeptWeights((replace(row, changed=0.0),)))
    assert not found("aliased-best-weights", KeptWeights((replace(row, updates=1),)))


@pytest.mark.parametrize(
    ("optimizer", "parameter", "fires"),
    [
        ({}, {}, True),
        ({"cleared": 5}, {}, False),
        ({"unstepped": False}, {}, False),  # a call of step that may come later
        ({"strangers": 1}, {}, False),
        ({}, {"reached": False}, False),  # a partner that is frozen on purpose
        ({}, {"moved": 0.1}, False),  # a target that follows by an average
        ({}, {"held_by": (0, 1)}, False),  # another optimizer moves it
    ],
)
def test_an_optimizer_of_several_that_never_steps(optimizer, parameter, fires):
    row = Parameter(
        "gan.gen.0.weight", "Linear", (8, 4), trainable=True, held_by=(0,), reached=True,
        gradient=None, moved=0.0, head=False, built=None, built_late=False, graded=True,
    )  # fmt: skip
    other = replace(row, name="gan.critic.0.weight", held_by=(1,), moved=0.1)
    idle = Optimizer("Adam", None, 1, 0, (), (1e-3,), (0.0, 0.0), 0, cleared=15, unstepped=True)
    used = replace(idle, steps=30, cleared=30, unstepped=False)
    facts = Parameters(
        (replace(row, **parameter), other), (replace(idle, **optimizer), used), updates=30
    )
    findings = found("missing-step", replace(NO_UPDATES, backwards=60), facts)
    assert bool(findings) is fires
