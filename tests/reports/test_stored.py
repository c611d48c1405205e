"""Every text format over every report, as exact text.

The texts are in `stored/`, a file for each format. After a change that is meant, look at the
difference that `STORE_RENDERINGS=1 pytest tests/reports/test_stored.py` makes there.
"""

import os
import re
from pathlib import Path

import pytest
import sample_reports as sample

from mldoctor.reports import Look, formats, render

STORED = Path(__file__).parent / "stored"
BY_SCHEMA = {"json", "sarif"}
"""Validated by their schemas instead."""


@pytest.fixture(autouse=True)
def _sources(tmp_path, monkeypatch):
    (tmp_path / "train.py").write_text(sample.TRAIN, encoding="utf-8")
    (tmp_path / "モデル").mkdir()
    (tmp_path / "モデル" / "訓練.py").write_text(sample.FOREIGN_SOURCE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def told(kind):
    """All reports in one format, each under its name."""
    look = Look(show_skipped=True, show_suppressed=True)
    parts = (
        f"======== {name} ========\n{_lasting(render(report, kind, look))}\n"
        for name, report in sample.EVERY.items()
    )
    return "".join(parts)


def _lasting(text):
    """As it is written; without the style, and what another plotting library may draw otherwise."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    text = re.sub(r"<style>.*?</style>", "<style/>", text, flags=re.DOTALL)
    return re.sub(r'<svg class="pygal-chart".*?</svg>', "<svg/>", text, flags=re.DOTALL)


@pytest.mark.parametrize("kind", sorted(set(formats()) - BY_SCHEMA))
def test_the_text_is_what_it_was(kind):
    path = STORED / f"{kind}.txt"
    if os.environ.get("STORE_RENDERINGS"):
        path.write_text(told(kind), encoding="utf-8", newline="\n")
    assert told(kind) == path.read_text(encoding="utf-8")


def test_no_format_is_left_out():
    kept = {path.stem for path in STORED.glob("*.txt")}
    assert kept | BY_SCHEMA == set(formats())
