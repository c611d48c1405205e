"""Causes above symptoms, symptoms under the cause that explains them."""

from itertools import permutations

from mldoctor.findings import Evidence, Finding, Location, Severity
from mldoctor.rank import ranked, unexplained_symptoms


def finding(name, severity=Severity.ERROR, **fields):
    return Finding(message="m", name=name, severity=severity, **fields)


def names(findings):
    return [f.name for f in findings]


def test_causes_before_symptoms_before_milder_causes_first_by_kind():
    """UX-19."""
    order = ranked(
        [
            finding("note", Severity.NOTE),
            finding("symptom", symptom=True),
            finding("warning", Severity.WARNING),
            finding("error"),
        ]
    )
    assert names(order) == ["error", "warning", "note", "symptom"]


def test_a_symptom_stands_under_the_cause_that_explains_it():
    order = ranked([finding("flat", symptom=True), finding("frozen", explains=("flat",))])
    assert [(f.name, f.explained_by) for f in order] == [("frozen", None), ("flat", "frozen")]


def test_nothing_is_folded_without_a_cause_that_names_it():
    """UX-20, UX-24."""
    order = ranked([finding("flat", symptom=True), finding("frozen")])
    assert [f.explained_by for f in order] == [None, None]


def test_a_symptom_of_a_symptom_stands_under_the_head():
    order = ranked(
        [
            finding("collapse", symptom=True),
            finding("flat", symptom=True, explains=("collapse",)),
            finding("frozen", explains=("flat",)),
        ]
    )
    assert {f.name: f.explained_by for f in order} == {
        "frozen": None,
        "flat": "frozen",
        "collapse": "frozen",
    }


def test_a_more_specific_cause_folds_another_cause():
    order = ranked([finding("frozen-head"), finding("stale-optimizer", explains=("frozen-head",))])
    assert [(f.name, f.explained_by) for f in order] == [
        ("stale-optimizer", None),
        ("frozen-head", "stale-optimizer"),
    ]


def test_the_first_of_two_causes_takes_the_symptom():
    order = ranked(
        [
            finding("mild", Severity.WARNING, explains=("flat",)),
            finding("grave", explains=("flat",)),
            finding("flat", symptom=True),
        ]
    )
    assert order[-1].explained_by == "grave"


def test_what_explains_itself_stands_alone():
    assert [f.explained_by for f in ranked([finding("a", explains=("a",))])] == [None]


def test_of_two_that_explain_each_other_one_stands_alone():
    order = ranked([finding("a", explains=("b",)), finding("b", explains=("a",))])
    assert [(f.name, f.explained_by) for f in order] == [("a", None), ("b", "a")]


def test_the_input_order_does_not_matter():
    """UX-19: the same input gives the same order."""
    every = [
        finding("a", evidence=(Evidence("x", "1"),)),
        finding("b"),
        finding("b", location=Location("b.py", 2)),
        finding("b", location=Location("b.py", 10)),
        finding("c", explains=("d",)),
        finding("d", symptom=True),
    ]
    orders = {ranked(order) for order in permutations(every)}
    assert len(orders) == 1
    assert [f.location.line for f in ranked(every) if f.location] == [2, 10]


def test_unexplained_symptoms_are_what_treatments_are_for():
    order = ranked(
        [
            finding("flat", symptom=True),
            finding("bouncing", Severity.WARNING, symptom=True),
            finding("collapse", symptom=True),
            finding("frozen", explains=("collapse",)),
        ]
    )
    assert unexplained_symptoms(order) == ("flat",)
