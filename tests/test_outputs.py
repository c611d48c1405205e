"""Where reports go: files, step summaries, annotations; on every path out."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sample_reports as sample
import throwaway

from mldoctor import cli
from mldoctor.findings import Run
from mldoctor.record import Record
from mldoctor.reports import formats
from mldoctor.trainee import process

DONE = Run(updates=3, seconds=1.25, seed=0, headline="Loss 2 to 1.")
FILES = tuple(f"--report={name}=out/{name}.txt" for name in formats())


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
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "train.py").write_text("import torch\nhead = torch.nn.Linear(2, 2)\n")

    def prepare(moved=0, losses=(1.0, 2.0), run=DONE, raises=None):
        facts = {throwaway.Heads: throwaway.Heads(moved), throwaway.Curve: throwaway.Curve(losses)}

        def examine(*_):
            if raises is not None:
                raise raises
            return Record(facts=dict(facts), run=replace(run))

        monkeypatch.setattr(process, "examine", examine)

    prepare()
    return prepare


def test_every_format_from_one_run(run, observed):
    """UX-09: repeatable, from the same run; parent folders are created."""
    code, out, _ = run("check", "train.py", *FILES)
    assert code == 1
    assert out.startswith("train.py:2:1: error[frozen-head]")
    assert sorted(p.stem for p in Path("out").iterdir()) == sorted(formats())
    for path in Path("out").iterdir():
        assert "frozen-head" in path.read_text(encoding="utf-8")


def test_reports_in_the_configuration_and_in_a_variable(run, observed, monkeypatch):
    """UX-11."""
    Path("pyproject.toml").write_text('[tool.mldoctor]\nreport = ["json=a.json", "junit=a.xml"]\n')
    run("check", "train.py")
    assert Path("a.json").is_file()
    assert Path("a.xml").is_file()
    monkeypatch.setenv("MLDOCTOR_REPORT", "sarif=b.sarif,html=b.html")
    run("check", "train.py")
    assert Path("b.sarif").is_file()
    assert Path("b.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--report", "xml=a"],
            "report (--report) must be a list of FORMAT=FILE, where FORMAT is o",
        ),
        (
            ["--report", "sarif"],
            "report (--report) must be a list of FORMAT=FILE, where FORMAT is o",
        ),
        (
            ["--report", "sarif="],
            "report (--report) must be a list of FORMAT=FILE, where FORMAT is",
        ),
        (["--report", "sarif=folder"], "--report sarif folder is a folder; name a file in it"),
        (["--report", "sarif=train.py/x"], "--report sarif train.py/x cannot be written: "),
        (["--save-record", "folder"], "--save-record folder is a folder; name a file in it"),
        (["--compare", "none.json"], "--compare none.json cannot be read: No such file or direct"),
        (["--baseline", "none.json"], "baseline none.json is not there; write it with mldoctor b"),
    ],
)
def test_what_cannot_work_is_said_before_the_run(run, observed, arguments, message):
    observed(raises=AssertionError("it ran"))
    Path("folder").mkdir()
    code, out, err = run("check", "train.py", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"mldoctor: {message}")
    assert err.count("\n") == 1


def test_a_full_disk_is_one_error_after_the_report(run, observed):
    """The terminal report and the other files are written all the same; exit 2."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    code, out, err = run(
        *("check", "train.py", "--report=json=/dev/full", "--report=sarif=a.sarif"),
        *("--save-record", "/dev/full"),
    )
    assert code == 2
    assert out.startswith("train.py:2:1: error[frozen-head]")
    assert err.splitlines()[-1] == (
        "mldoctor: --report json /dev/full cannot be written: No space left on device; "
        "--save-record /dev/full cannot be written: No space left on device"
    )
    assert json.loads(Path("a.sarif").read_text())["version"] == "2.1.0"


