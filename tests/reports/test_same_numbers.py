"""A figure is the same wherever it is read (UX-18)."""

import json
from html import unescape
from xml.etree import ElementTree as ET

import pytest
import sample_reports as sample

from mldoctor.findings import number
from mldoctor.reports import Look, render
from mldoctor.reports._plots import plot, table


@pytest.mark.parametrize("value", [0.00012345, 0.98765, 1.5, 12.3456, 987.654, 12345.6, 7, 1e12])
def test_two_to_four_significant_digits(value):
    """UX-18: whole numbers are whole, thousands are separated."""
    text = number(value)
    digits = text.replace(",", "").partition("e")[0].replace(".", "").lstrip("0")
    assert float(text.replace(",", "")) == pytest.approx(value, rel=5e-3)
    assert value == int(value) or 1 <= len(digits) <= 5
    assert value < 1000 or "," in text or value == 7


@pytest.mark.parametrize("name", ["cause", "many", "plotted"])
def test_measured_and_expected_stand_side_by_side_in_every_format(name):
    """UX-18: the same text in each format, the expectation behind what was measured."""
    report = sample.EVERY[name]
    shown = {kind: render(report, kind, Look(verbose=True)) for kind in ("full", "markdown")}
    shown["html"] = unescape(render(report, "html"))
    suite = ET.fromstring(render(report, "junit"))  # noqa: S314 - our own text
    shown["junit"] = " ".join(
        [*suite.itertext(), *(f"{p.get('name')} {p.get('value')}" for p in suite.iter("property"))]
    )
    shown["sarif"] = json.loads(render(report, "sarif"))["runs"][0]["results"].__repr__()
    stored = json.loads(render(report, "json"))["findings"]
    rows = [row for finding in report.findings for row in finding.evidence]
    assert [(r["name"], r["measured"], r["expected"]) for f in stored for r in f["evidence"]] == [
        (row.name, row.measured, row.expected) for row in rows
    ]
    # The others name the symptoms that a cause explains and leave their evidence to the page.
    told = [row for f in report.findings if f.explained_by is None for row in f.evidence]
    for kind, text in shown.items():
        for row in rows if kind in ("full", "html", "junit") else told:
            at = text.find(row.measured, text.find(row.name))
            assert at >= 0, (kind, row)
            if row.expected:
                assert 0 <= text.find(row.expected, at) - at < 200, (kind, row)


def test_exact_zero_is_called_exact():
    """UX-18: a change of 0 that was measured is told from one that was rounded."""
    rows = [row for finding in sample.CAUSE.findings for row in finding.evidence]
    assert "0, exactly" in [row.measured for row in rows]
    assert "0, exactly" in render(sample.CAUSE, "full")
    assert number(1e-30) != number(0)


def test_a_plot_and_its_table_say_the_same():
    """UX-18."""
    curve = sample.CURVES[0]
    _, rows, _ = table(curve)
    for (_, said), (_, values) in zip(plot(curve).key, curve.series, strict=False):
        assert said.endswith(f"{number(values[0])} to {number(values[-1])}")
        assert float(rows[0][1 + curve.series.index((said.partition(":")[0], values))]) == (
            pytest.approx(values[0], rel=1e-3)
        )
