"""The baseline file, and the commands that write it."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import throwaway

from mldoctor import cli
from mldoctor.errors import SettingsError
from mldoctor.findings import Location, Run
from mldoctor.record import Record
from mldoctor.suppression.baseline import Entry, read, renewed, written
from mldoctor.trainee import process

DONE = Run(updates=3, seconds=1.0, seed=0)


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["mldoctor", *arguments])
        with pytest.raises(SystemExit) as exited:
            cli.main()
        return (exited.value.code, *capsys.readouterr())

    return call


@pytest.fixture
def observed(monkeypatch, tmp_path, throwaway_probes):
    """A project whose observed facts can be changed between runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.mldoctor]\nignore = ['broken-probe']\n")
    (tmp_path / "train.py").write_text("import torch\nhead = torch.nn.Linear(2, 2)\n")

    def prepare(moved=0, losses=(1.0, 2.0), run=DONE):
        facts = {throwaway.Heads: throwaway.Heads(moved), throwaway.Curve: throwaway.Curve(losses)}
        monkeypatch.setattr(
            process, "examine", lambda *_: Record(facts=dict(facts), run=replace(run))
        )

    prepare()
    return prepare


def entries():
    return json.loads(Path("mldoctor-baseline.json").read_text())["entries"]


def test_a_baseline_leaves_only_news(run, observed):
    """UX-42, UX-29: known findings are counted on the last line."""
    code, out, _ = run("baseline", "train.py")
    assert code == 0
    assert out == "mldoctor-baseline.json: 1 finding of train.py\n  frozen-head  train.py\n"
    code, out, err = run("check", "train.py")
    assert (code, out) == (0, "")
    assert err.splitlines()[1] == "No findings. 1 probe ran, 1 in the baseline."
    _, out, _ = run("check", "train.py", "--show-suppressed", "--output-format", "full")
    assert "frozen-head  train.py:2:1: in the baseline" in out
    assert run("check", "train.py", "--baseline", "none")[0] == 1
    assert run("check", "train.py", "--isolated", "--ignore", "broken-probe")[0] == 0


def test_a_line_above_does_not_make_it_new(run, observed, monkeypatch):
    """UX-43."""
    run("baseline", "train.py")
    Path("train.py").write_text("# new\nimport torch\nhead = torch.nn.Linear(2, 2)\n")
    moved = Location("train.py", 3, 1, "made here")
    monkeypatch.setattr(throwaway, "Location", lambda *_: moved)
    assert run("check", "train.py")[0] == 0


def test_a_reason_written_by_hand_stays(run, observed):
    """UX-42: hand-editing a reason into an entry is supported."""
    run("baseline", "train.py")
    data = json.loads(Path("mldoctor-baseline.json").read_text())
    data["entries"][0]["reason"] = "until größer"
    Path("mldoctor-baseline.json").write_text(json.dumps(data))
    _, out, _ = run("check", "train.py", "--show-suppressed", "--output-format", "full")
    assert "train.py:2:1: until größer" in out
    run("baseline", "train.py")
    assert entries()[0]["reason"] == "until größer"


def test_what_is_gone_fails_until_it_is_pruned(run, observed):
    """UX-42."""
    run("baseline", "train.py")
    observed(moved=5)
    code, out, _ = run("check", "train.py")
    assert code == 1
    assert out == (
        "train.py: error[stale-baseline-entry]: "
        "the baseline entry of frozen-head no longer occurs\n"
    )
    code, out, err = run("check", "train.py", "--prune-baseline")
    assert (code, out) == (0, "")
    assert err.startswith("mldoctor-baseline.json: 1 entry removed\n")
    assert entries() == []
    assert run("check", "train.py")[0] == 0


def test_a_run_cut_short_says_nothing_of_the_baseline(run, observed):
    run("baseline", "train.py")
    observed(moved=5, run=replace(DONE, outcome="it crashed"))
    code, out, _ = run("check", "train.py", "--prune-baseline")
    assert code == 3
    assert "stale" not in out
    assert len(entries()) == 1


def test_other_scripts_keep_their_entries(run, observed, tmp_path):
    run("baseline", "train.py")
    Path("other.py").write_text("import torch\n")
    observed(moved=5)
    assert run("check", "other.py")[0] == 0  # the entry of train.py is not stale here
    run("baseline", "other.py")
    assert [entry["target"] for entry in entries()] == ["train.py"]


def test_it_holds_from_every_folder_of_the_project(run, observed, tmp_path, monkeypatch):
    Path("pyproject.toml").write_text(
        "[tool.mldoctor]\nignore = ['broken-probe']\nbaseline = 'ci/known.json'\n"
    )
    Path("ci").mkdir()
    assert run("check", "train.py")[2] == (
        "mldoctor: baseline ci/known.json is not there; write it with mldoctor baseline\n"
    )
    run("baseline", "train.py")
    assert Path("ci/known.json").is_file()
    monkeypatch.chdir(tmp_path / "ci")
    (tmp_path / "ci" / "x").write_text("")
    monkeypatch.setattr(throwaway, "Location", lambda *_: Location(str(tmp_path / "train.py"), 2))
    assert run("check", "../train.py")[0] == 0


def test_no_baseline_of_a_run_that_was_cut_short(run, observed):
    observed(run=Run(updates=0, outcome="train.py:2 raised OSError"))
    code, out, err = run("baseline", "train.py")
    assert (code, out) == (3, "")
    assert err.endswith("raised OSError. The baseline is not written.\n")
    assert not Path("mldoctor-baseline.json").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "baseline b.json is not JSON: "),
        ("[]", "baseline b.json is not of schema version 1; write it again with mldoctor baseline"),
        ('{"schema_version": 1}', "baseline b.json must hold a list of entries"),
        ('{"schema_version": 1, "entries": [1]}', "baseline b.json, entry 1 must be an object of "),
        (
            '{"schema_version": 1, "entries": [{"name": "x"}]}',
            "baseline b.json, entry 1 lacks 'fingerprint'; its keys are fingerprint, target, name,",
        ),
        (
            (
                '{"schema_version": 1, "entries": [{"fingerprint": "f", "target": "t", "name": "n"'
                ', "resaon": "r"}]}'
            ),
            "baseline b.json, entry 1 has an unknown key 'resaon'; its keys are fingerprint, ",
        ),
    ],
)
def test_a_file_that_is_no_baseline(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.json").write_text(content)
    with pytest.raises(SettingsError) as raised:
        read(tmp_path / "b.json")
    assert str(raised.value).startswith(message)


def test_a_stable_order(tmp_path):
    one = Entry("b:1", "a.py", "frozen-head", "a.py")
    two = Entry("a:1", "b.py", "frozen-head", "b.py")
    assert written([two, one]) == written([one, two])
    (tmp_path / "b.json").write_text(written([two, one]))
    assert read(tmp_path / "b.json") == (one, two)


def test_renewed():
    old = (Entry("a:1", "t.py", "x", reason="why"), Entry("o:1", "o.py", "x", reason="other"))
    new = (Entry("a:1", "t.py", "x"), Entry("n:1", "t.py", "x"))
    assert renewed(old, new, "t.py") == (old[1], old[0], new[1])
