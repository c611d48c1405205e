"""JUnit XML: one suite, a case for every selected probe."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
import sample_reports as sample

from mldoctor.reports import Look, render


def suite(report, **look):
    text = render(report, "junit", Look(**look))
    root = ET.fromstring(text)  # noqa: S314 - our own text
    assert root.tag == "testsuites"
    (only,) = root
    return only


def cases(report, **look):
    return {case.get("name"): case for case in suite(report, **look).iter("testcase")}


@pytest.mark.parametrize("name", sample.EVERY)
def test_one_suite_with_counts_that_add_up(name):
    """UX-49: one suite for the script, even when clean, a case for each probe."""
    report = sample.EVERY[name]
    shown = suite(report)
    every = shown.findall("testcase")
    assert int(shown.get("tests")) == len(every)
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(shown.get(attribute)) == sum(case.find(tag) is not None for case in every)
    assert len({case.get("name") for case in every}) == len(every)


def test_exact_text():
    """UX-49: failure text is the concise message and the evidence."""
    report = replace(sample.CAUSE, passed=("missing-step",), not_checked=sample.NOT_CHECKED[:1])
    assert render(report, "junit") == (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        "<testsuites>\n"
        '  <testsuite name="train.py" tests="5" failures="1" errors="0" skipped="3" time="3.710">\n'
        "    <properties>\n"
        '      <property name="verdict" value="findings" />\n'
        '      <property name="updates" value="120" />\n'
        '      <property name="device" value="cpu" />\n'
        '      <property name="seed" value="1" />\n'
        '      <property name="version.mldoctor" value="0.1.0" />\n'
        '      <property name="version.python" value="3.11.7" />\n'
        '      <property name="version.torch" value="2.13.0" />\n'
        "    </properties>\n"
        '    <testcase classname="model" name="frozen-head" time="0" file="train.py" line="13">\n'
        "      <properties>\n"
        '        <property name="head tensors held by the optimizer" '
        'value="0 of 4 (expected 4 of 4)" />\n'
        '        <property name="largest head update in 120 steps" '
        'value="0, exactly (expected above 0)" />\n'
        '        <property name="head gradient norm, step 1 / 120" '
        'value="3.5 / 360 (expected cleared every step)" />\n'
        "      </properties>\n"
        '      <failure message="the classification head never changes during training" '
        'type="error">train.py:13:1: error[frozen-head]: the classification head never changes '
        "during training\n"
        "  head tensors held by the optimizer: 0 of 4 (expected 4 of 4)\n"
        "  largest head update in 120 steps: 0, exactly (expected above 0)\n"
        "  head gradient norm, step 1 / 120: 3.5 / 360 (expected cleared every step)\n"
        "  remedy: build the optimizer after the head</failure>\n"
        "    </testcase>\n"
        '    <testcase classname="learning" name="single-class-collapse" time="0" file="train.py" '
        'line="13">\n'
        "      <properties>\n"
        '        <property name="predicted as class 0" '
        'value="256 of 256 (expected 169 of 256)" />\n'
        '        <property name="batches seen" value="8" />\n'
        "      </properties>\n"
        '      <skipped message="explained by frozen-head: every prediction is class 0">'
        "train.py:13:1: error[single-class-collapse]: every prediction is class 0\n"
        "  predicted as class 0: 256 of 256 (expected 169 of 256)\n"
        "  batches seen: 8</skipped>\n"
        "    </testcase>\n"
        '    <testcase classname="learning" name="flat-loss" time="0" file="train.py" line="1">\n'
        "      <properties>\n"
        '        <property name="loss, first to last 20 steps" value="0.706 to 0.712" />\n'
        "      </properties>\n"
        '      <skipped message="explained by frozen-head: the loss does not fall">'
        "train.py:1:1: error[flat-loss]: the loss does not fall\n"
        "  loss, first to last 20 steps: 0.706 to 0.712</skipped>\n"
        "    </testcase>\n"
        '    <testcase classname="loop" name="missing-step" time="0" />\n'
        '    <testcase classname="split" name="split-overlap" time="0">\n'
        '      <skipped message="batches carry no example ids; add --track-examples" />\n'
        "    </testcase>\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


def test_what_does_not_fail_the_run_fails_no_case():
    """UX-49 and --fail-on agree, so that a test report and an exit code tell the same."""
    assert cases(sample.MANY)["unscaled-input"].find("failure") is None
    text = cases(sample.MANY)["unscaled-input"].findtext("system-out")
    assert text.startswith("train.py:1:1: warning[unscaled-input]: inputs range from 0 to 255\n")
    assert cases(sample.MANY, fail_on="warning")["unscaled-input"].find("failure") is not None
    assert cases(sample.MANY, fail_on="never")["label-out-of-range"].find("failure") is None


def test_several_findings_of_one_probe_are_one_case():
    failure = cases(sample.MANY)["label-out-of-range"].find("failure")
    assert failure.text.count("error[label-out-of-range]") == 2


def test_a_crash_is_an_error_and_a_suppressed_finding_is_skipped():
    """UX-49."""
    crash = cases(sample.CRASHED)["temporal-collapse"].find("error")
    assert crash.get("message") == "ZeroDivisionError: division by zero"
    skipped = cases(sample.MANY)["padding-waste"].find("skipped")
    assert skipped.get("message") == "suppressed by ignore: short texts only in this test"


def test_an_incomplete_run_is_an_error():
    error = cases(sample.INCOMPLETE)["examination"].find("error")
    assert error.get("message") == "Nothing was examined: train.py:22 raised RuntimeError."
    assert error.text == "epoch 1\n100%|####|\nRuntimeError: no data"


def test_nothing_breaks_out():
    """What would end a CDATA section or an attribute comes back as it was."""
    failure = cases(sample.NASTY)["label-out-of-range"].find("failure")
    assert failure.get("message") == sample.NASTY_TEXT
    assert sample.NASTY_TEXT in failure.text
    assert suite(sample.NASTY).get("name") == sample.NASTY.target


def test_characters_that_xml_cannot_hold():
    report = replace(sample.FOREIGN, target="a\x00b\ufffec\ud800d")
    assert suite(report).get("name") == "a b c\\ud800d"
    assert "größer" in render(report, "junit")
