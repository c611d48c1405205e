"""`--fix` applies one edit at a time and looks again before the next."""

from dataclasses import replace
from pathlib import Path

import pytest

from mldoctor.commands import _fix
from mldoctor.errors import FixError
from mldoctor.findings import Finding, Location, Remedy, Report, Severity, Verification
from mldoctor.settings import Settings
from mldoctor.verification import edits

# Both edits go between the same two lines.
SOURCE = """\
for epoch in range(3):
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()
        opt.step()
        clip_grad_norm_(model.parameters(), 1.0)
"""


def finding(name, line, outcome="verified"):
    return Finding(
        "message",
        name=name,
        family="loop",
        severity=Severity.ERROR,
        location=Location("train.py", line),
        remedy=Remedy("do it"),
        verified={"verified": True, "not done": None}.get(outcome, False),
        verification=Verification(outcome, "loss", 100),
    )


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(SOURCE)
    looked = []

    def examine():
        """What is still wrong with the file as it is now."""
        text = Path("train.py").read_text()
        looked.append(text)
        lines = text.splitlines()
        step = lines.index("        opt.step()") + 1
        found = []
        if "zero_grad" not in text:
            found.append(finding("missing-zero-grad", step))
        clip = next(at for at, line in enumerate(lines, 1) if "clip_grad_norm_" in line)
        if clip > step:
            found.append(finding("clip-without-effect", clip))
        return Report("train.py", "findings", tuple(found), sources={"train.py": text})

    return looked, examine


def test_overlapping_edits_are_applied_one_at_a_time(project, tmp_path, capsys):
    """UX-38: one fix per finding, with a re-check between; the second knows the first."""
    looked, examine = project
    first = examine()
    assert [f.name for f, _ in edits(first)] == ["missing-zero-grad", "clip-without-effect"]
    left = _fix.fixed(first, Settings(allow_dirty=True), tmp_path, examine)
    assert left.findings == ()
    assert len(looked) == 3  # the first examination, and one behind each edit
    before, between, after = (text.splitlines() for text in looked)
    assert len(between) == len(before) + 1
    assert len(after) == len(between)
    text = "\n".join(after)
    assert text.index("clip_grad_norm_") < text.index("opt.step()") < text.index("opt.zero_grad()")
    assert capsys.readouterr().err.count("Fixed: train.py") == 2


def test_a_fix_that_was_not_shown_to_help_is_not_applied(project, tmp_path):
    """UX-22, UX-36: advice and unverified edits are left to the user, also with the flag."""
    _, examine = project
    report = examine()
    for outcome, flag, applied in (
        ("no help", True, False),
        ("not done", False, False),
        ("not done", True, True),
    ):
        Path("train.py").write_text(SOURCE)
        tried = replace(
            report, findings=(finding("missing-zero-grad", 5, outcome),), sources=report.sources
        )
        settings = Settings(allow_dirty=True, unverified_fixes=flag)
        _fix.fixed(tried, settings, tmp_path, lambda: Report("train.py", "healthy"))
        assert ("zero_grad" in Path("train.py").read_text()) is applied, (outcome, flag)


def test_files_outside_of_the_project_are_never_changed(project, tmp_path):
    """UX-37."""
    _, examine = project
    other = tmp_path / "elsewhere"
    other.mkdir()
    with pytest.raises(FixError, match="outside the project"):
        _fix.fixed(examine(), Settings(allow_dirty=True), other, examine)
    assert Path("train.py").read_text() == SOURCE


def test_lines_end_as_they_did(project, tmp_path):
    """UX-37: encoding and line ends of the file stay."""
    _, examine = project
    report = examine()
    Path("train.py").write_bytes(SOURCE.replace("\n", "\r\n").encode())
    _fix.fixed(report, Settings(allow_dirty=True), tmp_path, lambda: Report("train.py", "healthy"))
    assert Path("train.py").read_bytes().count(b"\r\n") == SOURCE.count("\n") + 1
