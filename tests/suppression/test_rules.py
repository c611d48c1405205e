"""What is set aside, what is kept, and what is said about the acceptances themselves."""

from dataclasses import replace
from pathlib import Path

import pytest

from mldoctor.findings import Finding, Location, Report, Run, Severity
from mldoctor.rank import ranked
from mldoctor.suppression.baseline import Entry
from mldoctor.suppression.fingerprints import project_path, stamped
from mldoctor.suppression.rules import Rules, applied

pytestmark = pytest.mark.usefixtures("throwaway_probes")

HEAD = Finding(
    "the head never changes",
    name="frozen-head",
    family="model",
    severity=Severity.ERROR,
    location=Location("train.py", 2),
    explains=("flat-loss",),
    subject="head",
)
FLAT = Finding(
    "the loss is flat", name="flat-loss", family="learning", severity=Severity.ERROR, symptom=True
)
ROOT = Path("/project")


def apply(source="", *, findings=(HEAD, FLAT), passed=(), complete=True, path="train.py", **rules):
    sources = {path: source}
    every = stamped(ranked(findings), "train.py", sources, ROOT, ROOT)
    report = Report(
        "train.py",
        "findings",
        findings=every,
        passed=passed,
        sources=sources,
        run=Run(updates=3),
    )
    where = lambda p: project_path(p, ROOT, ROOT)  # noqa: E731
    return applied(report, Rules(**rules), "train.py", where, complete=complete)


def names(report):
    return [f.name for f in report.findings]


def aside(report):
    return [(s.finding.name, s.by, s.reason) for s in report.suppressed]


def test_nothing_accepted():
    report = apply()
    assert names(report) == ["frozen-head", "flat-loss"]
    assert report.suppressed == ()


def test_an_ignore_on_the_line_takes_the_symptoms_along():
    """UX-39."""
    report = apply("x = 1\ny = 2  # mldoctor: ignore[frozen-head] linear probe\n")
    assert names(report) == []
    assert aside(report) == [
        ("frozen-head", "ignore", "linear probe"),
        ("flat-loss", "ignore", "linear probe"),
    ]


def test_a_symptom_with_another_cause_stays():
    other = replace(HEAD, name="broken-probe", family="loop", location=Location("train.py", 9))
    report = apply("# mldoctor: file-ignore[frozen-head] x\n", findings=(HEAD, other, FLAT))
    assert names(report) == ["broken-probe", "flat-loss"]


def test_an_ignore_elsewhere_does_not_count():
    """UX-41: an ignore that suppressed nothing in a full run is a warning."""
    report = apply("x = 1  # mldoctor: ignore[frozen-head] linear probe\ny = 2\n")
    assert names(report) == ["frozen-head", "unused-ignore", "flat-loss"]
    unused = report.findings[1]
    assert unused.severity is Severity.WARNING
    assert unused.message == "an ignore of frozen-head suppresses nothing"
    assert (unused.location.line, unused.location.column) == (1, 8)


def test_nothing_is_unused_when_the_probe_did_not_run():
    """UX-41."""
    source = "x = 1  # mldoctor: ignore[broken-probe] x\n"
    assert "unused-ignore" not in names(apply(source))
    assert "unused-ignore" in names(apply(source, passed=("broken-probe",)))
    assert "unused-ignore" not in names(apply(source, passed=("broken-probe",), complete=False))


def test_an_ignore_without_a_reason_is_a_note():
    """UX-41."""
    report = apply("x = 1\ny = 2  # mldoctor: ignore[frozen-head]\n")
    assert names(report) == ["unexplained-ignore"]
    assert report.findings[0].severity is Severity.NOTE
    assert aside(report)[0] == ("frozen-head", "ignore", "no reason given")