def test_a_folder_that_went_away_during_the_run(run, observed, monkeypatch):
    def examine(*_):
        Path("gone/a.json").unlink()
        Path("gone").rmdir()
        Path("gone").write_text("in the way")
        return Record(run=DONE)

    monkeypatch.setattr(process, "examine", examine)
    code, _, err = run("check", "train.py", "--report", "json=gone/a.json")
    assert code == 2
    assert err.splitlines()[-1].startswith(
        "mldoctor: --report json gone/a.json cannot be written: "
    )


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted by Ctrl-C"),
        (RuntimeError("boom"), 2, "mldoctor failed: RuntimeError"),
    ],
)
def test_every_file_is_written_when_the_examination_fails(run, observed, failure, code, said):
    """Whatever ends the run, no format is missing or empty."""
    observed(raises=failure)
    assert run("check", "train.py", *FILES)[0] == code
    assert sorted(p.stem for p in Path("out").iterdir()) == sorted(formats())
    for path in Path("out").iterdir():
        text = path.read_text(encoding="utf-8")
        assert (said in text) or (path.stem == "json" and '"incomplete"' in text)


@pytest.mark.parametrize(
    ("run_", "code"),
    [
        (Run(outcome="train.py:2 raised OSError", output_tail=("last words",)), 3),
        (Run(updates=4, outcome="it was killed"), 1),
        (Run(updates=4, outcome="interrupted"), 130),
        (Run(updates=0), 1),
    ],
)
def test_every_file_is_written_when_the_script_fails(run, observed, run_, code):
    observed(run=run_, moved=0 if run_.updates or not run_.outcome else 5)
    assert run("check", "train.py", *FILES)[0] == code
    assert len([*Path("out").iterdir()]) == len(formats())
    assert all(path.stat().st_size for path in Path("out").iterdir())


