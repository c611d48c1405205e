"""The probes of the model family on plain facts: fires, stays quiet, edge of the threshold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mldoctor.facts.activation_use import Activation, ActivationUse
from mldoctor.facts.batch_statistics import BatchStatistics, Normalisation
from mldoctor.facts.evaluation_noise import EvaluationNoise, NoisyModel
from mldoctor.facts.forward_dependence import ForwardDependence, ModelDependence
from mldoctor.facts.initial_loss import First, InitialLoss
from mldoctor.facts.initial_weights import InitialWeight, InitialWeights
from mldoctor.facts.linearity import Linearity, LinearModel
from mldoctor.facts.loaded_weights import LoadedState, LoadedWeights
from mldoctor.facts.module_use import ModuleUse, Unreached, Unregistered
from mldoctor.facts.overfit_curve import OverfitCurve
from mldoctor.facts.padding_effect import PaddedModel, PaddingEffect
from mldoctor.facts.parameters import Parameter, Parameters
from mldoctor.facts.regularisation import Regularisation
from mldoctor.facts.script_failure import ScriptFailure
from mldoctor.facts.tied_weights import Pair, TiedWeights
from mldoctor.facts.treatment_trial import TreatedCurve, TreatmentTrial
from mldoctor.facts.updates import Updates
from mldoctor.findings import Location
from mldoctor.registry import probes

MODEL = ModelDependence(
    name="model", kind="Net", site=None, built=None, samples=8, mixed=0.0, mixed_samples=0,
    arguments=(), future=None, steps=0, leaked_steps=0,
)  # fmt: skip
PADDED = PaddedModel("model", None, None, 12, 0.4, "attention_mask", 0.5, 0.0, 3)
RELU = Activation("model", "relu", None, (32, 64), 32, 64, 0.2, 0.0, False, False)

STUCK = OverfitCurve(
    (0.7,) * 60, 60, 60, 20, 0.5, {"0": 20}, {"0": 10, "1": 10}, 0.69, None, "stuck"
)


def found(name, *facts):
    return list(probes()[name].judge(*facts))


def test_batch_mixing_needs_a_share_over_rounding():
    assert not found("batch-mixing", ForwardDependence((replace(MODEL, mixed=1e-3),)))
    assert not found("batch-mixing", ForwardDependence((replace(MODEL, mixed=None),)))
    assert found("batch-mixing", ForwardDependence((replace(MODEL, mixed=0.02, mixed_samples=7),)))


def test_future_leak_is_judged_only_where_the_next_step_is_the_target():
    assert not found("future-leak", ForwardDependence((MODEL,)))
    assert not found("future-leak", ForwardDependence((replace(MODEL, future=0.0, steps=8),)))
    assert found("future-leak", ForwardDependence((replace(MODEL, future=0.3, steps=8),)))


def test_stochastic_evaluation_needs_dropout_and_a_difference():
    dropout = (("dropout", 0.2, None),)
    assert found("stochastic-evaluation", EvaluationNoise((NoisyModel("m", None, 0.3, dropout),)))
    assert not found("stochastic-evaluation", EvaluationNoise((NoisyModel("m", None, 0.3, ()),)))
    assert not found(
        "stochastic-evaluation", EvaluationNoise((NoisyModel("m", None, 0.0, dropout),))
    )


def test_a_mask_without_effect_is_no_fault_where_padding_has_none_either():
    ignored = replace(PADDED, mask_effect=0.0, extension=0.2)
    assert found("ignored-mask", PaddingEffect((ignored,)))
    assert not found("ignored-mask", PaddingEffect((replace(ignored, extension=0.0),)))
    assert not found("ignored-mask", PaddingEffect((PADDED,)))


def test_padding_sensitive_at_its_edge():
    assert not found("padding-sensitive", PaddingEffect((replace(PADDED, extension=0.05),)))
    (mild,) = found("padding-sensitive", PaddingEffect((replace(PADDED, extension=0.3),)))
    (severe,) = found("padding-sensitive", PaddingEffect((replace(PADDED, extension=0.31),)))
    assert (mild.severity, severe.severity) == ("warning", None)


def test_a_mask_read_the_wrong_way_round_is_named():
    (finding,) = found(
        "padding-sensitive", PaddingEffect((replace(PADDED, extension=0.2, inverted=0.0),))
    )
    assert finding.message == "model reads attention_mask the wrong way round"
    assert finding.severity is None


def test_a_teacher_hidden_in_a_list_is_no_unregistered_layer():
    row = Unregistered("model.blocks", "list", 2, 2, 4, 0, None)
    assert found("unregistered-modules", ModuleUse((row,), (), 6))
    assert not found("unregistered-modules", ModuleUse((replace(row, used=0),), (), 6))
    assert not found("unregistered-modules", ModuleUse((replace(row, held=4),), (), 6))


def test_unused_parameters_spares_branches_and_stages():
    class Enough:
        updates = 5

    row = Unreached("model.second", "Linear", 2, ran=True, mentioned=True, built=None)
    assert found("unused-parameters", ModuleUse((), (row,), 6), Enough)
    branch = replace(row, ran=False)
    assert not found("unused-parameters", ModuleUse((), (branch,), 6), Enough)
    assert found("unused-parameters", ModuleUse((), (replace(branch, mentioned=False),), 6), Enough)
    assert not found("unused-parameters", ModuleUse((), (row,), 3), Enough)


def test_activations():
    def use(**values):
        return ActivationUse((replace(RELU, **values),))

    assert found("dead-units", use(dead=0.9), STUCK)
    assert not found("dead-units", use(dead=0.9), replace(STUCK, outcome="falling"))
    assert not found("dead-units", use(dead=0.89), STUCK)
    assert not found("dead-units", use(dead=1.0, units=4), STUCK)
    assert found("saturated-units", use(function="tanh", saturated=0.95))
    assert not found("saturated-units", use(function="sigmoid", saturated=0.95, is_output=True))
    assert found("softmax-over-wrong-axis", use(function="softmax", over_batch=True))
    assert not found("softmax-over-wrong-axis", use(function="softmax", over_batch=True, samples=2))


def test_a_low_rank_map_may_be_linear():
    model = LinearModel("model", None, None, 2, bottleneck=False, departure=1e-7)
    assert found("missing-nonlinearity", Linearity((model,)))
    assert not found("missing-nonlinearity", Linearity((replace(model, bottleneck=True),)))
    assert not found("missing-nonlinearity", Linearity((replace(model, departure=0.01),)))


def test_a_layer_that_starts_at_zero_and_differs_later_is_sound():
    row = InitialWeight("model.head", "Linear", 10, True, True, 0.0, None)
    name = "degenerate-initialisation"
    assert found(name, InitialWeights((row,), 5), None)
    assert not found(name, InitialWeights((replace(row, equal_now=False),), 5), None)
    assert not found(name, InitialWeights((row,), 2), None)


@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ({}, True),
        ({"gain": 2.0}, False),  # a gain that torch.nn.init knows
        ({"value": 9.0}, False),
        ({"spread": 1.0}, False),
        ({"tied": True}, False),
    ],
)
def test_weights_too_large_for_their_inputs(change, fires):
    first = First(None, 40.0, 10, 20.0, False, "net.4.weight", 8.0)
    made = InitialLoss((replace(first, **change),))
    assert bool(found("degenerate-initialisation", None, made)) is fires


def test_attention_that_hides_what_is_valid_is_an_error_whatever_the_answers_do():
    (finding,) = found("padding-sensitive", PaddingEffect((replace(PADDED, hides_valid=True),)))
    assert "hides what is valid" in finding.message


def test_batch_normalisation():
    row = Normalisation("model.1", True, 2, frozen=False, drift=0.3, built=None)
    assert found("tiny-batch-norm", BatchStatistics((row,), (2,), 5))
    assert not found("tiny-batch-norm", BatchStatistics((row,), (32,), 5))
    assert not found("drifting-frozen-statistics", BatchStatistics((row,), (32,), 5))
    frozen = replace(row, frozen=True)
    assert found("drifting-frozen-statistics", BatchStatistics((frozen,), (32,), 5))
    assert not found(
        "drifting-frozen-statistics", BatchStatistics((replace(frozen, training=False),), (), 5)
    )


def test_unloaded_weights_are_those_that_were_meant_and_missed():
    row = LoadedState("model", None, None, 10, 10, 0, 10, ("a <- module.a",))
    assert found("unloaded-weights", LoadedWeights((row,)))
    head = replace(row, matched=8, renamed=0, given=10)
    assert not found("unloaded-weights", LoadedWeights((head,)))
    assert found("unloaded-weights", LoadedWeights((replace(row, renamed=0),)))
    assert found("unloaded-weights", LoadedWeights((replace(row, matched=5, renamed=5),)))
    assert not found("unloaded-weights", LoadedWeights((replace(row, matched=6, renamed=4),)))
    assert not found("unloaded-weights", LoadedWeights((replace(row, own=2, given=2, renamed=2),)))


def test_over_regularised_needs_a_treated_run_that_learned():
    losses = (0.7, 0.4, 0.1)
    learned = TreatedCurve(("no dropout",), ("over-regularised",), 1.0, losses, 60, "learned", 1.0)
    trial = TreatmentTrial(STUCK, (learned,), cured=0)
    options = Regularisation(0.6, 2, 1e-2, None)
    assert found("over-regularised", trial, options)
    assert not found("over-regularised", replace(trial, cured=None), options)
    other = replace(learned, causes=("learning-rate-too-low",))
    assert not found("over-regularised", replace(trial, treated=(other,)), options)


def test_broken_weight_tying_needs_a_copy_that_went_its_own_way():
    pair = Pair("net.words", "net.out", False, False, True, 0.1, None)
    assert found("broken-weight-tying", TiedWeights((pair,)))
    assert not found("broken-weight-tying", TiedWeights((replace(pair, shared=True, apart=0.0),)))
    assert not found("broken-weight-tying", TiedWeights((replace(pair, copied=False),)))
    declared = replace(pair, copied=False, declared=True)
    assert found("broken-weight-tying", TiedWeights((declared,)))


def test_missing_pooled_output_is_named_by_the_error_or_its_line():
    here = Location("train.py", 3)
    named = "'BaseModelOutput' object has no attribute 'pooler_output'"
    assert found("missing-pooled-output", ScriptFailure("AttributeError", named, here, "x"))
    none = "'NoneType' object has no attribute 'shape'"
    line = "pooled = out.pooler_output.shape"
    assert found("missing-pooled-output", ScriptFailure("AttributeError", none, here, line))
    assert not found(
        "missing-pooled-output", ScriptFailure("AttributeError", none, here, "x.shape")
    )
    assert not found("missing-pooled-output", ScriptFailure("KeyError", named, here, line))


def test_a_frozen_part_is_named_where_unfreezing_it_cures():
    row = Parameter(
        "model.encoder.weight",
        "Linear",
        (8, 8),
        False,
        (),
        True,
        None,
        0.0,
        False,
        None,
        False,
        True,
    )
    head = replace(
        row, name="model.head.weight", trainable=True, held_by=(0,), moved=0.1, head=True
    )
    parameters = Parameters((row, head), (), 5)
    updates = Updates((), 5, 0, 0, None, "", None, (), 5, None, None, None)
    learned = TreatedCurve(("unfrozen",), ("frozen-model",), 1.0, (0.7, 0.1), 60, "learned", 1.0)
    trial = TreatmentTrial(STUCK, (learned,), cured=0)
    (finding,) = found("frozen-model", parameters, updates, trial)
    assert "frozen part" in finding.message
    assert not found("frozen-model", parameters, updates, replace(trial, cured=None))
    assert not found("frozen-model", parameters, updates, None)
