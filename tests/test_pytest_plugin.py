"""The plugin, in pytest runs of their own."""

import os
import re
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
    def fake(target, settings, on_progress, command=(), keep=None):
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
    """UX-52."""
    project.makepyfile("def test_nothing(): pass")
    lines = [line for line in run(project).outlines if line.startswith("mldoctor")]
    assert len(lines) == 1
    assert lines[0].startswith("mldoctor: ")


def test_a_healthy_script_passes(project):
    """UX-53."""
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
    """UX-54."""
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


WATCHED = """
    import torch
    from torch import nn

    def train(model, optimizer):
        torch.manual_seed(0)
        x = torch.randn(400, 8)
        y = (x[:, 0] > 0).long()
        for at in range(0, 400, 20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[at : at + 20]), y[at : at + 20]).backward()
            optimizer.step()

    def test_loop(mldoctor):
        model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        {change}
        with mldoctor.watch(model, optimizer, budget=30) as watched:
            train(model, optimizer)
        watched.report.assert_healthy()
"""


def test_a_loop_in_a_test_is_watched(project):
    """UX-53: `watch(model, optimizer)` as a context manager gives a report."""
    project.makepyfile(
        test_sound=WATCHED.format(change=""),
        test_stale=WATCHED.format(change="model[2] = nn.Linear(32, 2)"),
    )
    result = run(project)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*AssertionError: test_stale.py is not healthy",
            "E*test_stale.py:*: error[[]stale-optimizer]: Adam holds 2 tensors that no model uses",
            "*= mldoctor =*",
            "test_stale.py:*error[[]stale-optimizer]*",
        ]
    )
    assert "mldoctor/watch.py" not in result.stdout.str()


SOUND = """
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
"""


def test_the_file_of_the_readme_can_be_pasted(pytester):
    """UX-53, UX-54, UX-55: as it stands there, beside a script that is really examined."""
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    found = [
        block
        for block in re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
        if block.startswith("# test_training.py")
    ]
    assert len(found) == 1
    pytester.makepyprojecttoml("[tool.mldoctor]\nbudget = 30\n")
    pytester.makepyfile(test_training=found[0], train=SOUND)
    result = run(pytester, "test_training.py")
    counts = result.parseoutcomes()
    assert set(counts) == {"passed", "skipped"}, result.stdout.str()
    assert counts["passed"] > 50


def test_it_can_be_left_out(project):
    project.makepyfile("def test_nothing(mldoctor): pass")
    result = project.runpytest_subprocess("-p", "no:mldoctor", "-p", f"no:{PLUGIN}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'mldoctor' not found"])


def test_loading_it_is_light():
    """UX-52: under 20 ms, no torch."""
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


PROBE_CHECKS = """
    from mldoctor.integrations.probe_checks import parametrize_with_probes

    @parametrize_with_probes("train.py", "CAUSE", select=("frozen-head", "split-overlap"){more})
    def test_training(probe_check, request):
        probe_check(request)
"""


