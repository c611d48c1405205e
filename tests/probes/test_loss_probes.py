"""The probes of the loss, on plain facts: fires, quiet, edge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mldoctor.facts.activation_use import Activation, ActivationUse
from mldoctor.facts.class_weights import ClassWeights, Weights
from mldoctor.facts.ctc_calls import CtcCall, CtcCalls
from mldoctor.facts.gradient_flow import Flow, GradientFlow
from mldoctor.facts.initial_loss import First, InitialLoss
from mldoctor.facts.label_shift import LabelShift, Shift
from mldoctor.facts.loss_direction import Direction, LossDirection
from mldoctor.facts.loss_inputs import LossInput, LossInputs
from mldoctor.facts.loss_reach import CutLoss, LossReach
from mldoctor.facts.loss_scale import LossScale, Scale
from mldoctor.facts.overfit_curve import OverfitCurve
from mldoctor.facts.padded_loss import PaddedCall, PaddedLoss
from mldoctor.facts.singular_operations import SingularOperations
from mldoctor.facts.supervised_labels import Supervised, SupervisedLabels
from mldoctor.facts.term_gradients import Term, TermGradients
from mldoctor.facts.updates import Updates
from mldoctor.findings import Location
from mldoctor.registry import probes

HERE = Location("train.py", 7)


def found(name, *facts, **options):
    return list(probes()[name].judge(*facts, **options))


INPUT = LossInput(
    "nll_loss", HERE, 3, "log-softmax", 0.0, False, 0.0, False, False, False, False, 2.3, ""
)


@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ({}, False),
        ({"origin": "layer", "above_zero": 0.5}, True),
        ({"origin": "MulBackward0", "above_zero": 0.5}, False),  # a weighting by hand
        ({"origin": "layer", "above_zero": 0.0}, False),  # could be logarithms
        ({"origin": "softmax", "above_zero": 1.0, "distribution": True}, True),
        ({"function": "kl_div", "distribution": True, "above_zero": 1.0}, True),
        ({"function": "kl_div", "target_below_zero": 1.0}, True),
        ({"function": "kl_div", "target_below_zero": 1.0, "log_target": True}, False),
        ({"function": "kl_div", "log_target": True, "target_distribution": True}, True),
        ({"function": "cross_entropy", "origin": "layer", "above_zero": 0.5}, False),
        ({"function": "cross_entropy", "swapped": True, "hard": True}, True),
        ({"function": "cross_entropy", "origin": "layer", "reshaped": True}, True),
        ({"function": "kl_div", "reshaped": True}, False),
        ({"function": "kl_div", "swapped": True}, False),  # the reverse divergence
        ({"function": "binary_cross_entropy", "error": "RuntimeError: between 0 and 1"}, True),
        ({"function": "binary_cross_entropy", "error": "RuntimeError: sizes"}, False),
    ],
)
def test_loss_input_mismatch(change, fires):
    assert bool(found("loss-input-mismatch", LossInputs((replace(INPUT, **change),)))) is fires


REACH = LossReach(3, 0, 0, False, HERE, (), 30, 30, 33, 3, ())
CUT = CutLoss("mse_loss", HERE, 3, True, "")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({}, None),
        ({"detached": 3, "scored": 0, "cut": (CUT,)}, "non-differentiable-loss"),
        ({"refused": True, "scored": 0, "cut": (CUT,)}, "non-differentiable-loss"),
        ({"detached": 3, "scored": 0}, "non-differentiable-loss"),
        ({"detached": 3}, None),  # re-wrapped after a good loss: missing-backward
        ({"detached": 3, "scored": 0, "graded": 0, "cut": (CUT,)}, None),  # under no_grad
        ({"stairs": ("round",), "moving": 0}, "non-differentiable-loss"),
        ({"stairs": ("round",)}, None),  # another way round it exists
        ({"detached": 3, "scored": 0, "cut": (replace(CUT, part="x"),)}, "loss-ignores-input"),
        ({"beside": 3}, "loss-ignores-input"),
        ({"beside": 2}, None),  # a penalty of its own beside the loss
    ],
)
def test_what_the_loss_hangs_on(change, name):
    reach = replace(REACH, **change)
    names = ("non-differentiable-loss", "loss-ignores-input")
    assert [n for n in names if found(n, reach)] == ([name] if name else [])


PADDED = PaddedCall("cross_entropy", HERE, "a mask", 12, 400, 100, 0.25, 1.0, 0.0)


@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ({}, True),
        ({"relative": 0.0, "share": 0.0}, False),
        ({"padded": 5}, False),  # hardly any padding
        ({"relative": 0.05}, False),
    ],
)
def test_padding_in_loss(change, fires):
    assert bool(found("padding-in-loss", PaddedLoss((replace(PADDED, **change),)))) is fires


SHIFT = Shift("cross_entropy", HERE, 1, 1.0, 0, 800, 24)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{}], None),
        ([{"shift": 0}], "already been given"),
        ([{"shift": -1}], "already been given"),
        ([{"shift": 2}], "once too often"),
        ([{"shift": 0, "known": -1}], None),  # the model shifts its input itself
        ([{"shift": 1, "known": -1}], "once too often"),
        ([{"shift": 0, "known": None}], None),  # it reads the whole sequence
        ([{}, {"shift": 2}], None),  # one of several heads
    ],
)
def test_shifted_labels(rows, message):
    made = found("shifted-labels", LabelShift(tuple(replace(SHIFT, **row) for row in rows)))
    assert ([message in f.message for f in made] or [None]) == ([True] if message else [None])


DIRECTION = Direction("cross_entropy", HERE, (1.0, 1.0), False, True, (2.3, 1.9))
ROSE = {"factor": 0.01, "before": 1.0, "after": 1.2}


@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ({}, False),
        ({"weights": (-1.0, -1.0), **ROSE}, True),
        ({"weights": (-1.0, -1.0)}, False),  # not confirmed by steps
        ({"weights": (-1.0, -1.0), "factor": 0.01, "before": 1.0, "after": 0.9}, False),
        ({**ROSE, "total_rises": True}, True),  # an optimizer that maximises
        (ROSE, False),  # one of several terms gives way to the others
        ({"by_hand": True, "weights": (-1.0, -1.0)}, True),
        ({"by_hand": True, "weights": (-1.0, 0.0)}, False),  # rewards of both signs
        ({"by_hand": True, "weights": (-1.0, -1.0), "from_batch": False}, False),
    ],
)
def test_inverted_loss(change, fires):
    row = replace(DIRECTION, **change)
    assert bool(found("inverted-loss", LossDirection((row,), maximises=False))) is fires


def test_a_density_that_is_lowered():
    row = replace(DIRECTION, function="log_prob", by_hand=True, weights=(-1.0, -1.0), natural=None)
    made = found("inverted-loss", LossDirection((row,), maximises=False))
    assert made[0].message == "the likelihood of the data is minimised: a minus sign is missing"
    mixed = replace(row, weights=(-1.0, 1.0))
    assert not found("inverted-loss", LossDirection((mixed,), maximises=False))


CTC = CtcCall(HERE, (40, 16, 7), 48, 0, 0, 0, 0, 0, 200, 0.0, False, 16, 9.0, "")


@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ({}, False),
        ({"blanks": 3}, True),
        ({"infeasible": 1, "frames": 3, "needed": 5}, True),
        ({"infeasible": 1, "zero_infinity": True}, False),  # one bad transcript
        ({"infeasible": 9, "zero_infinity": True}, True),
        ({"off": 2.0}, True),
        ({"reshaped": True}, True),
        ({"error": "input_lengths must have length 40", "shape": (16, 40, 7)}, True),
        ({"error": "out of memory"}, False),
    ],
)
def test_ctc_length_mismatch(change, fires):
    assert bool(found("ctc-length-mismatch", CtcCalls((replace(CTC, **change),)))) is fires


@pytest.mark.parametrize(
    ("weights", "counts", "message"),
    [
        ((0.6, 5.0), (900, 100), None),
        ((5.0, 0.6), (900, 100), "grow"),
        ((1.0, 1.0), (900, 100), None),
        ((1.2, 1.0), (520, 480), None),  # hardly unbalanced
        ((0.36, 1.56, 2.8, 5.0), (160, 50, 90, 700), "another order"),
        ((1.56, 5.0, 2.8, 0.36), (160, 50, 90, 700), None),
        ((1.0, 0.01, 0.01), (300, 300, 300), "99%"),  # shown as a share below
        ((0.0, 1.0, 1.0), (800, 100, 100), None),  # a class left out on purpose
    ],
)
def test_class_weights(weights, counts, message):
    row = Weights("cross_entropy", HERE, "weight", weights, counts, "the training dataset", "")
    made = found("class-weight-mismatch", ClassWeights((row,)))
    if message == "99%":
        assert "one class 98%" in made[0].message
    else:
        assert [message in f.message for f in made] == ([True] if message else [])


@pytest.mark.parametrize(
    ("weight", "counts", "fires"),
    [(9.0, (900, 100), False), (0.11, (900, 100), True), (1.0, (900, 100), False)],
)
def test_positive_weight(weight, counts, fires):
    function = "binary_cross_entropy_with_logits"
    row = Weights(function, HERE, "pos_weight", (weight,), counts, "the training dataset", "")
    assert bool(found("class-weight-mismatch", ClassWeights((row,)))) is fires


def test_a_weight_too_few():
    error = "RuntimeError: weight tensor should be defined either for all 3 classes"
    row = Weights("cross_entropy", HERE, "weight", (1.0, 2.0), (9, 9, 9), "the targets", error)
    (finding,) = found("class-weight-mismatch", ClassWeights((row,)))
    assert finding.message == "2 class weights for 3 classes"


LABELS = Supervised("cross_entropy", HERE, -100, 30, 0, 0, 96, 2, 0.85, 1, 90, 88, "the mask")


@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ({}, False),  # masked language modelling
        ({"empty": 30, "spoiled": 30}, True),
        ({"empty": 1, "spoiled": 1}, True),  # one NaN spoils every weight
        ({"empty": 1}, False),  # a sum over nothing is zero
        ({"empty_rows": 60}, True),
        ({"rows": 0, "empty_rows": 0}, False),
        ({"cut": 40, "cut_empty": 30, "whole": 56}, True),  # a limit of length cuts the answers off
        ({"cut": 40, "cut_empty": 15, "whole": 56}, False),  # most of the longest have one
        ({"cut": 40, "cut_empty": 30, "whole": 56, "whole_empty": 1}, False),
        ({"cut": 3, "cut_empty": 3, "whole": 56}, False),  # too few to tell
        ({"cut": 40, "cut_empty": 30}, False),  # all of one length
    ],
)
def test_unsupervised_batch(change, fires):
    facts = SupervisedLabels((replace(LABELS, **change),))
    assert bool(found("unsupervised-batch", facts)) is fires


@pytest.mark.parametrize(
    ("change", "shift", "fires"),
    [
        ({"stop_labels": 0}, {}, True),
        ({}, {}, False),
        ({"stop_labels": 0, "stop": None}, {}, False),
        ({"stop_labels": 0, "stop_ends": 3}, {}, False),
        ({"stop_labels": 0}, {"known": None}, False),  # no language model
        ({"stop_labels": 0}, {"location": Location("train.py", 9)}, False),
    ],
)
def test_unlearned_stop_token(change, shift, fires):
    labels = SupervisedLabels((replace(LABELS, **change),))
    shifts = LabelShift((replace(SHIFT, **shift),))
    assert bool(found("unlearned-stop-token", labels, shifts)) is fires


def test_unguarded_log():
    fact = SingularOperations("square root", 3, 4, True, HERE, 4, False)
    (finding,) = found("unguarded-log", fact)
    assert finding.message == "a square root makes the first gradient that is not finite"
    assert found("unguarded-log", replace(fact, operation="", entries=0)) == []


def activation(function, *, is_output=False):
    return Activation("net", function, HERE, (32, 64), 32, 64, 0.0, 0.0, is_output, False)


@pytest.mark.parametrize(
    ("functions", "first", "fires"),
    [
        (["sigmoid"] * 8, 1e-9, True),
        (["tanh"] * 8, 1e-9, True),
        (["sigmoid"] * 8, 1e-2, False),  # the gradient arrives
        (["sigmoid"] * 3, 1e-9, False),
        (["relu"] * 8 + ["sigmoid"] * 8, 1e-9, False),  # gates
    ],
)
def test_saturating_activation(functions, first, fires):
    use = ActivationUse(tuple(activation(f) for f in functions))
    flow = GradientFlow(
        tuple(Flow(f"net.{i}", "net", g, HERE) for i, g in enumerate((first, 1e-3, 1e-2, 1.0))), 30
    )
    assert bool(found("saturating-activation", use, flow)) is fires


SCALE = Scale("cross_entropy", HERE, "mean", (1 / 32, 1 / 32), (32, 32), 32, 100, 10)
SCALES = LossScale((SCALE,), 1.0, False, None, "", "", False)


@pytest.mark.parametrize(
    ("row", "change", "severities"),
    [
        ({}, {}, [None]),
        ({}, {"scale_free": True}, ["note"]),
        ({}, {"backwards": 32.0}, []),  # accumulated over 32 passes
        ({"weights": (1.0, 1.0)}, {}, []),
        ({"weights": (0.01, 0.01)}, {}, [None]),  # by the batches of an epoch
        ({"weights": (1 / 8, 1 / 8), "batches": (8, 8), "batch_size": 8}, {}, []),  # too common
        ({"reduction": "sum"}, {}, []),
        ({"reduction": "sum", "weights": (1.0, 1.0)}, {"cured": True, "divisor": 32}, [None]),
    ],
)
def test_loss_averaged_wrongly(row, change, severities):
    made = found("loss-averaged-wrongly", replace(SCALES, rows=(replace(SCALE, **row),), **change))
    assert [f.severity for f in made] == severities


def test_a_divergence_that_is_averaged_over_its_classes():
    task = replace(SCALE, weights=(1.0,), batches=(32,))
    divergence = replace(task, function="kl_div", classes=100)
    assert found("loss-averaged-wrongly", replace(SCALES, rows=(task, divergence)))
    alone = found("loss-averaged-wrongly", replace(SCALES, rows=(divergence,)))
    assert [f.severity for f in alone] == ["note"]
    free = replace(SCALES, rows=(divergence,), scale_free=True)
    assert not found("loss-averaged-wrongly", free)
    few = replace(SCALES, rows=(replace(divergence, classes=9),))
    assert not found("loss-averaged-wrongly", few)
    compensated = replace(divergence, weights=(100.0,))
    assert not found("loss-averaged-wrongly", replace(SCALES, rows=(task, compensated)))


TERM = Term("cross_entropy", HERE, 1.0, 0.001, 2, 30, False, 1.4, 1.4, "mse_loss")


@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ({}, True),
        ({"share": 0.1}, False),
        ({"falls": True}, False),
        ({"weight": 0.01}, False),  # made small on purpose
        ({"measured": 1}, False),
    ],
)
def test_dominant_loss_term(change, fires):
    assert bool(found("dominant-loss-term", TermGradients((replace(TERM, **change),)))) is fires


FIRST = First(HERE, 40.0, 10, 20.0, False, "net.4.weight", 8.0)


@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ({}, True),
        ({"value": 2.8}, False),  # half a nat above ln 10
        ({"tied": True}, False),
        ({"spread": 1.0}, False),
        ({"value": float("nan")}, False),
    ],
)
def test_wrong_initial_loss(change, fires):
    assert bool(found("wrong-initial-loss", InitialLoss((replace(FIRST, **change),)))) is fires


UPDATES = Updates((), 30, 0, 0, HERE, "", None, (), 30, HERE, None, None)


@pytest.mark.parametrize(
    ("losses", "outcome", "fires"),
    [
        ((1.0, 2.0) * 20, "stuck", True),
        ((1.0, 2.0) * 20, "learned", False),
        ((1.0, 2.0) * 5, "stuck", False),
        ((1.0, 1.05) * 20, "stuck", False),
        (tuple(float(i) for i in range(1, 41)), "diverged", False),  # it only rises
        ((1.0, float("inf")) * 20, "diverged", False),
    ],
)
def test_oscillating_loss(losses, outcome, fires):
    curve = OverfitCurve(losses, len(losses), 150, 20, None, {}, {}, None, None, outcome)
    assert bool(found("oscillating-loss", curve, UPDATES)) is fires
