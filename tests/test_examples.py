"""The examples are diagnosed as their folders say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from examination import alarms, examine

EXAMPLES = Path(__file__).parents[1] / "examples"

CAUSES = {
    "majority_class": "split-overlap",
    "ignored_class": "unscaled-accumulation",
    "multilabel_emotions": "label-imbalance",
    "ctc_temporal_collapse": "temporal-collapse",
}
"""The cause that has to stand first in the report on `broken.py`."""


HEAD = re.compile(r"^(error|warning|note)\[([a-z-]+)\]: (.+)$", re.MULTILINE)


def assert_as_kept(report, case, kept_as="report.txt"):
    """The findings of a report are those of the kept one: causes in their order, word for word."""
    kept = HEAD.findall((EXAMPLES / case / kept_as).read_text("utf-8"))
    now = [(str(f.severity), f.name, f.message) for f in report.findings if not f.explained_by]
    assert kept == now


def test_the_collapse_is_folded_under_its_cause():
    report = examine(EXAMPLES / "imdb_collapse" / "broken.py")
    assert_as_kept(report, "imdb_collapse")
    first, *others = report.findings
    assert first.name == "stale-optimizer"
    folded = {f.name for f in others if f.explained_by == "stale-optimizer"}
    assert {"single-class-collapse", "cannot-overfit", "frozen-model"} <= folded


def test_the_fixed_twin_is_quiet():
    assert alarms(examine(EXAMPLES / "imdb_collapse" / "fixed.py")) == []


@pytest.mark.examination
@pytest.mark.parametrize("case", CAUSES)
def test_a_field_case_gets_its_cause_first(case):
    report = examine(EXAMPLES / case / "broken.py")
    assert not report.crashed
    assert [f.name for f in report.findings][:1] == [CAUSES[case]]
    assert_as_kept(report, case)


@pytest.mark.examination
def test_too_much_regularisation_is_told_by_the_treatment_that_cures():
    report = examine(EXAMPLES / "majority_class" / "over_regularised.py")
    assert_as_kept(report, "majority_class", "over_regularised.txt")
    (cause,) = (f for f in report.findings if not f.explained_by)
    assert cause.name == "over-regularised"
    assert {"cannot-overfit", "flat-loss"} <= {f.name for f in report.findings}


@pytest.mark.parametrize("case", CAUSES)
def test_the_fixed_twin_of_a_field_case_is_quiet(case):
    report = examine(EXAMPLES / case / "fixed.py")
    assert alarms(report) == []
    assert not report.crashed
    assert not report.run.outcome
