"""No network and no telemetry: every command and format, with sockets that fail."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# An audit hook sees every socket of the process, whichever library opens it.
GUARD = """
import sys
def refuse(event, arguments):
    if event.startswith("socket.") and event not in ("socket.gethostname", "socket.__new__"):
        raise RuntimeError("network: " + event)
    if event == "socket.__new__" and arguments[1] != 1:  # AF_UNIX stays on the machine
        raise RuntimeError("network: socket of family %d" % arguments[1])
sys.addaudithook(refuse)
"""

EVERYTHING = """
sys.path[:0] = [{tests!r}]
import sample_reports
from mldoctor import checkup, cli, target
from mldoctor.reports import formats
from mldoctor.trainee import process
target.resolve = lambda *_, **__: process.Target("train.py", False, ())
checkup.checkup = lambda *_, **__: sample_reports.PLOTTED
sys.argv = ["mldoctor", {arguments}]
cli.main()
"""

REPORTS = '"check", "train.py", "--redact", *(f"--report={f}={f}.out" for f in formats())'


def run(code, folder):
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, "-c", GUARD + code],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (REPORTS, 1),
        ('"probes"', 0),
        ('"explain", "--all"', 0),
        ('"env"', 0),
        ('"--version"', 0),
    ],
)
def test_no_socket_is_opened(tmp_path, arguments, code):
    """UX-68."""
    done = run(EVERYTHING.format(tests=str(ROOT / "tests"), arguments=arguments), tmp_path)
    assert "network" not in done.stderr
    assert done.returncode == code


def test_that_test_can_fail(tmp_path):
    done = run("import socket\nsocket.socket()\n", tmp_path)
    assert "RuntimeError: network" in done.stderr
    done = run("import socket\nsocket.getaddrinfo('localhost', 80)\n", tmp_path)
    assert "RuntimeError: network" in done.stderr
