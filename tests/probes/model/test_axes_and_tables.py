"""Wrong axes, undone ties, short tables and cut-off models on plain facts."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from mldoctor.facts.activation_use import Activation, ActivationUse
from mldoctor.facts.argument_effects import Argument
from mldoctor.facts.forward_dependence import ForwardDependence, ModelDependence
from mldoctor.facts.module_use import ModuleUse, Unreached
from mldoctor.facts.position_tables import PositionTables, ShortTable
from mldoctor.facts.tied_weights import Pair, TiedWeights
from mldoctor.findings import Location
from mldoctor.registry import probes

HERE = Location("train.py", 7)
MODEL = ModelDependence(
    name="model", kind="Net", site=None, built=None, samples=8, mixed=0.0, mixed_samples=0,
    arguments=(), future=None, steps=0, leaked_steps=0,
)  # fmt: skip
SOFTMAX = Activation("model", "softmax", HERE, (8, 5, 5), 8, 5, 0.0, 0.0, False, False)


def found(name, *facts):
    return list(probes()[name].judge(*facts))


def test_a_place_in_the_batch_counts_as_mixing():
    assert not found("batch-mixing", ForwardDependence((replace(MODEL, placed=1e-3),)))
    (finding,) = found("batch-mixing", ForwardDependence((replace(MODEL, placed=0.1),)))
    assert "place in the batch" in finding.message


def test_a_softmax_is_named_by_what_it_runs_over():
    for beside in ("time", "queries"):
        (finding,) = found(
            "softmax-over-wrong-axis", ActivationUse((replace(SOFTMAX, beside=beside),))
        )
        assert finding.message == f"a softmax in model runs over {beside}"
    assert not found("softmax-over-wrong-axis", ActivationUse((SOFTMAX,)))


def test_parts_of_a_dictionary_are_not_judged_as_inputs():
    class Moving:
        updates = 10

        @staticmethod
        def heads():
            return [type("Row", (), {"moved": 1.0})()]

    everything = Argument("", True, "float", 0, 0.5)
    image = Argument("image", True, "float", 4, 0.0)
    model = replace(MODEL, arguments=(everything, image))
    assert found("input-ignored", ForwardDependence((model,)), Moving)
    part = replace(model, arguments=(everything, replace(image, name="batch.image", part=True)))
    assert not found("input-ignored", ForwardDependence((part,)), Moving)


def test_a_tie_that_the_script_made_and_undid():
    pair = Pair("net.words", "net.out", False, False, False, 0.1, None)
    assert not found("broken-weight-tying", TiedWeights((pair,)))
    (finding,) = found("broken-weight-tying", TiedWeights((replace(pair, tied=HERE),)))
    assert finding.location == HERE
    assert not found("broken-weight-tying", TiedWeights((replace(pair, tied=HERE, shared=True),)))


def test_a_table_that_is_a_parameter():
    table = ShortTable("model.positions", 64, 106, HERE, None)
    (finding,) = found("position-overflow", PositionTables((table,)), None)
    assert finding.message == "sequences of 106 for model.positions with 64 rows"
    assert not found("position-overflow", PositionTables(()), None)


def test_most_of_a_model_is_reported_only_where_it_was_made_here():
    class Enough:
        updates = 5

    row = Unreached("model.encoder", "Encoder", 9, ran=True, mentioned=True, built=HERE, fresh=True)
    assert found("unused-parameters", ModuleUse((), (row,), 10), Enough)
    loaded = replace(row, fresh=False)
    assert not found("unused-parameters", ModuleUse((), (loaded,), 10), Enough)
    assert not found(
        "unused-parameters", ModuleUse((), (replace(row, ran=False, mentioned=False),), 10), Enough
    )


def test_a_layer_under_no_grad_is_reported_when_nothing_gave_it_weights():
    class Enough:
        updates = 5
        rows = ()

    class Average(Enough):
        rows = (SimpleNamespace(name="model.encoder.0.weight", moved=1e-4),)

    row = Unreached("model.encoder", "Sequential", 6, ran=False, mentioned=True, built=HERE)
    row = replace(row, fresh=True, silenced=True)
    (finding,) = found("unused-parameters", ModuleUse((), (row,), 10), Enough)
    assert "runs with gradients off" in finding.message
    assert not found("unused-parameters", ModuleUse((), (row,), 10), Average)
    assert not found("unused-parameters", ModuleUse((), (replace(row, fresh=False),), 10), Enough)
    assert not found(
        "unused-parameters", ModuleUse((), (replace(row, silenced=False),), 10), Enough
    )
