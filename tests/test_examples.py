"""The examples are diagnosed as their folders say."""

from __future__ import annotations

from pathlib import Path

from examination import alarms, examine

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_collapse_is_folded_under_its_cause():
    report = examine(EXAMPLES / "imdb_collapse" / "broken.py")
    first, *others = report.findings
    assert first.name == "stale-optimizer"
    folded = {f.name for f in others if f.explained_by == "stale-optimizer"}
    assert {"single-class-collapse", "cannot-overfit", "frozen-model"} <= folded


def test_the_fixed_twin_is_quiet():
    assert alarms(examine(EXAMPLES / "imdb_collapse" / "fixed.py")) == []
