"""Labels, columns and splits of files, against simple models of a sample of their rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_digits

from mldoctor.case import report_of
from mldoctor.data.examination import Request, examine
from mldoctor.settings import Settings


@pytest.fixture
def findings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def look(*frames, label="target"):
        paths = []
        for number, frame in enumerate(frames):
            paths.append(tmp_path / f"{number}.csv")
            frame.to_csv(paths[-1], index=False)
        request = Request(tuple(paths), label=label)
        report = report_of(examine(request, Settings(), lambda *_: None))
        assert not report.crashed
        return {f.name: f for f in report.findings if f.severity != "note"}

    return look


@pytest.fixture
def tumours():
    frame = load_breast_cancer(as_frame=True).frame.sample(frac=1, random_state=0)
    frame.insert(0, "id", range(1000, 1000 + len(frame)))
    return frame[:400].reset_index(drop=True), frame[400:].reset_index(drop=True)


def test_two_sound_splits(findings, tumours):
    assert findings(*tumours) == {}


def test_a_label_map_of_its_own(findings, tumours):
    train, test = tumours
    assert list(findings(train, test.assign(target=1 - test.target))) == ["label-map-mismatch"]


def test_a_split_that_was_scaled_by_itself(findings, tumours):
    train, test = tumours
    inputs = test.columns.difference(["id", "target"])
    test[inputs] = (test[inputs] - test[inputs].mean()) / test[inputs].std()
    found = findings(train, test)
    assert list(found) == ["split-shift"]
    told = {row.name: row.measured for row in found["split-shift"].evidence}
    assert told["what tells them apart best"] in inputs


def test_a_column_that_is_known_after_the_label(findings):
    draw = np.random.default_rng(0)
    values = draw.normal(size=(500, 6))
    target = (values[:, 0] + draw.normal(size=500) > 0).astype(int)
    frame = pd.DataFrame(values, columns=list("abcdef")).assign(target=target)
    assert findings(frame) == {}
    frame["outcome_code"] = 5 * target + draw.normal(0, 0.3, 500)
    found = findings(frame)
    assert list(found) == ["leaking-feature"]
    assert found["leaking-feature"].subject == "outcome_code"


def test_labels_that_their_neighbours_contradict(findings):
    frame = load_digits(as_frame=True).frame.sample(frac=1, random_state=1)
    frame = frame.reset_index(drop=True)
    assert findings(frame) == {}
    draw = np.random.default_rng(0)
    wrong = draw.choice(len(frame), 200, replace=False)
    frame.loc[wrong, "target"] = (frame.target[wrong] + draw.integers(1, 10, 200)) % 10
    found = findings(frame)
    assert list(found) == ["noisy-labels"]
    rows = {row.name: row.measured for row in found["noisy-labels"].evidence}
    named = {int(part) for part in rows["dataset index"].split(", ")}
    assert len(named & set(wrong.tolist())) >= 0.9 * len(named)


def test_texts_with_renamed_classes(findings):
    draw = np.random.default_rng(2)
    topics = [["goal", "team", "coach"], ["stock", "bank", "price"], ["virus", "cell", "gene"]]
    common = [f"word{i}" for i in range(200)]

    def texts(count, shift):
        rows = []
        for _ in range(count):
            topic = int(draw.integers(3))
            words = [*draw.choice(topics[topic], 3), *draw.choice(common, 9)]
            rows.append((" ".join(draw.permutation(words)), (topic + shift) % 3))
        return pd.DataFrame(rows, columns=["text", "target"])

    assert findings(texts(300, 0), texts(120, 0)) == {}
    assert list(findings(texts(300, 0), texts(120, 1))) == ["label-map-mismatch"]


def test_rows_without_numbers_or_labels(findings):
    colours = pd.DataFrame({"shade": ["red", "blue"] * 60, "form": ["round", "flat", "long"] * 40})
    assert "noisy-labels" not in findings(colours.assign(target=[0, 1] * 60))
    assert "split-shift" not in findings(colours, colours[:50], label=None)
