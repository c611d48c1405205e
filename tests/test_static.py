"""`mldoctor check --static`: source is read, nothing is run."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml

from mldoctor import cli
from mldoctor.commands._static import NEEDS_A_RUN
from mldoctor.registry import source_probes
from mldoctor.reports import formats
from mldoctor.suppression.baseline import Entry, written

ROOT = Path(__file__).parents[1]
SOUND = ROOT / "tests" / "clinic" / "healthy"

BROKEN = """import torch

model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for x, y in loader:
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step
"""
CLEARED = BROKEN.replace("optimizer.step\n", "optimizer.zero_grad()\n    optimizer.step()\n")


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run the command line in this process, in a folder with some files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(BROKEN)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "other.py").write_text(CLEARED)
    (tmp_path / "sound.py").write_text(BROKEN.replace("optimizer.step", "optimizer.step()"))
    (tmp_path / "broken.py").write_text("x = = 1\n")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["mldoctor", "check", "--static", *arguments])
        with pytest.raises(SystemExit) as exited:
            cli.main()
        return (exited.value.code, *capsys.readouterr())

    return call


def test_files_and_folders_are_read_and_nothing_is_run(run):
    """UX-65: several files, exit 1, one line a finding."""
    code, out, err = run("train.py", "src", "sound.py")
    assert code == 1
    assert out.splitlines() == [
        (
            "src/other.py:8:5: error[cleared-gradients]: "
            "gradients are cleared between the backward and the step"
        ),
        "train.py:8:5: error[missing-step]: optimizer.step is named and not called",
    ]
    assert "train.py src sound.py  3 files read, nothing run" in err


def test_a_sound_file_is_three_lines_at_most(run):
    """UX-65, UX-28."""
    code, out, _ = run("sound.py", "--output-format", "full")
    assert code == 0
    header, said = out.splitlines()
    assert "sound.py  1 file read, nothing run" in header
    assert said == f"No findings. {len(source_probes())} probes read the source."


def test_every_finding_says_that_nothing_was_run(run):
    code, out, _ = run("train.py", "--output-format", "json")
    data = json.loads(out)
    schema = json.loads((ROOT / "mldoctor" / "reports" / "report.schema.json").read_text())
    jsonschema.validate(data, schema)
    (finding,) = data["findings"]
    assert (code, data["verdict"], data["run"]["files"]) == (1, "findings", 1)
    assert finding["evidence"][-1]["measured"] == "in the source; nothing was run"
    assert set(data["passed"]) == set(source_probes()) - {"missing-step"}
    assert data["not_checked"] == []


@pytest.mark.parametrize("output_format", formats())
def test_every_format_can_show_it(run, output_format):
    code, out, _ = run("train.py", "src", "--output-format", output_format)
    assert code == 1
    assert "missing-step" in out


def test_what_is_accepted_counts_here_too(run, tmp_path):
    """UX-39, UX-40, UX-41: and no ignore of a finding that only a run shows is called unused."""
    (tmp_path / "train.py").write_text(
        BROKEN.replace("optimizer.step\n", "optimizer.step  # mldoctor: ignore[missing-step] why\n")
        + "x = 1  # mldoctor: ignore[double-softmax] seen in a run\n"
    )
    code, out, err = run("train.py")
    assert (code, out) == (0, "")
    assert "1 suppressed" in err
    assert run("src", "--config", "accept.cleared-gradients=a reason")[0] == 0
    assert run("src", "--ignore", "loop")[0] == 0
    assert run("train.py", "--select", "split")[0] == 0


def test_a_baseline_counts_here_too(run, tmp_path):
    """UX-42: what was found in runs is not stale because reading does not show it."""
    _, out, _ = run("train.py", "--output-format", "json")
    seen = json.loads(out)["findings"][0]["fingerprint"]
    entry = Entry(seen, "train.py", "missing-step", "train.py", reason="known")
    other = replace(entry, name="double-softmax", fingerprint="0000000000000000:1")
    (tmp_path / "mldoctor-baseline.json").write_text(written([entry, other]))
    code, out, err = run("train.py", "--baseline", "mldoctor-baseline.json")
    assert (code, out) == (0, ""), err
    assert "1 in the baseline" in err


def test_what_python_cannot_read_is_said_and_the_rest_examined(run):
    """UX-65: silence about a file that could not be read is never success."""
    code, out, err = run("broken.py", "sound.py")
    assert code == 3
    assert "could not read broken.py:1:5: Python cannot run this" in err
    assert "broken.py" in out
    assert run("broken.py", "train.py")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.py"], "gone.py: no such file"),
        (["empty"], "empty: no Python file is in this folder"),
        (["train.py", "--select", "data"], "no selected probe can judge source alone; these can: "),
        (["train.py", "--module"], "--static reads files; leave out --module"),
        (["train.py", "--", "--epochs", "1"], "nothing takes the arguments behind --"),
        *(
            (["train.py", f"--{name.replace('_', '-')}"], f"--{name.replace('_', '-')} needs a run")
            for name in NEEDS_A_RUN
        ),
    ],
)
def test_what_cannot_be_done_exits_two(run, tmp_path, arguments, message):
    """UX-04."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".hidden").mkdir()
    (tmp_path / "empty" / ".hidden" / "a.py").write_text("x = 1\n")
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_installed_packages_are_left_alone(run, tmp_path):
    packages = tmp_path / "src" / "venv" / "lib"
    packages.mkdir(parents=True)
    (tmp_path / "src" / "venv" / "pyvenv.cfg").write_text("")
    (packages / "train.py").write_text(BROKEN)
    assert "1 file read" in run("src")[2]


def test_a_saved_record_gives_the_same_report(run, monkeypatch, capsys):
    """UX-10."""
    _, out, _ = run("train.py", "--output-format", "json", "--save-record", "r.json")
    monkeypatch.setattr(sys, "argv", ["mldoctor", "report", "r.json", "--output-format", "json"])
    with pytest.raises(SystemExit):
        cli.main()
    assert json.loads(capsys.readouterr().out)["findings"] == json.loads(out)["findings"]


def test_it_is_quick_and_imports_no_torch():
    """UX-65: under 5 s, no training; the sound scripts of the clinic are quiet."""
    code = (
        "import sys; from mldoctor import cli\n"
        "try: cli.main()\n"
        "except SystemExit as done: print(done.code, 'torch' in sys.modules)"
    )
    files = sorted(map(str, SOUND.glob("*.py")))[:30]
    before = os.times().children_user
    done = subprocess.run(
        [sys.executable, "-c", code, "check", "--static", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["0 False"], done.stdout + done.stderr
    assert os.times().children_user - before < 5


def test_the_hook_of_pre_commit():
    """UX-65: on the files that are committed, serial, without training."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    (hook,) = (hook for hook in hooks if hook["id"] == "mldoctor-static")
    assert hook["entry"] == "mldoctor check --static"
    assert hook["types"] == ["python"]
    assert hook["require_serial"] is True
    assert hook.get("pass_filenames", True) is True
    assert "stages" not in hook
