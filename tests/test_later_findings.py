"""Findings of later stages of the training, beside those of the first."""

from __future__ import annotations

import pytest

from mldoctor.examine import LATER_STAGES, judge
from mldoctor.facts.parameters import Optimizer, Parameter, Parameters
from mldoctor.facts.updates import Updates
from mldoctor.findings import Location, Run
from mldoctor.record import Record, as_data, fact_message, from_data
from mldoctor.registry import select

BUILT = Location("train.py", 42)


def head(*, moved: float) -> Parameters:
    rows = tuple(
        Parameter(name, "Linear", (4, 4), True, (0,), True, 1.0, change, last, None, False, True)
        for name, change, last in (("net.body.weight", 0.1, False), ("net.out.weight", moved, True))
    )
    optimizer = Optimizer("Adam", BUILT, 2, 0, (), (1e-3,), (1e-3, 1e-3), 20)
    return Parameters(rows, (optimizer,), 20)


NO_UPDATES = Updates((), 20, 0, 0, None, "", None, (), 20, None, None, None)


def record(first: Parameters, *later: Parameters) -> Record:
    made = Record(run=Run(updates=60))
    for stage, seen in enumerate((first, *later)):
        for name, value in (("Parameters", seen), ("Updates", NO_UPDATES)):
            made.accept({**fact_message(name, value), "later": stage})
    for stage in made.later:
        stage.run = Run(updates=20, step=BUILT)
    return made


@pytest.fixture
def chosen():
    return select(("frozen-head", "frozen-model"), ())


def test_a_fault_of_a_later_stage_stands_in_the_report(chosen):
    report = judge(record(head(moved=0.1), head(moved=0.0)), chosen, {})
    (finding,) = report.findings
    assert finding.name == "frozen-head"
    assert finding.evidence[-1].measured == "number 2, seen for 20 updates"
    assert BUILT in (finding.location, finding.also)
    assert report.passed == ("frozen-model",)


def test_the_same_fault_in_every_stage_is_one(chosen):
    still = head(moved=0.0)
    (finding,) = judge(record(still, still, still), chosen, {}).findings
    assert all(row.name != "stage of the training" for row in finding.evidence)


def test_sound_stages_add_nothing(chosen):
    report = judge(record(*[head(moved=0.1)] * 3), chosen, {})
    assert report.findings == ()
    assert report.run.headline == "2 later stages of the training seen."
    assert report.verdict == "healthy"


def test_a_crash_on_the_way_to_a_later_stage_is_shown(chosen):
    made = record(head(moved=0.1), head(moved=0.1))
    made.accept({"kind": "crashed", "name": LATER_STAGES, "error": "KeyError: 3", "later": 1})
    report = judge(made, chosen, {})
    (crashed,) = report.crashed
    assert crashed.name == LATER_STAGES
    assert "in stage 2 of the training" in crashed.error
    assert report.passed


def test_a_fact_that_crashed_in_a_later_stage_is_no_pass(chosen):
    made = record(head(moved=0.1), head(moved=0.1))
    made.accept({"kind": "crashed", "name": "Parameters", "error": "KeyError: 3", "later": 1})
    del made.later[0].facts[Parameters]
    report = judge(made, chosen, {})
    assert {c.name for c in report.crashed} == {"frozen-head", "frozen-model"}
    assert report.passed == ()


def test_a_record_keeps_its_later_stages(chosen):
    made = record(head(moved=0.1), head(moved=0.0))
    again = from_data(as_data(made))
    assert again == made
    assert judge(again, chosen, {}) == judge(made, chosen, {})
