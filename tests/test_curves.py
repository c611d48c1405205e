"""The figures of a report: which there are, under which finding, and what they mark as expected."""

import math
from dataclasses import replace

import pytest

from mldoctor.curves import FACTS, MOST_CONFUSED, curves
from mldoctor.facts.cause_trials import CauseTrial, CauseTrials
from mldoctor.facts.class_labels import ClassLabels, Labels
from mldoctor.facts.gradient_flow import Flow, GradientFlow
from mldoctor.facts.overfit_curve import OverfitCurve
from mldoctor.facts.sample_variation import Layer, SampleVariation
from mldoctor.facts.updates import Update, Updates
from mldoctor.record import Record
from mldoctor.registry import Cost, needed_facts, select

STUCK = OverfitCurve(
    losses=tuple(0.7 for _ in range(60)),
    updates=60,
    planned=150,
    samples=20,
    accuracy=0.6,
    predicted={"0": 20},
    labels={"0": 12, "1": 8},
    uninformed=0.67,
    label_path=("1",),
    outcome="stuck",
    confusion=(("0", "0", 12), ("1", "0", 8)),
)


def drawn(*facts, findings=()):
    """The figures of a record with these facts, by their question."""
    found = curves(Record(facts={type(fact): fact for fact in facts}), findings)
    return {curve.title: curve for curve in found}


def updates(norms, losses):
    rows = tuple(Update(0, (1.0,), norm, None, 2, 2, None, 1, (0.1,), None) for norm in norms)
    return Updates(
        rows=rows,
        backwards=len(losses),
        detached=0,
        outside_changes=0,
        backward_site=None,
        backward_error="",
        detached_site=None,
        losses=tuple(losses),
        forwards=9,
        forward_site=None,
        non_finite_inputs=None,
        non_finite_weights=None,
    )


def test_nothing_is_drawn_of_an_empty_record():
    assert drawn() == {}


def test_the_overfit_curve_is_drawn_with_its_treatment():
    """UX-50: treated against control, below the finding that was treated."""
    trial = CauseTrial("frozen-head", "all parameters trained", (0.7, 0.3, 0.01), "learned", ("x",))
    found = drawn(STUCK, CauseTrials(STUCK, (trial,)), findings=("frozen-head", "cannot-overfit"))
    curve = found["Can the loop memorise a few fixed samples?"]
    assert [name for name, _ in curve.series] == ["as it is", "all parameters trained"]
    assert curve.finding == "frozen-head"
    assert curve.expected == (None, pytest.approx(0.35))


def test_answers_are_confused_with_labels():
    """UX-50: the confusion of the fixed samples; rows are labels."""
    curve = drawn(STUCK, findings=("single-class-collapse",))[
        "Which classes are confused on the fixed samples?"
    ]
    assert curve.kind == "grid"
    assert curve.finding == "single-class-collapse"
    assert curve.categories == ("0", "1")
    assert curve.series == (("0", (12.0, 0.0)), ("1", (8.0, 0.0)))


def test_many_classes_are_counted_instead():
    names = [str(at) for at in range(MOST_CONFUSED + 1)]
    many = replace(
        STUCK,
        predicted={"0": len(names)},
        labels=dict.fromkeys(names, 1),
        confusion=tuple((name, "0", 1) for name in names),
    )
    curve = drawn(many)["What does the loop answer on the fixed samples?"]
    assert curve.categories == tuple(names)  # by number, not by letter
    assert [name for name, _ in curve.series] == ["labels, which are expected", "answers"]


def test_the_expected_range_ends_where_the_probes_alarm():
    """UX-50: marks the expected range."""
    flow = GradientFlow((Flow("m.0", "m", 2.0, None), Flow("m.1", "m", 1e-3, None)), 9)
    labels = ClassLabels(Labels(None, {"cat": 900, "dog": 100}, 1000, True, 0.5, 0.5), ())
    found = drawn(updates([1.0, 2.0, 4.0], [1.0] * 9), flow, labels)
    assert found["How large are the gradients?"].expected == (None, 200.0)
    assert found["Do the gradients reach every layer?"].expected == (pytest.approx(2e-6), None)
    assert found["What are the labels?"].expected == (20.0, None)


def test_a_loss_that_jumps_at_once_is_expected_below_its_start():
    falling = drawn(updates([1.0], [0.9, 0.8, 0.7, 0.5, 0.4, 0.3]))["Does the loss fall?"]
    assert falling.expected == (None, pytest.approx(0.85))
    assert not falling.logarithmic
    wild = drawn(updates([1.0], [0.7, 500.0, 400.0, 100.0, 90.0, 80.0]))["Does the loss fall?"]
    assert wild.expected == (None, 0.7)
    assert wild.logarithmic
    broken = drawn(updates([1.0], [0.7, 0.6, math.nan, 0.1]))["Does the loss fall?"]
    assert broken.series == (("loss", (0.7, 0.6)),)


def test_the_variation_along_the_network():
    """UX-50: under the finding that says that the input is lost."""
    seen = SampleVariation((Layer("m.0", "Linear", 0.8), Layer("m.1", "Tanh", 1e-9)))
    curve = drawn(seen, findings=("saturated-units",))[
        "Do the samples still differ along the network?"
    ]
    assert curve.finding == "saturated-units"
    assert curve.categories == ("m.0 (Linear)", "m.1 (Tanh)")
    assert curve.logarithmic
    assert curve.expected[0] == 1e-3


def test_what_is_only_drawn_costs_no_more_than_the_probes_do():
    cheap = needed_facts(select(("label",), ()), FACTS)
    dear = needed_facts(select(("all",), ()), FACTS)
    assert SampleVariation in dear
    assert all(fact.cost is not Cost.TREATMENTS for kind, fact in dear.items() if kind in FACTS)
    dearest = max(fact.cost for fact in needed_facts(select(("label",), ())).values())
    assert all(cheap[kind].cost <= dearest for kind in FACTS if kind in cheap)
    missing_step = needed_facts(select(("missing-step",), ()), FACTS)
    assert SampleVariation not in missing_step
