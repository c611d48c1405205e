"""Facts of small loops: densities, groups of batches that are cleared, held-out rows."""

from __future__ import annotations

import pytest
from test_driver import driver  # noqa: F401 - a fixture

from mldoctor.errors import AbsentFact
from mldoctor.facts.accumulation import accumulation
from mldoctor.facts.evaluations import evaluations
from mldoctor.facts.hyperparameters import hyperparameters
from mldoctor.facts.label_place import LabelPlace
from mldoctor.facts.loss_direction import loss_direction

START = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
x = torch.randn(220, 6)
y = x[:, :1] + 0.1 * torch.randn(220, 1)
loader = DataLoader(TensorDataset(x[:176], y[:176]), batch_size=16, shuffle=True)
model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
"""
DENSITY = """
for epoch in range(4):
    for a, b in loader:
        density = torch.distributions.Normal(model(a), 1.0)
        loss = LOSS
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""
GROUPS = """
for epoch in range(6):
    CLEARED
    for i, (a, b) in enumerate(loader):
        (nn.functional.mse_loss(model(a), b) / 4).backward()
        if (i + 1) % 4 == 0 LAST:
            optimizer.step()
            optimizer.zero_grad()
"""
SCORED = """
for epoch in range(4):
    for a, b in loader:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(a), b).backward()
        optimizer.step()
    with torch.no_grad():
        SCORE
"""


@pytest.mark.parametrize(
    ("loss", "weights"),
    [
        ("-density.log_prob(b).mean()", (1.0, 1.0)),
        ("density.log_prob(b).sum()", (-1.0, -1.0)),
        ("(density.log_prob(b) * torch.randn_like(b)).mean()", (0.0, 0.0)),
    ],
)
def test_what_is_done_to_a_density(driver, loss, weights):  # noqa: F811 - the fixture
    made = driver(START + DENSITY.replace("LOSS", loss))
    (row,) = loss_direction(made, LabelPlace(None, truncated=False)).rows
    assert (row.weights, row.from_batch) == (weights, True)


def test_a_density_of_samples_is_none_of_the_data(driver):  # noqa: F811 - the fixture
    made = driver(START + DENSITY.replace("LOSS", "density.log_prob(density.sample()).mean()"))
    (row,) = loss_direction(made, LabelPlace(None, truncated=False)).rows
    assert not row.from_batch


@pytest.mark.parametrize(
    ("cleared", "last", "dropped"),
    [
        ("optimizer.zero_grad()", "", {3}),
        ("pass", "", set()),  # it counts in the next epoch
        ("optimizer.zero_grad()", "or i + 1 == len(loader)", set()),
    ],
)
def test_groups_that_are_cleared(driver, cleared, last, dropped):  # noqa: F811 - the fixture
    (row,) = accumulation(
        driver(START + GROUPS.replace("CLEARED", cleared).replace("LAST", last))
    ).rows
    assert row.backwards == 4
    assert {*row.dropped} == dropped
    assert (row.share > 0.2) is bool(dropped)


def test_a_scaled_norm_is_told_without_the_scale(driver):  # noqa: F811 - the fixture
    made = driver(
        START
        + """
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
for epoch in range(3):
    for a, b in loader:
        optimizer.zero_grad()
        scaler.scale(nn.functional.mse_loss(model(a), b)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
"""
    )
    (row,) = hyperparameters(made).optimizers
    assert max(row.clip_norms) < 20.0


@pytest.mark.parametrize(
    ("score", "calls_of_a_batch"),
    [
        ("model(x[176:])", 1),
        ("[model(part) for part in x[176:].split(11)]", 1),
        ("[model(x[176:]) for _ in range(12)]", 12),
    ],
)
def test_rows_of_no_loader_are_evaluated(driver, score, calls_of_a_batch):  # noqa: F811 - see above
    (row,) = evaluations(driver(START + SCORED.replace("SCORE", score))).models
    assert row.in_train == calls_of_a_batch * row.batches
    assert row.layers


def test_rows_of_the_loader_are_no_evaluation(driver):  # noqa: F811 - the fixture
    made = driver(START + SCORED.replace("SCORE", "model(x[:40])"))
    with pytest.raises(AbsentFact):
        evaluations(made)


@pytest.mark.parametrize(("weighted", "counts"), [("", True), (" * (t != 0).sum() / 50", False)])
def test_labels_of_batches_that_weigh_the_same(driver, weighted, counts):  # noqa: F811 - the fixture
    made = driver(
        START
        + """
ids = torch.randint(1, 9, (220, 12))
for row in range(220):
    ids[row, 1 + (row // 10 % 4) * 3:] = 0
tagger = nn.Sequential(nn.Embedding(9, 8), nn.Linear(8, 9))
optimizer = torch.optim.SGD(tagger.parameters(), lr=0.1)
loader = DataLoader(TensorDataset(ids), batch_size=10)
for epoch in range(5):
    for i, (t,) in enumerate(loader):
        loss = nn.functional.cross_entropy(tagger(t).flatten(0, 1), t.flatten(), ignore_index=0)
        (loss / 2WEIGHTED).backward()
        if (i + 1) % 2 == 0:
            optimizer.step()
            optimizer.zero_grad()
""".replace("WEIGHTED", weighted)
    )
    (row,) = accumulation(made).rows
    assert row.labels == (((10, 40), (70, 100), (10, 40)) if counts else ())
