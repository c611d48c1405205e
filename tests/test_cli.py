"""The command line as a user meets it: output, exit codes, messages."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sample_reports as sample
import throwaway

from mldoctor import cli
from mldoctor.commands.probes import _table
from mldoctor.errors import ExitCode
from mldoctor.findings import Finding, Location, Run, Severity
from mldoctor.record import Record
from mldoctor.registry import probe
from mldoctor.reports import Look
from mldoctor.trainee import process

ROOT = Path(__file__).parents[1]
DONE = Run(updates=3, seconds=1.25, seed=0, headline="Loss 2 to 1.")


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process: exit code, standard output, standard error."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["mldoctor", *arguments])
        with pytest.raises(SystemExit) as exited:
            cli.main()
        return (exited.value.code, *capsys.readouterr())

    return call


@pytest.fixture
def observed(monkeypatch, tmp_path, throwaway_probes):
    """A project with a script, and an observing process that hands back a prepared record."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("import torch\nhead = torch.nn.Linear(2, 2)\n")
    calls = []

    def prepare(moved=0, losses=(1.0, 2.0), run=DONE, **record):
        facts = {throwaway.Heads: throwaway.Heads(moved), throwaway.Curve: throwaway.Curve(losses)}
        facts = {kind: value for kind, value in facts.items() if kind.__name__ not in record}

        def examine(target, settings, on_progress):
            on_progress(process.Progress("natural steps", 1, 0.5, settings.budget))
            calls.append((target, settings))
            return Record(facts=facts, absent=record, run=run)

        monkeypatch.setattr(process, "examine", examine)

    prepare()
    prepare.calls = calls
    return prepare


QUIET_PROBES = ("--ignore", "broken-probe")


def test_without_arguments_help_and_exit_zero(run):
    code, out, err = run()
    assert (code, err) == (0, "")
    assert out.startswith("Usage: mldoctor [OPTIONS] COMMAND")
    assert "mldoctor check train.py" in out


@pytest.mark.parametrize("command", ["check", "explain", "probes", "env"])
def test_every_command_has_help_with_an_example(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"mldoctor {command}" in out.split("Examples:")[1]
    assert out.isascii()
    assert max(map(len, out.splitlines())) <= 80


def test_exit_codes_are_documented(run):
    _, out, _ = run("check", "--help")
    for code in ExitCode:
        assert f"\n    {code.value} " in out


def test_version(run):
    code, out, _ = run("--version")
    assert code == 0
    assert out.startswith("mldoctor ")


def test_findings_exit_one(run, observed):
    code, out, err = run("check", "train.py", *QUIET_PROBES)
    assert code == 1
    assert out == "train.py:2:1: error[frozen-head]: the head never changes\n"
    assert err.splitlines()[0].endswith("  train.py  3 optimizer steps  1.2 s  cpu  seed 0")
    assert err.splitlines()[1] == "1 error, 1 probe found nothing."


def test_the_full_report_in_a_pipe(run, observed):
    observed(losses=(1.0,))
    code, out, err = run("check", "train.py", "--output-format", "full")
    assert (code, err) == (1, "")
    assert out.split("\n", 1)[1] == (
        "\n"
        "error[frozen-head]: the head never changes\n"
        " --> train.py:2:1\n"
        "  |\n"
        "1 | import torch\n"
        "2 | head = torch.nn.Linear(2, 2)\n"
        "  | ^^^^ made here\n"
        "  |\n"
        "   evidence               measured    expected\n"
        "     updates of the head  0, exactly  above 0\n"
        "   explains\n"
        "     flat-loss  the loss does not fall\n"
        "   remedy: train the head\n"
        "\n"
        "Not checked: 1 of 3 probes (1 crashed)\n"
        "  broken-probe  crashed: ZeroDivisionError: division by zero\n"
        "\n"
        "1 error (1 symptom folded in), 0 probes found nothing, 1 not checked (1 crashed).\n"
        "Read: mldoctor explain frozen-head\n"
    )


def test_a_clean_run_exits_zero(run, observed):
    observed(moved=5)
    code, out, err = run("check", "train.py", *QUIET_PROBES)
    assert (code, out) == (0, "")
    assert err.splitlines()[1:] == ["No findings. 2 probes ran.", "Loss 2 to 1."]
    assert run("check", "train.py", *QUIET_PROBES, "--quiet") == (0, "", "")


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        ([], 0),
        (["--fail-on", "warning"], 1),
        (["--fail-on", "note"], 1),
        (["--fail-on", "never"], 0),
        (["--fail-on", "warning", "--exit-zero"], 0),
    ],
)
def test_fail_on(run, observed, flags, code):
    observed(moved=5, losses=(1.0,))  # the flat loss is a warning
    assert run("check", "train.py", *QUIET_PROBES, *flags)[0] == code


