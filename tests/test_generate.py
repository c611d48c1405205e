"""Generated files are those that are shipped."""

import json
import tomllib

import pytest
from jsonschema import Draft202012Validator

from mldoctor.generate import (
    SETTINGS_PAGE,
    SETTINGS_SCHEMA,
    settings_schema,
    text_of,
    with_settings,
)
from mldoctor.reports import formats

SCHEMA = settings_schema()


def test_the_schema_of_the_settings_is_current():
    """UX-12: run `python -m mldoctor.generate` after a change of a setting or a format."""
    assert SETTINGS_SCHEMA.read_text(encoding="utf-8") == text_of(SCHEMA)


def test_the_table_of_the_documentation_is_current():
    page = SETTINGS_PAGE.read_text(encoding="utf-8")
    assert with_settings(page) == page
    assert "| `max-steps` | `200` |" in page


def test_it_is_a_schema():
    Draft202012Validator.check_schema(SCHEMA)


def test_the_example_of_the_documentation_is_valid():
    text = """
    [tool.mldoctor]
    select = ["all"]
    ignore = ["loop"]
    fail-on = "error"
    max-steps = 100
    baseline = "mldoctor-baseline.json"
    report = ["sarif=mldoctor.sarif", "html=report.html"]

    [tool.mldoctor.accept]
    frozen-head = "the head is a fixed random projection in this ablation"

    [tool.mldoctor.per-file-ignores]
    "examples/*/broken.py" = ["all"]

    [tool.mldoctor.probes.frozen-head]
    min-updates = 50
    """
    Draft202012Validator(SCHEMA).validate(tomllib.loads(text)["tool"]["mldoctor"])


@pytest.mark.parametrize(
    "table",
    [
        {"max-step": 1},
        {"max_steps": 1},
        {"max-steps": 0},
        {"max-steps": "many"},
        {"fail-on": "bad"},
        {"select": "all"},
        {"strict": "yes"},
        {"output-format": "xml"},
        {"report": ["xml=a"]},
        {"accept": {"frozen-head": ""}},
        {"per-file-ignores": {"*": "all"}},
        {"seed": -1},
        {"budget": 0},
    ],
)
def test_what_the_program_refuses_the_schema_refuses(table):
    """UX-12."""
    assert not Draft202012Validator(SCHEMA).is_valid(table)


def test_every_default_is_valid():
    defaults = {key: value["default"] for key, value in SCHEMA["properties"].items()}
    Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(defaults)))
    assert set(formats()) < set(SCHEMA["properties"]["output-format"]["enum"])
