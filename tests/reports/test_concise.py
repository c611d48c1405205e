"""One line per finding that stands on its own."""

import pytest
import sample_reports as sample

from mldoctor.reports import Look, choose, formats, render


def test_one_line_for_a_cause_with_its_symptoms_folded():
    assert render(sample.CAUSE, "concise") == (
        "train.py:13:1: error[frozen-head]: the classification head never changes during training\n"
    )


def test_many_findings():
    assert render(sample.MANY, "concise") == (
        "gone.py:3:1: error[label-out-of-range]: label 5 has no output\n"
        "gone.py:3:1: error[label-out-of-range]: label 6 has no output\n"
        "train.py: warning[unscaled-input]: inputs range from 0 to 255\n"
        "train.py: note[decayed-norms]: weight decay acts on normalisation gains\n"
    )


def test_a_clean_run_is_silent():
    assert render(sample.HEALTHY, "concise") == ""
    assert render(sample.CRASHED, "concise") == ""


def test_an_incomplete_run_is_not_silent():
    assert render(sample.INCOMPLETE, "concise") == (
        "train.py: incomplete: train.py:22 raised RuntimeError\n"
    )
    assert render(sample.STOPPED, "concise") == (
        "train.py:13:1: error[single-class-collapse]: every prediction is class 0\n"
        "train.py: incomplete: interrupted by Ctrl-C\n"
    )
    assert render(sample.INCOMPLETE, "concise", Look(quiet=True)) == ""


def test_one_line_even_if_the_message_has_two():
    assert render(sample.FOREIGN, "concise") == (
        "モデル/訓練.py:2:17: error[single-class-labels]: every label is 'größer' as text\n"
    )


def test_nothing_wraps():
    for report in sample.EVERY.values():
        assert render(report, "concise", Look(width=20)) == render(report, "concise")


@pytest.mark.parametrize(
    ("wanted", "terminal", "file", "chosen"),
    [
        ("auto", True, False, "full"),
        ("auto", False, False, "concise"),
        ("auto", False, True, "full"),
        ("json", True, False, "json"),
        ("full", False, False, "full"),
    ],
)
def test_the_format_that_is_chosen(wanted, terminal, file, chosen):
    assert choose(wanted, terminal=terminal, file=file) == chosen


def test_every_format_shows_every_report():
    assert {"full", "concise", "json"} <= set(formats())
    for output_format in formats():
        for report in sample.EVERY.values():
            text = render(report, output_format, Look(color=True, verbose=True, width=80))
            assert text == "" or text.endswith("\n")