@pytest.mark.parametrize(
    ("run_", "flags", "code"),
    [
        (Run(updates=0, outcome="train.py:2 raised OSError"), [], 3),
        (Run(updates=0), [], 3),
        (Run(updates=4, outcome="train.py:2 raised OSError"), [], 3),
        (Run(updates=4, outcome="train.py:2 raised OSError"), ["--exit-zero"], 3),
        (Run(updates=4, outcome="train.py:2 raised OSError"), ["--fail-on", "warning"], 1),
        (
            Run(updates=4, outcome="it crashed"),
            ["--fail-on", "warning", "--exit-zero"],
            3,
        ),
        (Run(updates=4, outcome="interrupted"), ["--fail-on", "warning"], 130),
    ],
)
def test_an_incomplete_run(run, observed, run_, flags, code):
    observed(moved=5, losses=(1.0,), run=run_)  # one warning, below the default --fail-on
    assert run("check", "train.py", *QUIET_PROBES, *flags)[0] == code


def test_a_script_that_failed_at_once(run, observed):
    observed(
        Heads="the script took no step",
        Curve="the script took no step",
        run=Run(outcome="train.py:2 raised OSError", output_tail=("one", "two")),
    )
    code, out, err = run("check", "train.py")
    assert code == 3
    assert out == "train.py: incomplete: train.py:2 raised OSError\n"
    assert err.endswith(
        "Nothing was examined: train.py:2 raised OSError. Last 2 lines of its output follow.\n"
        "  one\n"
        "  two\n"
    )
    code, out, err = run("check", "train.py", "--quiet")
    assert (code, out) == (3, "")
    assert err.startswith("Nothing was examined: ")


def test_an_interrupted_run_prints_what_it_saw(run, observed):
    observed(run=Run(updates=2, outcome="interrupted"))
    code, out, _ = run("check", "train.py", *QUIET_PROBES)
    assert code == 130
    assert out.splitlines() == [
        "train.py:2:1: error[frozen-head]: the head never changes",
        "train.py: incomplete: interrupted by Ctrl-C",
    ]


def test_ctrl_c_outside_the_run(run, observed, monkeypatch):
    def examine(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "examine", examine)
    assert run("check", "train.py")[0] == 130


def test_nothing_checked_is_not_success(run, observed):
    observed(Heads="no head was seen")
    code, out, _ = run("check", "train.py", "--select", "frozen-head")
    assert code == 3
    assert out == "train.py: incomplete: none of the selected probes could judge this run\n"
    _, out, _ = run("check", "train.py", "--select", "frozen-head", "--output-format", "full")
    assert out.splitlines()[1:] == [
        "Nothing was examined: none of the selected probes could judge this run.",
        "",
        "Not checked: 1 of 1 probe",
        "  frozen-head  no head was seen",
    ]


def test_a_run_cut_short_at_once_does_not_list_every_probe(run, observed):
    observed(Heads="", Curve="", run=Run(updates=2, outcome="interrupted"))
    code, out, _ = run("check", "train.py", "--seed", "4", "--output-format", "full")
    assert code == 130
    assert out.split("  ", 1)[1] == (
        "train.py  2 optimizer steps  0.0 s  cpu  seed 4\n"
        "Nothing was examined: interrupted by Ctrl-C.\n"
    )


def test_strict(run, observed):
    """UX-26."""
    observed(moved=5)
    assert run("check", "train.py")[0] == 0  # although broken-probe crashed
    assert run("check", "train.py", "--strict")[0] == 3
    assert run("check", "train.py", *QUIET_PROBES, "--strict")[0] == 0
    observed(moved=5, Curve="no loss was seen")
    assert run("check", "train.py", *QUIET_PROBES, "--strict")[0] == 3


