"""SARIF 2.1.0: valid by the schema, and complete by what code-scanning tabs ask for."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import sample_reports as sample
from jsonschema import Draft4Validator

from mldoctor.findings import Finding, Location, Severity
from mldoctor.reports import render
from mldoctor.suppression.own import OWN

SCHEMA = json.loads((Path(__file__).parent / "data" / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))


def sarif(report):
    data = json.loads(render(report, "sarif"))
    Draft4Validator(SCHEMA).validate(data)
    return data


def run(report):
    return sarif(report)["runs"][0]


@pytest.mark.parametrize("name", sample.EVERY)
def test_every_report_is_valid(name):
    """UX-45."""
    assert sarif(sample.EVERY[name])["version"] == "2.1.0"


def test_the_schema_can_fail():
    data = sarif(sample.CAUSE)
    data["runs"][0]["results"][0]["level"] = "bad"
    assert not Draft4Validator(SCHEMA).is_valid(data)


@pytest.mark.parametrize("name", sample.EVERY)
def test_what_github_requires_is_there(name):
    """UX-45: the properties that GitHub's page on SARIF support lists as required."""
    shown = run(sample.EVERY[name])
    driver = shown["tool"]["driver"]
    assert driver["name"] == "mldoctor"
    for rule in driver["rules"]:
        assert rule["id"]
        assert rule["shortDescription"]["text"]
        assert rule["fullDescription"]["text"]
        assert rule["help"]["text"]
        assert rule["properties"]["precision"] in {"very-high", "high", "medium", "low"}
        assert rule["properties"]["problem.severity"] in {"error", "warning", "recommendation"}
    for result in shown["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert result["partialFingerprints"]
        assert len(result["locations"]) == 1
        place = result["locations"][0]["physicalLocation"]
        assert not place["artifactLocation"]["uri"].startswith(("/", "file:"))
        region = place["region"]
        assert set(region) == {"startLine", "startColumn", "endLine", "endColumn"}
        assert region["startLine"] == region["endLine"]
        assert region["startColumn"] < region["endColumn"]


def test_one_result_for_a_cause_and_its_way_to_the_symptoms():
    """UX-45: the first sentence stands alone; the chain from cause to symptom is a code flow."""
    shown = run(sample.PLOTTED)
    (result,) = shown["results"]
    assert result["ruleId"] == "frozen-head"
    assert result["level"] == "error"
    assert result["message"]["text"].splitlines() == [
        "the classification head never changes during training.",
        "head tensors held by the optimizer: 0 of 4 (expected 4 of 4).",
        "largest head update in 120 steps: 0, exactly (expected above 0).",
        "head gradient norm, step 1 / 120: 3.5 / 360 (expected cleared every step).",
        "It explains single-class-collapse, flat-loss.",
        "Remedy: build the optimizer after the head.",
    ]
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "train.py"},
                "region": {"startLine": 13, "startColumn": 1, "endLine": 13, "endColumn": 21},
            }
        }
    ]
    steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [step["location"]["message"]["text"] for step in steps] == [
        "head replaced here, after the optimizer was built",
        "holds the tensors of the old head",
        "single-class-collapse: every prediction is class 0",
        "flat-loss: the loss does not fall",
    ]
    assert shown["automationDetails"]["id"] == "mldoctor/train.py/"
    assert shown["columnKind"] == "unicodeCodePoints"


def test_help_is_the_page_of_the_probe():
    """UX-45: help in Markdown is the probe page."""
    rules = {rule["id"]: rule for rule in run(sample.CAUSE)["tool"]["driver"]["rules"]}
    page = rules["frozen-head"]["help"]["markdown"]
    assert page.startswith("# frozen-head\n\n")
    assert "## Why it matters" in page
    assert rules["frozen-head"]["properties"]["tags"] == ["training", "model"]


def test_what_mldoctor_finds_about_its_own_comments_has_rules_too():
    finding = Finding("unused", name="unused-ignore", severity=Severity.WARNING)
    report = replace(sample.HEALTHY, verdict="findings", findings=(finding,))
    rule = run(report)["tool"]["driver"]["rules"][0]
    assert rule["id"] in OWN
    assert rule["defaultConfiguration"]["level"] == "warning"


def test_not_checked_and_crashed_are_notifications():
    """UX-45."""
    (invocation,) = run(sample.CRASHED)["invocations"]
    notes = invocation["toolExecutionNotifications"]
    assert [(note["level"], note["message"]["text"]) for note in notes] == [
        ("error", "temporal-collapse: crashed: ZeroDivisionError: division by zero"),
        ("note", "tiny-batch-norm: not checked: no batch normalisation in the model"),
    ]
    assert invocation["executionSuccessful"] is True
    (invocation,) = run(sample.INCOMPLETE)["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][-1]["message"]["text"] == (
        "Nothing was examined: train.py:22 raised RuntimeError."
    )


def test_none_is_without_a_location():
    """UX-45: without a better place a finding points at the line that runs the training step."""
    report = replace(sample.MANY, run=replace(sample.RUN, step=Location("loop.py", 40, 9)))
    places = [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in run(report)["results"]
    ]
    assert places == ["gone.py", "gone.py", "loop.py", "loop.py"]


def test_suppressed_findings_raise_no_alert():
    assert "padding-waste" not in render(sample.MANY, "sarif")


def test_paths_are_encoded():
    (result,) = run(sample.FOREIGN)["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "%E3%83%A2%E3%83%87%E3%83%AB/%E8%A8%93%E7%B7%B4.py"


def test_no_text_becomes_a_placeholder_or_a_link():
    """Messages hold neither `{0}` nor `[text](1)`: 3.11.5 and 3.11.6 of the standard."""
    text = run(sample.NASTY)["results"][0]["message"]["text"]
    assert "{{0}}" in text
    assert "[x] (1)" in text
    assert "](" not in text


def test_the_fingerprint_is_that_of_the_finding():
    """UX-43: the same string is the SARIF fingerprint."""
    stamped = replace(sample.FROZEN_HEAD, fingerprint="0123456789abcdef:1")
    (result,) = run(replace(sample.CAUSE, findings=(stamped,)))["results"]
    assert result["partialFingerprints"] == {"mldoctor/v1": "0123456789abcdef:1"}