def test_annotations_come_with_the_log_on_github(run, observed, monkeypatch):
    """UX-46: selected automatically, in addition to the normal text."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    _, out, _ = run("check", "train.py")
    first, second = out.splitlines()
    assert first == "train.py:2:1: error[frozen-head]: the head never changes"
    assert second.startswith("::error file=train.py,line=2,endLine=2,col=1,endColumn=4,title=froze")
    _, out, _ = run("check", "train.py", "--output-format", "json")
    json.loads(out)  # an explicit choice is not added to


def test_the_summary_of_a_step(run, observed, monkeypatch):
    """UX-47."""
    run("check", "train.py", "--summary")  # no GitHub, nothing to do
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    Path("summary.md").write_text("# Before\n")
    run("check", "train.py")
    assert Path("summary.md").read_text() == "# Before\n"
    run("check", "train.py", "--summary")
    text = Path("summary.md").read_text()
    assert text.startswith("# Before\n**1 error.** `train.py`")
    Path("summary.md").write_text("x" * (1024 * 1024 - 1500))
    run("check", "train.py", "--summary")
    assert 1024 * 1024 - 1500 < Path("summary.md").stat().st_size <= 1024 * 1024
    Path("summary.md").write_text("x" * (1024 * 1024 - 500))
    run("check", "train.py", "--summary")
    assert Path("summary.md").stat().st_size == 1024 * 1024 - 500


def test_comparing_with_a_base(run, observed):
    """UX-48: the base is read before the run may overwrite it."""
    run("check", "train.py", "--report", "json=base.json")
    flags = ("--compare", "base.json", "--report", "markdown=a.md", "--report", "json=base.json")
    run("check", "train.py", *flags)
    assert Path("a.md").read_text() == ""
    observed(moved=5)
    run("check", "train.py", *flags)
    assert Path("a.md").read_text().startswith("**0 new, 1 fixed, 0 unchanged. No findings.**")


def test_quiet_is_about_the_terminal(run, observed):
    observed(moved=5)
    code, out, _ = run("check", "train.py", "--quiet", "--report", "full=a.txt")
    assert (code, out) == (0, "")
    assert "No findings." in Path("a.txt").read_text()


def test_the_same_run_from_its_record(run, observed, monkeypatch):
    """UX-10: byte-identical in every format, also after the sources have changed."""
    Path("mldoctor-baseline.json").write_text('{"schema_version": 1, "entries": []}')
    source = "import torch\nhead = 1  # mldoctor: ignore[flat-loss] known\n"
    Path("train.py").write_text(source)
    observed(losses=(1.0, 1.0))
    command = ("check", "train.py", *FILES, "--save-record", "run.json")
    code, out, err = run(*command)
    first = {path.stem: path.read_bytes() for path in Path("out").iterdir()}
    Path("train.py").write_text("something = 'else'\n")
    monkeypatch.setattr(process, "examine", None)
    again = run("report", "run.json", *(flag.replace("out/", "again/") for flag in FILES))
    assert again == (code, out, err)
    assert {path.stem: path.read_bytes() for path in Path("again").iterdir()} == first
    for name in formats():
        assert run("report", "run.json", "--output-format", name)[1].encode() == first[name]


def test_a_record_read_on_another_day(run, observed, monkeypatch, tmp_path):
    """UX-10: neither the working folder nor the settings of another project matter."""
    _, out, _ = run("check", "train.py", "--save-record", "run.json", "--output-format", "json")
    other = tmp_path / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text("[tool.mldoctor]\nignore = ['frozen-head']\n")
    monkeypatch.chdir(other)
    assert run("report", "../run.json", "--output-format", "json")[1] == out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "record run.json cannot be read: No such file or directory"),
        ("{", "record run.json is not JSON: "),
        ("[]", "record run.json is no record; write one with mldoctor check --save-record"),
        (
            '{"schema_version": 1}',
            "record run.json is no record; write one with mldoctor check --s",
        ),
        ('{"record_version": 9}', "record run.json has version 9, this mldoctor reads version 1; "),
        (
            '{"record_version": 1}',
            "record run.json does not fit this version of mldoctor (KeyError",
        ),
    ],
)
def test_a_file_that_is_no_record(run, observed, content, message):
    if content is not None:
        Path("run.json").write_text(content)
    code, out, err = run("report", "run.json")
    assert (code, out) == (2, "")
    assert err.startswith(f"mldoctor: {message}")
    assert err.count("\n") == 1


def test_a_record_with_a_fact_of_another_shape(run, observed):
    run("check", "train.py", "--save-record", "run.json")
    data = json.loads(Path("run.json").read_text())
    data["record"]["messages"][0]["value"] = {"other": 1}
    Path("run.json").write_text(json.dumps(data))
    code, _, err = run("report", "run.json")
    assert code == 2
    assert err.startswith("mldoctor: record run.json does not fit this version of mldoctor ")


def test_a_probe_that_is_gone_is_not_checked(run, observed):
    run("check", "train.py", "--save-record", "run.json")
    data = json.loads(Path("run.json").read_text())
    data["chosen"].append("removed-probe")
    Path("run.json").write_text(json.dumps(data))
    _, out, _ = run("report", "run.json", "--output-format", "json")
    assert {
        "name": "removed-probe",
        "reason": "this installation has no such probe",
        "enable": None,
    } in json.loads(out)["not_checked"]


@pytest.mark.parametrize("command", ["report", "baseline"])
def test_help_with_examples(run, command):
    """UX-02."""
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"mldoctor {command}" in out.split("Examples:")[1]
    assert max(map(len, out.splitlines())) <= 80


def test_the_samples_hold_every_shape():
    assert {"healthy", "cause", "many", "incomplete", "crashed", "foreign", "nasty"} <= set(
        sample.EVERY
    )


def test_files_have_unix_line_ends_and_utf8(run, observed):
    run("check", "train.py", "--report", "markdown=a.md")
    assert b"\r" not in Path("a.md").read_bytes()
    assert os.linesep  # the platform's own does not matter
