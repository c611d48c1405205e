"""The arrays behind the batches of loops without a loader."""

from __future__ import annotations

import contextlib
import io
import runpy

import pytest

from mldoctor.errors import AbsentFact
from mldoctor.facts.held_overlap import held_overlap
from mldoctor.trainee.driver import Driver

LOOP = """
import numpy as np
import torch
from torch import nn
torch.manual_seed(0)
rng = np.random.default_rng(0)
data = rng.normal(size=(300, 6))
label = (data[:, 0] > 0).astype(int)
model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
{split}
def as_batch(x, y):
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)
for step in range(60):
    take = rng.choice({rows}, 20)
    x, y = as_batch({x}[take], {y}[take])
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 5 == 4:
        model.eval()
        with torch.no_grad():
            {evaluate}
        model.train()
"""
ARRAYS = {"rows": "len(x_train)", "x": "x_train", "y": "y_train"}
INDICES = {"rows": "train_idx", "x": "data", "y": "label"}
PARTS = "x_train, y_train, x_val, y_val = data[:200], label[:200], data[{}:], label[{}:]"
VAL = "model(as_batch(x_val, y_val)[0])"


@pytest.fixture
def trainee(tmp_path):
    made = []

    def make(**parts):
        script = tmp_path / "train.py"
        script.write_text(LOOP.format(**parts))

        def program():
            with contextlib.redirect_stdout(io.StringIO()):
                runpy.run_path(str(script), run_name="__main__")

        made.append(Driver(program))
        made[-1].observe()
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.mark.parametrize(("first", "shared"), [(200, 0), (170, 30)])
def test_rows_of_two_arrays(trainee, first, shared):
    patient = trainee(split=PARTS.format(first, first), evaluate=VAL, **ARRAYS)
    assert [held.name for held in patient.held_splits()] == ["x_train", "x_val"]
    (row,) = held_overlap(patient).found.rows
    assert (row.read, row.shared) == (300 - first, shared)


@pytest.mark.parametrize(("start", "shared"), [(200, 0), (180, 20)])
def test_rows_by_two_lists_of_indices(trainee, start, shared):
    split = f"order = rng.permutation(300)\ntrain_idx, val_idx = order[:200], order[{start}:]"
    patient = trainee(
        split=split, evaluate="model(as_batch(data[val_idx], label[val_idx])[0])", **INDICES
    )
    names = [held.name for held in patient.held_splits()]
    assert names == ["data[train_idx]", "data[val_idx]"]
    (row,) = held_overlap(patient).found.rows
    assert row.shared == shared


def test_batches_of_an_evaluation_are_rows_of_one_array(trainee):
    evaluate = "[model(as_batch(x_val[i:i + 25], y_val)[0]) for i in range(0, 100, 25)]"
    patient = trainee(split=PARTS.format(200, 200), evaluate=evaluate, **ARRAYS)
    assert [len(held) for held in patient.held_splits()] == [200, 100]


@pytest.mark.parametrize(
    "evaluate",
    ["model(as_batch(x_train, y_train)[0])", "model(as_batch(x_train[:50], y_train)[0])"],
    ids=["training accuracy", "of some rows"],
)
def test_the_training_rows_again_are_no_other_split(trainee, evaluate):
    patient = trainee(split=PARTS.format(200, 200), evaluate=evaluate, **ARRAYS)
    with pytest.raises(AbsentFact):
        held_overlap(patient)


def test_a_pass_over_all_data_is_no_split(trainee):
    split = PARTS.format(200, 200)
    patient = trainee(split=split, evaluate="model(as_batch(data, label)[0])", **ARRAYS)
    assert held_overlap(patient).found.rows == ()


def test_what_is_asked_in_every_update_is_no_evaluation(trainee):
    split = PARTS.format(200, 200) + "\nx_next = data[100:]"
    asked = VAL + "\n    with torch.no_grad():\n        model(as_batch(x_next, label)[0])"
    patient = trainee(split=split, evaluate=asked, **ARRAYS)
    assert [held.name for held in patient.held_splits()] == ["x_train", "x_val"]
    seldom = VAL + "; model(as_batch(x_next, label)[0])"
    patient = trainee(split=split, evaluate=seldom, **ARRAYS)
    assert "x_next" in [held.name for held in patient.held_splits()]


GRAPH = """
import torch
from torch import nn
torch.manual_seed(0)
x, y = torch.randn(200, 6), torch.randint(0, 3, (200,))
near = torch.softmax(torch.randn(200, 200), 1)
order = torch.randperm(200)
{split}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8), nn.Linear(8, 3)
    def forward(self, near, x):
        return self.b(near @ torch.relu(self.a(near @ x)))
model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(60):
    loss = nn.functional.cross_entropy(model(near, x)[{rows}], y[{rows}])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        model(near, x).argmax(1)
"""
LISTS = "train_rows, val_rows, test_rows = order[:{}], order[100:150], order[150:]"
MASKS = "train_mask, test_mask = (torch.zeros(200, dtype=torch.bool) for _ in range(2))\n"


@pytest.mark.parametrize(
    ("split", "rows", "shared"),
    [
        (LISTS.format(100), "train_rows", {"val_rows": 0, "test_rows": 0}),
        (LISTS.format(120), "train_rows", {"val_rows": 20, "test_rows": 0}),
        (LISTS.format(150), "train_rows", {"test_rows": 0}),  # trained on the validation rows, too
        (LISTS.format(130), "order[:120]", {}),  # whose rows these are is not to be told
        (
            MASKS + "train_mask[order[:130]] = True\ntest_mask[order[120:]] = True",
            "train_mask",
            {"test_mask": 10},
        ),
        ("train_rows, other = order[:120], order[100:]", "train_rows", {}),
    ],
)
def test_rows_picked_from_the_answer_for_all_nodes(tmp_path, split, rows, shared):
    script = tmp_path / "graph.py"
    script.write_text(GRAPH.format(split=split, rows=rows))

    def program():
        with contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(str(script), run_name="__main__")

    patient = Driver(program)
    try:
        patient.observe()
        if shared:
            found = held_overlap(patient).found.rows
            assert {row.evaluation.dataset: row.shared for row in found} == shared
        else:
            with pytest.raises(AbsentFact):
                held_overlap(patient)
    finally:
        patient.stop()