def test_one_of_two_comments_may_have_the_reason():
    source = (
        "# mldoctor: file-ignore[frozen-head] on purpose\ny = 2  # mldoctor: ignore[frozen-head]\n"
    )
    report = apply(source)
    assert aside(report)[0][2] == "on purpose"
    assert names(report) == ["unexplained-ignore"]


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("ignore[frozn-head] x", "an ignore names a probe that does not exist"),
        ("ignore[model] x", "an ignore names a probe that does not exist"),
        ("ignore[all] x", "an ignore names a probe that does not exist"),
        ("ignore everything", "an ignore without names ignores nothing"),
    ],
)
def test_there_is_no_blanket_form(comment, message):
    """UX-39."""
    report = apply(f"x = 1\ny = 2  # mldoctor: {comment}\n")
    assert [f.message for f in report.findings if f.name == "unused-ignore"] == [message]
    assert "frozen-head" in names(report)


def test_a_finding_without_a_place_needs_a_file_ignore():
    report = apply("x = 1  # mldoctor: ignore[flat-loss] x\n", findings=(FLAT,))
    assert names(report) == ["unused-ignore", "flat-loss"]
    report = apply("x = 1  # mldoctor: file-ignore[flat-loss] x\n", findings=(FLAT,))
    assert names(report) == []


def test_accept_holds_for_the_project():
    """UX-40."""
    report = apply(accept={"frozen-head": "an ablation"})
    assert aside(report)[0] == ("frozen-head", "accept", "an ablation")
    assert names(report) == []


@pytest.mark.parametrize(
    ("glob", "listed", "left"),
    [
        ("train.py", ("frozen-head",), []),
        ("*.py", ("model",), []),
        ("*", ("all",), []),
        ("src/*.py", ("all",), ["frozen-head", "flat-loss"]),
        ("train.py", ("loop",), ["frozen-head", "flat-loss"]),
    ],
)
def test_per_file_ignores(glob, listed, left):
    """UX-40: globs, with names, families or all."""
    report = apply(per_file={glob: listed})
    assert names(report) == left
    assert all(by == "per-file-ignores" for _, by, _ in aside(report))


def test_a_known_finding_is_in_the_baseline():
    """UX-42: later runs report only new findings."""
    known = apply().findings[0]
    new = replace(HEAD, subject="tail", location=Location("train.py", 7))
    entry = Entry(known.fingerprint, "train.py", "frozen-head", reason="until the rewrite")
    report = apply(findings=(HEAD, new), entries=(entry,))
    assert [f.subject for f in report.findings] == ["tail"]
    assert aside(report) == [("frozen-head", "baseline", "until the rewrite")]
    report = apply(entries=(replace(entry, reason=""),))
    assert aside(report)[0] == ("frozen-head", "baseline", "in the baseline")


def test_an_entry_that_no_longer_occurs_fails_the_run():
    """UX-42."""
    entry = Entry("f:1", "train.py", "frozen-head", "train.py", "fit", "head")
    report = apply(findings=(), passed=("frozen-head",), entries=(entry,))
    assert names(report) == ["stale-baseline-entry"]
    assert report.worst() is Severity.ERROR
    assert report.findings[0].evidence[0].measured == "train.py in fit"
    assert names(apply(findings=(), entries=(entry,))) == []  # the probe did not run
    assert (
        names(apply(findings=(), passed=("frozen-head",), entries=(entry,), complete=False)) == []
    )


def test_an_entry_that_a_comment_covers_as_well_is_not_stale():
    entry = Entry(apply().findings[0].fingerprint, "train.py", "frozen-head")
    report = apply("# mldoctor: file-ignore[frozen-head] x\n", entries=(entry,))
    assert names(report) == []


def test_what_is_said_about_acceptances_can_be_accepted():
    source = "x = 1  # mldoctor: ignore[frozen-head] x\n"
    assert "unused-ignore" not in names(apply(source, accept={"unused-ignore": "moved soon"}))
    assert "unused-ignore" not in names(apply(source, per_file={"*": ("unused-ignore",)}))
