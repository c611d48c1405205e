"""Fingerprints: free of lines and figures."""

from dataclasses import replace
from pathlib import Path

from mldoctor.findings import Evidence, Finding, Location
from mldoctor.suppression.fingerprints import project_path, stamped

SOURCE = """\
import torch

class Trainer:
    def fit(self):
        head = torch.nn.Linear(2, 2)
        return head

top = 1
"""
ROOT = Path("/home/someone/project")


def stamp(*findings, source=SOURCE, folder=ROOT):
    return stamped(findings, "train.py", {"train.py": source}, folder, ROOT)


def finding(line, **changes):
    return replace(
        Finding("m", name="frozen-head", subject="head", location=Location("train.py", line)),
        **changes,
    )


def test_the_function_around_a_finding():
    assert [f.function for f in stamp(finding(5), finding(3), finding(8), finding(99))] == [
        *("Trainer.fit", "Trainer", "", "")
    ]


def test_a_line_above_changes_nothing():
    """UX-43."""
    (before,) = stamp(finding(5))
    (after,) = stamp(finding(6), source=f"# new\n{SOURCE}")
    assert before.fingerprint == after.fingerprint


def test_figures_change_nothing():
    """UX-43: never line numbers or measured values."""
    (before,) = stamp(finding(5))
    (after,) = stamp(finding(5, message="other", evidence=(Evidence("a", "2"),)))
    assert before.fingerprint == after.fingerprint


def test_what_does_change_it():
    """UX-43: the name, the path, the enclosing function and the object's name."""
    every = {
        stamp(finding(5))[0].fingerprint,
        stamp(finding(5, name="frozen-model"))[0].fingerprint,
        stamp(finding(8))[0].fingerprint,
        stamp(finding(5, subject="tail"))[0].fingerprint,
        stamp(finding(5, location=Location("other.py", 5)))[0].fingerprint,
    }
    assert len(every) == 5


def test_the_same_from_every_working_folder():
    (first,) = stamp(finding(8))
    moved = finding(8, location=Location("../train.py", 8))
    (second,) = stamped([moved], "x", {"../train.py": SOURCE}, ROOT / "ci", ROOT)
    assert first.fingerprint == second.fingerprint


def test_twins_are_numbered():
    assert [f.fingerprint[-2:] for f in stamp(finding(5), finding(5), finding(8))] == [
        *(":1", ":2", ":1")
    ]


def test_without_a_place_the_script_counts():
    (one,) = stamp(finding(8, location=None))
    (two,) = stamp(finding(8))
    assert one.fingerprint == two.fingerprint


def test_paths_outside_the_project():
    assert project_path("/usr/lib/site-packages/torch/nn.py", ROOT, ROOT) == (
        "site-packages/torch/nn.py"
    )
    assert project_path("/elsewhere/b.py", ROOT, ROOT) == "b.py"
    assert project_path("./src/../train.py", ROOT, ROOT) == "train.py"