def test_json_on_standard_output_is_json(run, observed):
    code, out, _ = run("check", "train.py", "--output-format", "json")
    data = json.loads(out)
    assert code == 1
    assert data["command"] == ["mldoctor", "check", "train.py", "--output-format", "json"]
    assert data["crashed"] == [
        {"name": "broken-probe", "error": "ZeroDivisionError: division by zero"}
    ]
    assert data["tool"]["libraries"]["python"].startswith("3.")


def test_a_file_for_the_report(run, observed):
    code, out, err = run("check", "train.py", "--output", "new/folder/report.txt")
    assert (code, out) == (1, "")
    assert err.endswith("Report: new/folder/report.txt\n")
    text = Path("new/folder/report.txt").read_text()
    assert "error[frozen-head]: the head never changes\n --> train.py:2:1\n" in text


def test_arguments_of_the_script(run, observed):
    """UX-01."""
    run("check", "train.py", "--max-steps", "7", "--", "--epochs", "1", "--", "-s")
    target, settings = observed.calls[0]
    assert target == process.Target(
        "train.py", is_module=False, arguments=("--epochs", "1", "--", "-s")
    )
    assert settings.max_steps == 7


def test_every_flag_reaches_the_settings(run, observed):
    """UX-07, UX-11."""
    run(
        *("check", "train.py", "--select", "model,loop", "--select", "learning"),
        *("--extend-select", "flat-loss", "--ignore", "loop", "--max-steps", "7"),
        *("--max-minutes", "2.5", "--budget", "9", "--seed", "3", "--device", "cpu"),
        *("--fail-on", "note", "--strict", "--exit-zero", "--color", "never", "-v", "-s"),
        *("--show-skipped", "--show-suppressed", "--output-format", "full"),
    )
    _, settings = observed.calls[0]
    assert settings.select == ("model", "loop", "learning")
    assert (settings.extend_select, settings.ignore) == (("flat-loss",), ("loop",))
    assert (settings.max_steps, settings.max_minutes, settings.budget) == (7, 2.5, 9.0)
    assert (settings.seed, settings.device, settings.fail_on) == (3, "cpu", "note")
    assert settings.strict
    assert settings.exit_zero
    assert settings.verbose
    assert settings.stream
    assert settings.show_skipped
    assert settings.show_suppressed
    assert (settings.color, settings.output_format) == ("never", "full")


def test_the_file_beside_the_script_holds(run, observed, tmp_path):
    inner = tmp_path / "project"
    inner.mkdir()
    (inner / "train.py").write_text("pass\n")
    (inner / "pyproject.toml").write_text("[tool.mldoctor]\nseed = 5\nbudget = 5\n")
    run("check", "project/train.py", "--config", "budget=6")
    run("check", "project/train.py", "--isolated")
    (_, first), (_, second) = observed.calls
    assert (first.seed, first.budget) == (5, 6)
    assert (second.seed, second.budget) == (0, 60.0)


