"""Annotations: workflow commands of GitHub Actions."""

from dataclasses import replace

import sample_reports as sample

from mldoctor.findings import Finding, Location, Severity
from mldoctor.reports import render


def findings(count, severity):
    return tuple(
        Finding(
            f"fault {at}",
            name="frozen-head",
            family="model",
            severity=severity,
            location=Location("gone.py", at),
        )
        for at in range(1, count + 1)
    )


def test_exact_text():
    """UX-46."""
    assert render(sample.PLOTTED, "github") == (
        "::error file=train.py,line=13,endLine=13,col=1,endColumn=20,title=frozen-head::"
        "the classification head never changes during training%0A"
        "head tensors held by the optimizer: 0 of 4 (expected 4 of 4)%0A"
        "largest head update in 120 steps: 0, exactly (expected above 0)%0A"
        "head gradient norm, step 1 / 120: 3.5 / 360 (expected cleared every step)%0A"
        "explains single-class-collapse, flat-loss%0A"
        "remedy: build the optimizer after the head\n"
    )


def test_severities():
    lines = render(sample.MANY, "github").splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::warning", "::notice"]


def test_nothing_for_a_clean_run():
    assert render(sample.HEALTHY, "github") == ""


def test_an_incomplete_run_says_so():
    assert render(sample.INCOMPLETE, "github") == (
        "::error title=mldoctor::Nothing was examined: train.py:22 raised RuntimeError.\n"
    )


def test_ten_of_each_and_the_last_says_how_many_more():
    """UX-46: at most 10 errors and 10 warnings, ranked."""
    every = findings(13, Severity.ERROR) + findings(10, Severity.WARNING)
    lines = render(replace(sample.CAUSE, findings=every), "github").splitlines()
    assert len(lines) == 20
    assert lines[9] == (
        "::error file=gone.py,line=10,title=frozen-head::"
        "fault 10%0A3 more errors: see the log of this step."
    )
    assert lines[19].endswith("::fault 10")
    one_more = replace(sample.CAUSE, findings=findings(11, Severity.ERROR))
    assert "1 more error:" in render(one_more, "github").splitlines()[9]


def test_ten_with_the_line_about_an_incomplete_run():
    report = replace(sample.STOPPED, findings=findings(12, Severity.ERROR))
    lines = render(report, "github").splitlines()
    assert len(lines) == 10
    assert "3 more errors" in lines[9]


def test_columns_only_on_spans_of_one_line():
    """UX-46."""
    finding = findings(1, Severity.ERROR)
    source = {"gone.py": "model = build(\n    1,\n)\n"}
    report = replace(sample.CAUSE, findings=finding, sources=source)
    text = render(report, "github")
    assert "line=1,endLine=1,col=1,endColumn=5," in text
    spread = replace(finding[0], location=Location("gone.py", 1, 9))
    assert "col=" not in render(replace(report, findings=(spread,)), "github")


def test_nothing_breaks_out():
    """UX-46: percent, line breaks, and in properties colon and comma, are escaped."""
    lines = render(sample.NASTY, "github").split("\n")
    assert lines.pop() == ""
    assert all(line.startswith("::error ") for line in lines)
    assert "b %250A::error::c" in lines[1]
    finding = replace(findings(1, Severity.ERROR)[0], location=Location("a,b: %\r\n.py", 1))
    text = render(replace(sample.CAUSE, findings=(finding,)), "github")
    assert "file=a%2Cb%3A %25 .py,line=1" in text