def test_the_marker_holds_settings(project):
    """UX-55: valid under strict markers; the closest marker and the call count most."""
    project.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.mldoctor(max_steps=9, seed=3)

        @pytest.mark.mldoctor(max_steps=8, accept={"frozen-head": "linear probe"})
        def test_script(mldoctor, _prepared):
            mldoctor.check_script("train.py", "HEALTHY", budget=5)
            _, settings = _prepared.seen
            assert (settings.max_steps, settings.seed, settings.budget) == (8, 3, 5)
            assert settings.accept == {"frozen-head": "linear probe"}

        @pytest.mark.mldoctor("model")
        def test_wrong(mldoctor):
            pass
        """
    )
    result = run(project, "--strict-markers")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*the mldoctor marker takes keyword arguments only"])
    run(project, "--markers").stdout.fnmatch_lines(["@pytest.mark.mldoctor(select=*"])


def test_options_and_ini_keys(project):
    """UX-52: options in the group mldoctor, ini keys that start with mldoctor_."""
    project.makeini("[pytest]\nmldoctor_max_steps = 4\nmldoctor_budget = 3\n")
    project.makepyfile(
        """
        def test_script(mldoctor, _prepared):
            mldoctor.check_script("train.py", "HEALTHY")
            _, settings = _prepared.seen
            assert (settings.max_steps, settings.budget) == (6, 3.0)
        """
    )
    run(project, "--mldoctor-max-steps", "6").assert_outcomes(passed=1)
    help_text = run(project, "--help").stdout
    help_text.fnmatch_lines(["training scripts under examination:", "*--mldoctor-max-steps=VALUE*"])
    result = run(project, "--mldoctor-max-steps", "many")
    result.stdout.fnmatch_lines(
        ["*max-steps (mldoctor_max_steps) must be a whole number of at le*"]
    )


def test_every_probe_is_a_test(project):
    """UX-55: own ids; unmet needs skip with the reason."""
    project.makepyfile(PROBE_CHECKS.format(more=""))
    result = run(project, "-v", "-rs")
    result.stdout.fnmatch_lines(
        [
            "*::test_training[[]frozen-head[]] FAILED*",
            "*::test_training[[]split-overlap[]] SKIPPED*",
            "train.py:13:1: error[[]frozen-head[]]: the classification head never changes during *",
            "SKIPPED * batches carry no example ids",
        ]
    )
    result.stdout.no_fnmatch_line("*probe_checks.py:*")


def test_an_accepted_finding_is_an_expected_failure(project):
    """UX-55."""
    more = ", accept={'frozen-head': 'linear probe'}"
    project.makepyfile(PROBE_CHECKS.format(more=more))
    result = run(project, "-rx", "-k", "frozen-head")
    result.assert_outcomes(xfailed=1, deselected=1)
    result.stdout.fnmatch_lines(["XFAIL *[[]frozen-head[]] - linear probe"])


def test_an_accepted_finding_that_is_gone_fails_a_strict_run(project):
    """UX-55."""
    project.makepyfile(
        """
        from mldoctor.integrations.probe_checks import parametrize_with_probes

        @parametrize_with_probes(
            "train.py", "CRASHED", select=("frozen-head",), accept={"frozen-head": "linear probe"}
        )
        def test_training(probe_check, request):
            probe_check(request)
        """
    )
    run(project).assert_outcomes(passed=1)
    result = run(project, "--mldoctor-strict")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["frozen-head is accepted (linear probe) and no longer occurs; *"])


def test_crashed_suppressed_and_vacuous(project):
    project.makepyfile(
        """
        import dataclasses, pytest, sample_reports
        from mldoctor import checkup, findings
        from mldoctor.integrations.probe_checks import parametrize_with_probes

        shown = dataclasses.replace(
            sample_reports.CRASHED,
            passed=(),
            suppressed=(
                findings.Suppressed(sample_reports.FROZEN_HEAD, "on purpose", "ignore"),
            ),
        )

        @pytest.fixture(autouse=True)
        def _other(_prepared, monkeypatch):
            monkeypatch.setattr(checkup, "checkup", lambda *a, **k: shown)

        names = ("frozen-head", "temporal-collapse", "flat-loss")

        @parametrize_with_probes("train.py", select=names)
        def test_training(probe_check, request):
            probe_check(request)
        """
    )
    result = run(project, "-rx")
    result.assert_outcomes(xfailed=1, failed=2)
    result.stdout.fnmatch_lines(
        ["*temporal-collapse crashed: ZeroDivisionError*", "XFAIL *frozen-head* - on purpose"]
    )


def test_a_misspelt_name_is_an_error_at_collection(project):
    project.makepyfile(PROBE_CHECKS.format(more=", accept={'frozn-head': 'x'}"))
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*unknown probe or family 'frozn-head'; did you mean 'frozen-h*"])


def test_a_summary_only_if_something_was_found(project):
    """UX-56."""
    project.makepyfile(
        """
        def test_script(mldoctor):
            assert mldoctor.check_script("train.py", "CAUSE").findings
        """
    )
    result = run(project)
    result.stdout.fnmatch_lines(
        ["*= mldoctor =*", "train.py:13:1: error[[]frozen-head[]]: the classification head *"]
    )
    project.makepyfile("def test_nothing(): pass")
    run(project).stdout.no_fnmatch_line("*= mldoctor =*")
    run(project, "-rA").stdout.fnmatch_lines(["*= mldoctor =*", "No findings."])


def test_evidence_is_recorded_as_properties(project):
    """UX-56."""
    project.makepyfile(
        """
        def test_script(mldoctor):
            mldoctor.check_script("train.py", "CAUSE")
        """
    )
    run(project, "--junit-xml=out.xml")
    text = (project.path / "out.xml").read_text()
    assert (
        'name="mldoctor.frozen-head: head tensors held by the optimizer" '
        'value="0 of 4 (expected 4 of 4)"'
    ) in text


def test_workers_of_a_distributed_run(project):
    """UX-56: one header, one summary with each finding once; a script's probes form a group."""
    pytest.importorskip("xdist")
    with (project.path / "conftest.py").open("a") as file:
        file.write(
            """
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    groups = [mark.args for item in items for mark in item.iter_markers("xdist_group")]
    with open("groups.txt", "a") as file:
        file.write(f"{groups}\\n")
"""
        )
    project.makepyfile(
        """
        from mldoctor.integrations.probe_checks import parametrize_with_probes

        @parametrize_with_probes("train.py", "CAUSE", select=("frozen-head", "split-overlap"))
        def test_training(probe_check, request):
            probe_check(request)

        def test_script(mldoctor):
            mldoctor.check_script("train.py", "CAUSE")
        """
    )
    result = run(project, "-n", "2", "--dist", "loadgroup", "--strict-markers")
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    assert len([line for line in result.outlines if line.startswith("mldoctor:")]) == 1
    (start,) = (at for at, line in enumerate(result.outlines) if "= mldoctor =" in line)
    after = result.outlines[start:]
    assert sum(line.startswith("train.py:13:1: error[frozen-head]") for line in after) == 1
    groups = (project.path / "groups.txt").read_text().splitlines()
    assert groups == [str([("mldoctor train.py",)] * 2)] * 2