def test_a_module_is_found_without_importing_its_package(run, observed, tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')\n")
    (package / "train.py").write_text("pass\n")
    (package / "__main__.py").write_text("pass\n")
    for arguments in (["package.train"], ["-m", "package.train"], ["-m", "package"], ["train"]):
        assert run("check", *arguments)[0] == 1
    assert [target.is_module for target, _ in observed.calls] == [True] * 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian.py"], "trian.py: no such file; did you mean train.py?"),
        (["none/train.py"], "none/train.py: no such file"),
        (["folder"], "folder is a folder; name the training script in it, such as folder/a.py"),
        (["latin.py"], "latin.py is not text in the encoding that Python expects (invalid or "),
        (["late.py"], "late.py is not text in the encoding that Python expects (byte 0xe9 at off"),
        (["declared.py"], "declared.py is not text in the encoding that Python expects (unknown "),
        (["broken.py"], "broken.py:2:5: Python cannot run this: invalid syntax"),
        (["null.py"], "null.py"),
        (["a.ipynb"], "a.ipynb is a notebook; convert it with 'jupyter nbconvert --to script "),
        (["pipe"], "pipe is not a regular file; give the path of a training script"),
        ([""], "no script is named; give the path of a training script"),
        (["x" * 300], "x"),
        (["package.none"], "no file and no module named 'package.none'; give the path of a "),
        (["-m", "train.py.x/"], "'train.py.x/' is no module name; leave -m out to examine a file"),
        (["-m", "folder"], "'folder' is a package without __main__.py; name a module in it"),
        (["-m", "math"], "module 'math' has no Python source to examine"),
        (
            ["train.py", "--select", "frozn-head"],
            "unknown probe or family 'frozn-head' in select (--select); did you mean 'frozen-h",
        ),
        (
            ["train.py", "--ignore", "modl"],
            "unknown probe or family 'modl' in ignore (--ignore); did you mean 'model'?",
        ),
        (["train.py", "--select", "model", "--ignore", "model"], "no probe is selected; "),
        (["train.py", "--select", ""], "no probe is selected; "),
        (["train.py", "--max-steps", "0"], "max-steps (--max-steps) must be a whole number of at"),
        (["train.py", "--fail-on", "bad"], "fail-on (--fail-on) must be one of 'error', 'warning'"),
        (["train.py", "--output-format", "xml"], "output-format (--output-format) must be one of"),
        (["train.py", "-q", "-v"], "quiet and verbose exclude each other"),
        (["train.py", "--output", "folder"], "--output folder is a folder; name a file in it"),
        (["train.py", "--output", "train.py/x"], "--output train.py/x cannot be written: "),
        (["train.py", "--config", "sed=1"], "unknown key 'sed' in --config; did you mean 'seed'?"),
    ],
)
def test_bad_input_is_one_message_and_exit_two(run, observed, tmp_path, arguments, message):
    """UX-06, UX-12: the message names the nearest name."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.py").write_text("pass\n")
    (tmp_path / "latin.py").write_bytes(b"name = '\xe9'\n")
    (tmp_path / "late.py").write_bytes(b"x = 1\nx = 2\nname = '\xe9'\n")
    (tmp_path / "declared.py").write_bytes(b"# coding: nonesuch\n")
    (tmp_path / "broken.py").write_text("x = 1\nx = = 1\n")
    (tmp_path / "null.py").write_bytes(b"x = 1\0\n")
    (tmp_path / "a.ipynb").write_text("{}")
    os.mkfifo(tmp_path / "pipe")
    code, out, err = run("check", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"mldoctor: {message}")
    assert err.count("\n") == 1
    assert observed.calls == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chek"], "No such command 'chek'."),
        (["check"], "Missing argument 'TARGET'."),
        (["check", "a.py", "b.py"], "unexpected extra argument"),
        (["check", "a.py", "--max-step", "3"], "--max-steps"),
        (["check", "a.py", "--max-steps", "many"], "Invalid value for '--max-steps': "),
        (["explain"], "give the name of one probe, or --all"),
        (["explain", "frozen-head", "--all"], "give the name of one probe, or --all"),
        (["probes", "--output-format", "xml"], "xml"),
    ],
)
def test_usage_errors_exit_two(run, throwaway_probes, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_an_unexpected_exception_is_two_lines_and_a_saved_traceback(run, observed, monkeypatch):
    """UX-05."""

    def examine(*_):
        raise RuntimeError("Traceback:\n  ...\nKeyError: 7\n")

    monkeypatch.setattr(process, "examine", examine)
    code, out, err = run("check", "train.py")
    first, second = err.splitlines()
    assert (code, out) == (2, "")
    assert first == "mldoctor: internal error: RuntimeError: KeyError: 7"
    path = Path(second.split("traceback is in ")[1].split(";")[0])
    assert "in examine\n" in path.read_text()
    path.unlink()


def test_explain(run, throwaway_probes):
    """UX-31, UX-35: an unknown name exits 2 and names the nearest one."""
    code, out, _ = run("explain", "frozen-head")
    assert code == 0
    assert "What it finds\n-------------\n" in out
    assert run("explain", "frozen-head", "--output-format", "markdown")[1].startswith("# frozen-")
    data = json.loads(run("explain", "frozen-head", "--output-format", "json")[1])
    assert data["name"] == "frozen-head"
    data = json.loads(run("explain", "--all", "--output-format", "json")[1])
    assert [page["name"] for page in data] == [
        *("flat-loss", "broken-probe", "frozen-head"),
        *("stale-baseline-entry", "unexplained-ignore", "unused-ignore"),
    ]
    code, out, err = run("explain", "frozen-hed")
    assert (code, out) == (2, "")
    assert err == "mldoctor: unknown probe 'frozen-hed'; did you mean 'frozen-head'?\n"


def test_probes(run, throwaway_probes):
    """UX-33."""
    assert run("probes") == (
        0,
        (
            "learning/\n"
            "  flat-loss     error  stable      driven steps  Curve\n"
            "\n"
            "loop/\n"
            "  broken-probe  note   incubating  driven steps  Curve\n"
            "\n"
            "model/\n"
            "  frozen-head   error  stable      recorded      Heads\n"
        ),
        "",
    )
    data = json.loads(run("probes", "--output-format", "json")[1])
    assert data[0]["name"] == "flat-loss"
    assert data[0]["needs"] == ["Curve"]


def test_probes_of_others_name_their_package_and_needs_wrap(throwaway_probes):
    """UX-33."""
    row = {"severity": "note", "status": "stable", "cost": "recorded", "family": "model"}
    row |= {"name": "x", "needs": ["OneFact", "AnotherFact", "Third"], "package": "other"}
    assert _table([row], Look(width=50)) == (
        "model/\n"
        "  x  note  stable  recorded  OneFact, AnotherFact,\n"
        "                             Third (from other)\n"
    )
    assert _table([row], Look(width=40)) == (
        "model/\n"
        "  x  note  stable  recorded\n"
        "      OneFact, AnotherFact, Third (from\n"
        "      other)\n"
    )


def test_places_are_shown_as_the_user_would_type_them(run, observed, tmp_path, monkeypatch):
    def judge(heads: throwaway.Heads) -> Iterator[Finding]:
        inside, outside = (
            Location(str(tmp_path / "src" / "a.py"), 1),
            Location("/elsewhere/b.py", 2),
        )
        yield Finding("m", location=inside, also=outside)
        yield Finding("m", location=outside)

    judge.__module__ = "mldoctor.probes.data.other"
    probe("other", Severity.ERROR)(judge)
    _, out, _ = run("check", "train.py", "--select", "other")
    assert out == "/elsewhere/b.py:2:1: error[other]: m\nsrc/a.py:1:1: error[other]: m\n"


def test_env_names_neither_users_nor_hosts_nor_absolute_paths(run, tmp_path, monkeypatch):
    """UX-34."""
    import getpass
    import socket

    (tmp_path / "pyproject.toml").write_text("[tool.mldoctor]\noutput = '/secret/report'\n")
    inner = tmp_path / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    for form in ("text", "json"):
        code, out, _ = run("env", "--output-format", form)
        assert code == 0
        assert "torch" in out
        assert "pyproject.toml" in out
        words = {getpass.getuser(), socket.gethostname(), str(tmp_path), "/secret", "/root"}
        assert not [word for word in words if word in out.replace("../", "")]


def in_process(code, *, check=True, **options):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=check,
        **options,
    )


LIGHT = """
import sys
sys.argv = ["mldoctor", *{arguments!r}]
from mldoctor.cli import main
try:
    main()
