"""What goes where: the report, mldoctor's own words, and what the script writes."""

import json
import subprocess
import sys

import pytest

FAILING = """\
import sys
for at in range(40):
    print("printed", at)
print("warned", file=sys.stderr)
sys.stdout.write("no line end")
raise OSError("no data")
"""

TRAINING = """\
import sys
import torch
from torch import nn
print('{"not": "ours"}')
print("warned", file=sys.stderr)
torch.manual_seed(0)
model = nn.Linear(8, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(60):
    x = torch.randn(16, 8)
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long())
    loss.backward()
    optimizer.step()
    print("step", step, float(loss))
"""


@pytest.fixture
def check(tmp_path):
    (tmp_path / "pyproject.toml").touch()

    def call(script, *flags):
        (tmp_path / "train.py").write_text(script)
        return subprocess.run(
            [sys.executable, "-m", "mldoctor", "check", "train.py", *flags],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def test_json_can_be_piped_from_a_script_that_prints(check):
    """UX-13: the report alone is on stdout; mldoctor's words and nothing else are on stderr."""
    done = check(TRAINING, "--output-format", "json", "--select", "loop", "--budget", "5")
    assert json.loads(done.stdout)["verdict"] in {"healthy", "findings"}
    assert "not" not in json.loads(done.stdout)
    assert done.stderr.startswith("mldoctor ")
    for theirs in ("step", "warned", "ours"):
        assert theirs not in done.stderr.replace("optimizer steps", "").replace("natural steps", "")


def test_the_last_lines_of_a_script_that_failed(check):
    """UX-13: its last 20 lines, as it would have shown them, without mldoctor's own frames."""
    done = check(FAILING, "--output-format", "full")
    assert done.returncode == 3
    shown = [line[2:] for line in done.stdout.splitlines() if line.startswith("  ")]
    assert len(shown) == 20
    assert shown[-4:-3] == ["no line endTraceback (most recent call last):"]
    assert shown[-3].endswith('train.py", line 6, in <module>')
    assert shown[-1] == "OSError: no data"
    assert "mldoctor/trainee" not in done.stdout
    assert json.loads(check(FAILING, "--output-format", "json").stdout)["verdict"] == "incomplete"


def test_streaming_goes_to_stderr(check):
    """UX-13: -s shows the script's output while it runs, and never on stdout."""
    done = check(FAILING, "-s", "--output-format", "json")
    json.loads(done.stdout)
    assert "printed 0\nprinted 1\n" in done.stderr
    assert "warned" in done.stderr
    assert "OSError: no data" in done.stderr
