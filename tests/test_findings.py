"""The values that a report is made of, and the assertions on a report."""

from dataclasses import replace

import pytest
import sample_reports as sample

from mldoctor.errors import UnknownNameError
from mldoctor.findings import Severity, Skipped, number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (2.0, "2"),
        (1234567, "1,234,567"),
        (1234.56, "1,235"),
        (0.0123456, "0.0123"),
        (3.5e-9, "3.5e-09"),
        (-12.345, "-12.3"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Inf"),
    ],
)
def test_figures(value, text):
    assert number(value) == text


def test_the_worst_severity():
    assert sample.HEALTHY.worst() is None
    assert sample.MANY.worst() is Severity.ERROR
    milder = tuple(f for f in sample.MANY.findings if f.severity is not Severity.ERROR)
    assert replace(sample.MANY, findings=milder).worst() is Severity.WARNING


def failure(call, *arguments, **keywords):
    with pytest.raises(AssertionError) as raised:
        call(*arguments, **keywords)
    return str(raised.value)


def test_healthy():
    sample.HEALTHY.assert_healthy()
    assert failure(sample.CAUSE.assert_healthy) == (
        "train.py is not healthy\n"
        "train.py:13:1: error[frozen-head]: the classification head never changes during training\n"
        "train.py:13:1: error[single-class-collapse]: every prediction is class 0\n"
        "train.py: error[flat-loss]: the loss does not fall"
    )
    assert failure(sample.INCOMPLETE.assert_healthy) == (
        "train.py is not healthy\ntrain.py: incomplete: train.py:22 raised RuntimeError"
    )


@pytest.mark.usefixtures("throwaway_probes")
class TestOneProbe:
    def test_none_of_it(self):
        sample.MANY.assert_no("frozen-head")
        sample.MANY.assert_no("model")

    @pytest.mark.parametrize("name", ["frozen-head", "model"])
    def test_one_of_it(self, name):
        assert failure(sample.CAUSE.assert_no, name) == (
            f"train.py has {name}\n"
            "train.py:13:1: error[frozen-head]: the classification head never changes during "
            "training"
        )

    def test_folded_ones_count(self):
        assert failure(sample.CAUSE.assert_no, "flat-loss").startswith("train.py has flat-loss\n")

    @pytest.mark.parametrize(
        ("report", "reason"),
        [
            (sample.INCOMPLETE, "the examination ended before it"),
            (replace(sample.HEALTHY, passed=()), "not selected"),
            (replace(sample.CRASHED, passed=()), "not selected"),
        ],
    )
    def test_unchecked_is_not_none(self, report, reason):
        assert failure(report.assert_no, "frozen-head") == (
            f"train.py was not checked for frozen-head\nfrozen-head: {reason}"
        )

    def test_a_family_of_which_some_were_checked(self):
        report = replace(sample.CRASHED, not_checked=(Skipped("flat-loss", "no loss"),))
        report.assert_no("model")

    def test_found(self):
        assert sample.CAUSE.assert_found("frozen-head") is sample.FROZEN_HEAD
        sample.CAUSE.assert_found("frozen-head", path="train.py", line=13)
        sample.CAUSE.assert_found("flat-loss")
        sample.CAUSE.assert_found("frozen-head", "train.py", 13)

    @pytest.mark.parametrize(
        ("place", "said"),
        [
            ({"line": 14}, " at :14"),
            ({"path": "rain.py"}, " at rain.py"),
            ({"path": "src/train.py", "line": 13}, " at src/train.py:13"),
        ],
    )
    def test_found_elsewhere(self, place, said):
        text = failure(sample.CAUSE.assert_found, "frozen-head", **place)
        assert text.startswith(f"train.py has no frozen-head{said}\ntrain.py:13:1: error[frozen-")

    def test_not_found(self):
        assert failure(sample.HEALTHY.assert_found, "flat-loss") == "train.py has no flat-loss"

    @pytest.mark.parametrize("method", ["assert_no", "assert_found"])
    def test_a_misspelt_name_is_no_pass(self, method):
        with pytest.raises(UnknownNameError, match="did you mean 'frozen-head'"):
            getattr(sample.HEALTHY, method)("frozen-hed")