except SystemExit as exited:
    heavy = {{"torch", "numpy", "transformers", "pandas", "sklearn"}} & set(sys.modules)
    print("HEAVY", sorted(heavy), exited.code, file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--help"],
        ["--version"],
        ["check", "--help"],
        ["probes"],
        ["explain", "--all"],
        ["env", "--short"],
        ["check", "no_such_file.py"],
    ],
    ids=" ".join,
)
def test_no_torch_for_what_needs_none(arguments):
    """UX-03."""
    done = in_process(LIGHT.format(arguments=arguments))
    expected = "2" if "no_such_file.py" in arguments else "0"
    assert done.stderr.splitlines()[-1] == f"HEAVY [] {expected}"


def test_that_test_can_fail():
    done = in_process("import numpy\n" + LIGHT.format(arguments=["--help"]))
    assert done.stderr.splitlines()[-1] == "HEAVY ['numpy'] 0"


DRIVER = """
import sys
sys.path[:0] = [{tests!r}]
sys.argv = ["mldoctor", "check", "train.py", *{flags!r}]
import sample_reports
from mldoctor import checkup, cli, target
from mldoctor.trainee import process
target.resolve = lambda *_, **__: process.Target("train.py", False, ())
def slow(target, settings, on_progress, command, keep):
    import time
    on_progress(process.Progress("overfit", 7, 1.0, settings.budget))
    time.sleep(0.6)
    return sample_reports.{report}
checkup.checkup = slow
cli.main()
"""


