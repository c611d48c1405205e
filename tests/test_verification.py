"""What the runs of a verification say, and `--diff` and `--fix` from end to end."""

import shutil
import subprocess
import sys

import pytest

from mldoctor.verification import Run, compare

GIT = shutil.which("git") or "git"
LOSS = "loss on the fixed samples"


def runs(losses, findings=("missing-zero-grad",), first=1.0):
    return [
        Run(
            seed,
            frozenset(findings),
            frozenset(findings),
            {LOSS: loss},
            {LOSS: abs(loss / first)},
            100,
        )
        for seed, loss in enumerate(losses)
    ]


def test_verified_needs_every_run_to_separate():
    found = compare("missing-zero-grad", runs([0.7, 0.8, 0.9]), runs([0.1, 0.2, 0.3], ()))
    assert found.outcome == "verified"
    assert [(t.control, t.treated) for t in found.trials] == [(0.7, 0.1), (0.8, 0.2), (0.9, 0.3)]
    # UX-22
    close = compare("missing-zero-grad", runs([0.7, 0.8, 0.9]), runs([0.1, 0.2, 0.69], ()))
    assert close.outcome == "no effect"


def test_a_fix_that_leaves_the_finding_or_brings_another_does_not_help():
    stays = compare("missing-zero-grad", runs([0.7]), runs([0.1]))
    assert (stays.outcome, stays.detail) == ("no help", "the finding stayed")
    other = compare("missing-zero-grad", runs([0.7] * 3), runs([0.1] * 3, ("missing-step",)))
    assert other.outcome == "no help"
    assert "missing-step" in other.detail


def test_a_loss_of_the_wrong_sign_is_compared_by_its_distance_from_zero():
    found = compare("inverted-loss", runs([-90.0] * 3, ("inverted-loss",)), runs([0.1] * 3, ()))
    assert found.outcome == "verified"
    assert [(t.control, t.treated) for t in found.trials] == [(90.0, 0.1)] * 3
    assert found.detail == f"share of the first {LOSS}"


def test_a_run_that_was_not_made_is_no_verdict():
    """UX-25."""
    assert compare("missing-zero-grad", runs([0.7]), runs([0.1], ())).outcome == "not done"


def test_a_control_without_a_number_is_the_worst():
    found = compare("missing-zero-grad", runs([float("inf")] * 3), runs([0.1] * 3, ()))
    assert found.outcome == "verified"


SCRIPT = """\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(256, 8)
loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)
for epoch in range(3):
    for xb, yb in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(xb), yb).backward()
        optimizer.step()  # kept
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)

    def git(*arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run([GIT, *identity, *arguments], cwd=tmp_path, check=True)

    git("init", "-q")
    git("add", "train.py")
    git("commit", "-qm", "train")
    return tmp_path


def check(folder, *flags):
    command = [sys.executable, "-m", "mldoctor", "check", "train.py", *flags]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_diff_prints_a_patch_that_git_takes_and_writes_nothing(project):
    """UX-36."""
    done = check(project, "--diff")
    assert done.returncode == 1, done.stderr
    assert (project / "train.py").read_text() == SCRIPT
    applied = subprocess.run(
        [GIT, "apply", "-"], cwd=project, input=done.stdout, text=True, check=False
    )
    assert applied.returncode == 0
    assert (project / "train.py").read_text() != SCRIPT


@pytest.mark.examination
def test_fix_applies_what_was_verified_and_keeps_the_rest(project):
    """UX-21, UX-36, UX-37."""
    done = check(project, "--fix")
    assert done.returncode == 0, done.stdout + done.stderr
    before, after = SCRIPT.splitlines(), (project / "train.py").read_text().splitlines()
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert [a for a, _ in changed] == [before[8]]
    assert "Undo: git checkout -- train.py" in done.stderr


def test_fix_refuses_uncommitted_changes(project):
    """UX-37."""
    (project / "train.py").write_text(SCRIPT + "# note\n")
    done = check(project, "--fix", "--unverified-fixes")
    assert done.returncode == 2
    assert "uncommitted changes" in done.stderr
