"""The files by which others run mldoctor in their pipelines."""

import re
from pathlib import Path

import yaml

from mldoctor.commands.check import check
from mldoctor.errors import ExitCode

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))


def test_no_input_reaches_a_script_as_code():
    """UX-63: inputs are variables of the shell, never part of its text."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_every_expression_names_something_that_exists():
    text = (ROOT / "action.yml").read_text("utf-8")
    for name in re.findall(r"inputs\.([\w-]+)", text):
        assert name in ACTION["inputs"]
    (examine,) = (step for step in ACTION["runs"]["steps"] if step.get("id") == "examine")
    for name in re.findall(r"steps\.examine\.outputs\.([\w-]+)", text):
        assert f'"{name}=' in examine["run"]


def test_reports_are_sent_whatever_the_result():
    """UX-63: upload with "always"."""
    (upload,) = (step for step in ACTION["runs"]["steps"] if "uses" in step)
    assert upload["if"].startswith("always() && ")


def test_the_workflow_to_copy_is_short():
    """UX-63: under 20 lines."""
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    workflow = page.split("```yaml\n")[1].split("```")[0]
    assert len(workflow.splitlines()) < 20
    steps = yaml.safe_load(workflow)["jobs"]["training"]["steps"]
    assert any("mldoctor check train.py --max-steps 50" in str(step.get("run")) for step in steps)


def test_exit_codes_of_the_page_are_those_of_the_program():
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)} == set(ExitCode)
    assert check.__doc__


def test_the_hooks_of_pre_commit():
    """UX-65: the hook that trains is serial, for the push or manual stage."""
    _, hook = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert (hook["id"], hook["entry"]) == ("mldoctor", "mldoctor check")
    assert hook["stages"] == ["pre-push", "manual"]
    assert hook["require_serial"] is True
    assert hook["pass_filenames"] is False