def in_terminal(report, folder, *flags, columns=80, **environ):
    """What a terminal of 80 columns shows, and the exit code."""
    leader, follower = pty.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    clean = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES", "CI"}}
    code = DRIVER.format(tests=str(ROOT / "tests"), report=report, flags=list(flags))
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        cwd=folder,
        env=clean | {"TERM": "xterm-256color", "PYTHONPATH": _path()} | environ,
    ) as child:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(leader)
    return shown.decode().replace("\r\n", "\n"), child.returncode


def _path():
    return os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))


def test_a_terminal_gets_progress_colour_and_the_full_report(tmp_path):
    """UX-13: progress is gone before the report."""
    (tmp_path / "train.py").write_text(sample.TRAIN)
    shown, code = in_terminal("CAUSE", tmp_path)
    assert code == 1
    assert "overfit  7 optimizer steps  1 of 60 s" in shown
    assert "\x1b[1;31merror[frozen-head]\x1b[0m" in shown
    report = shown[shown.index("mldoctor 0.1.0") :]
    assert "\x1b[2K" not in report  # the line of progress is gone before the report


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1", "FORCE_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colour(tmp_path, environ):
    """UX-14."""
    shown, _ = in_terminal("CAUSE", tmp_path, **environ)
    report = shown[shown.index("error[frozen-head]") :]
    assert "\x1b" not in report
    if "TERM" in environ:
        assert shown.startswith("mldoctor 0.1.0")


def test_the_flag_wins_over_the_variables(tmp_path):
    """UX-14."""
    shown, _ = in_terminal("CAUSE", tmp_path, "--color", "always", NO_COLOR="1")
    assert "\x1b[1;31merror" in shown
    shown, _ = in_terminal("CAUSE", tmp_path, "--color", "never", FORCE_COLOR="1")
    assert "\x1b" not in shown[shown.index("error[frozen-head]") :]


def test_nothing_but_the_report_in_a_pipe(tmp_path):
    """UX-13, UX-15."""
    code = DRIVER.format(
        tests=str(ROOT / "tests"), report="HEALTHY", flags=["--output-format=full"]
    )
    done = in_process(code, env=os.environ | {"PYTHONPATH": _path(), "FORCE_COLOR": ""})
    assert done.stderr == ""
    assert done.stdout.startswith("mldoctor 0.1.0  train.py")
    assert "\x1b" not in done.stdout


def test_force_color_in_a_pipe(tmp_path):
    code = DRIVER.format(tests=str(ROOT / "tests"), report="CAUSE", flags=[])
    done = in_process(
        code, check=False, env=os.environ | {"PYTHONPATH": _path(), "FORCE_COLOR": "1"}
    )
    assert "\x1b[1;31merror[frozen-head]\x1b[0m: the class" in done.stdout


def test_an_encoding_without_the_characters_of_the_report(tmp_path):
    """UX-15."""
    code = DRIVER.format(
        tests=str(ROOT / "tests"), report="FOREIGN", flags=["--output-format=full"]
    )
    environ = os.environ | {"PYTHONPATH": _path(), "PYTHONIOENCODING": "ascii"}
    done = in_process(code, check=False, env=environ)
    assert done.returncode == 1
    assert "every label is 'gr\\xf6\\xdfer' as text" in done.stdout


def test_a_reader_that_went_away_changes_no_exit_code(tmp_path):
    code = DRIVER.format(tests=str(ROOT / "tests"), report="CAUSE", flags=["--output-format=full"])
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": _path()},
    ) as child:
        child.stdout.close()
        err = child.stderr.read().decode()
    assert (child.returncode, err) == (1, "")


def test_python_dash_m_is_the_same():
    """UX-04."""
    done = subprocess.run(
        [sys.executable, "-m", "mldoctor", "check", "no_such_file.py"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "mldoctor: no_such_file.py: no such file\n"
