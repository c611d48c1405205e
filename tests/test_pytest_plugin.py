"""The plugin, in pytest runs of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

# The plugin is loaded by its entry point where mldoctor is installed, and by name where it is not.
PLUGIN = "mldoctor.integrations.pytest_plugin"

CONFTEST = """
import pytest
import sample_reports
from mldoctor import checkup
from mldoctor.trainee import process

@pytest.fixture(autouse=True)
def _prepared(monkeypatch):
    def fake(target, settings, on_progress, command=()):
        fake.seen = target, settings
        return getattr(sample_reports, target.arguments[0])
    monkeypatch.setattr(checkup, "checkup", fake)
    return fake
"""


@pytest.fixture
def project(pytester, monkeypatch):
    pytester.makeconftest(CONFTEST)
    pytester.makepyprojecttoml("[tool.mldoctor]\nbudget = 7\n")
    pytester.makefile(".py", train="x = 1\n")
    tests = Path(__file__).parent
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tests), str(tests.parent)]))
    return pytester


def run(pytester, *arguments):
    loaded = [] if _installed() else ["-p", PLUGIN]
    return pytester.runpytest_subprocess(*loaded, "-p", "no:cacheprovider", *arguments)


def _installed():
    from importlib.metadata import entry_points

    return any(entry.value == PLUGIN for entry in entry_points(group="pytest11"))


def test_one_header_line(project):
    project.makepyfile("def test_nothing(): pass")
    lines = [line for line in run(project).outlines if line.startswith("mldoctor")]
    assert len(lines) == 1
    assert lines[0].startswith("mldoctor: ")


def test_a_healthy_script_passes(project):
    project.makepyfile(
        """
        def test_script(mldoctor, _prepared):
            report = mldoctor.check_script("train.py", "HEALTHY", 3, max_steps=5)
            report.assert_healthy()
            assert report.findings == ()
            target, settings = _prepared.seen
            assert (target.path_or_module, target.arguments) == ("train.py", ("HEALTHY", "3"))
            assert (settings.max_steps, settings.budget) == (5, 7)
        """
    )
    run(project).assert_outcomes(passed=1)


def test_a_failure_shows_the_concise_report_and_no_traceback_through_mldoctor(project):
    project.makepyfile(
        """
        def test_script(mldoctor):
            report = mldoctor.check_script("train.py", "CAUSE")
            report.assert_healthy()
        """
    )
    result = run(project)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E * AssertionError: train.py is not healthy",
            "E * train.py:13:1: error[[]frozen-head]: the classification head never changes *",
            "test_a_failure_*.py:3: AssertionError",
        ]
    )
    result.stdout.no_fnmatch_line("*findings.py*")


def test_a_misspelt_setting_says_so(project):
    project.makepyfile(
        """
        def test_script(mldoctor):
            mldoctor.check_script("train.py", "HEALTHY", max_step=5)
        """
    )
    run(project).stdout.fnmatch_lines(["*unknown setting 'max-step'; did you mean 'max-steps'?"])


def test_ctrl_c_stops_the_whole_test_run(project):
    project.makepyfile(
        """
        import pytest
        def test_script(mldoctor, monkeypatch):
            with pytest.raises(KeyboardInterrupt):
                mldoctor.check_script("train.py", "STOPPED")
        """
    )
    run(project).assert_outcomes(passed=1)


def test_it_can_be_left_out(project):
    project.makepyfile("def test_nothing(mldoctor): pass")
    result = project.runpytest_subprocess("-p", "no:mldoctor", "-p", f"no:{PLUGIN}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'mldoctor' not found"])


def test_loading_it_is_light():
    code = (
        "import sys, time, pytest\n"
        "start = time.perf_counter()\n"
        f"import {PLUGIN}\n"
        "print(time.perf_counter() - start)\n"
        "print(sorted(name for name in sys.modules if name.startswith(('mldoctor', 'torch'))))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, modules = done.stdout.splitlines()
    assert float(seconds) < 0.02
    assert modules == str(["mldoctor", "mldoctor.integrations", PLUGIN])
