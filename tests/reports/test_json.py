"""JSON, schema version 1."""

import json
from dataclasses import replace
from importlib.resources import files

import pytest
import sample_reports as sample
from jsonschema import Draft202012Validator

from mldoctor.reports import render

SCHEMA = json.loads((files("mldoctor.reports") / "report.schema.json").read_text("utf-8"))


def refuse(constant):
    raise AssertionError(constant)


def data(report):
    return json.loads(render(report, "json"), parse_constant=refuse)


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", sample.EVERY)
def test_every_report_is_valid(name):
    Draft202012Validator(SCHEMA).validate(data(sample.EVERY[name]))


def test_the_schema_can_fail():
    broken = data(sample.CAUSE) | {"verdict": "fine"}
    assert not Draft202012Validator(SCHEMA).is_valid(broken)
    broken = data(sample.CAUSE)
    del broken["findings"][0]["explained_by"]
    assert not Draft202012Validator(SCHEMA).is_valid(broken)


def test_keys_and_values():
    """UX-44."""
    shown = data(sample.CAUSE)
    assert list(shown) == [
        "schema_version",
        "tool",
        "command",
        "target",
        "verdict",
        "findings",
        "passed",
        "not_checked",
        "crashed",
        "suppressed",
        "curves",
        "run",
    ]
    assert shown["schema_version"] == 1
    assert shown["tool"] == {
        "name": "mldoctor",
        "version": "0.1.0",
        "libraries": {"python": "3.11.7", "torch": "2.13.0"},
    }
    assert shown["findings"][0] == {
        "name": "frozen-head",
        "family": "model",
        "severity": "error",
        "message": "the classification head never changes during training",
        "subject": "model.classifier",
        "symptom": False,
        "location": {
            "path": "train.py",
            "line": 13,
            "column": 1,
            "label": "head replaced here, after the optimizer was built",
        },
        "also": {
            "path": "train.py",
            "line": 11,
            "column": 13,
            "label": "holds the tensors of the old head",
        },
        "evidence": [
            {"name": row.name, "measured": row.measured, "expected": row.expected}
            for row in sample.FROZEN_HEAD.evidence
        ],
        "explains": ["single-class-collapse", "flat-loss"],
        "explained_by": None,
        "remedy": {
            "advice": "build the optimizer after the head",
            "diff": sample.FROZEN_HEAD.remedy.diff,
            "recipe": None,
        },
        "verified": None,
        "verification": None,
        "function": None,
        "fingerprint": None,
    }
    assert shown["not_checked"][0] == {
        "name": "split-overlap",
        "reason": "batches carry no example ids",
        "enable": "--track-examples",
    }
    assert shown["run"]["captured"]["optimizers"] == ["AdamW, lr 0.0005"]


def test_folded_symptoms_stay_entries():
    """UX-20."""
    assert [(f["name"], f["explained_by"]) for f in data(sample.CAUSE)["findings"]] == [
        ("frozen-head", None),
        ("single-class-collapse", "frozen-head"),
        ("flat-loss", "frozen-head"),
    ]


def test_the_counts_of_all_formats_agree():
    shown = data(sample.MANY)
    assert shown["suppressed"][0]["reason"] == "short texts only in this test"
    assert shown["suppressed"][0]["name"] == "padding-waste"


def test_text_is_ascii_and_comes_back():
    text = render(sample.FOREIGN, "json")
    assert text.isascii()
    shown = json.loads(text)
    assert shown["target"] == "モデル/訓練.py"
    assert shown["findings"][0]["message"] == "every label is 'größer'\nas text"


def test_half_a_surrogate_pair_is_spelled_out():
    assert data(sample.FOREIGN)["findings"][0]["evidence"][1]["name"].startswith(
        "half a pair \\udce9 and "
    )


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_no_nan_reaches_a_reader(seconds):
    report = replace(sample.HEALTHY, run=replace(sample.RUN, seconds=seconds))
    assert data(report)["run"]["seconds"] is None


def test_the_report_gives_the_same_data():
    assert sample.CAUSE.to_dict() == data(sample.CAUSE)
