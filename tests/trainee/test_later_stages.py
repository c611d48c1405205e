"""What the script trains after its first loop."""

from __future__ import annotations

import contextlib
import io
import runpy

import pytest
import torch

from mldoctor.facts.loaded_weights import loaded_weights
from mldoctor.facts.parameters import parameters
from mldoctor.trainee.later_stages import StagedDriver

START = """
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
x = torch.randn(320, 8)
y = (x[:, 0] > 0).long()
loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
def fit(model, optimizer, epochs):
    for epoch in range(epochs):
        model.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            cross_entropy(model(xb), yb).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            model(x[:50])
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
"""

FROZEN_FIRST = """
model[0].requires_grad_(False)
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-2)
fit(model, optimizer, {epochs})
model[0].requires_grad_(True)
fit(model, optimizer, 3)
"""

OTHER_MODEL = """
fit(model, torch.optim.Adam(model.parameters(), lr=1e-2), {epochs})
second = nn.Sequential(model[0], nn.ReLU(), nn.Linear(16, 2))
fit(second, torch.optim.Adam(second[2].parameters(), lr=1e-2), 3)
"""

FOLDS = """
for fold in range(4):
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    fit(model, torch.optim.Adam(model.parameters(), lr=1e-2), 2)
"""

TURNS = """
one = torch.optim.Adam(model[0].parameters(), lr=1e-3)
two = torch.optim.Adam(model[2].parameters(), lr=1e-3)
for epoch in range(6):
    for count, (xb, yb) in enumerate(loader):
        first = count % 6 == 0
        model[0].requires_grad_(first)
        model[2].requires_grad_(not first)
        one.zero_grad()
        two.zero_grad()
        cross_entropy(model(xb), yb).backward()
        (one if first else two).step()
    with torch.no_grad():
        model(x[:50])
"""

ON_ONE_LINE = """
one, two = torch.optim.Adam(model.parameters(), lr=1e-2), torch.optim.Adam(model[2].parameters())
fit(model, one, 4)
fit(model, two, 4)
"""


LOOKED_AT = """
def look(net):
    cross_entropy(net(x[:50]), y[:50]).backward()
    net.zero_grad()
for _ in range(3):
    look(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2)))
look(model)
fit(model, torch.optim.Adam(model.parameters(), lr=1e-2), 6)
"""

BUILT_AFTER_BACKWARD = """
for epoch in range(3):
    for xb, yb in loader:
        model.zero_grad()
        cross_entropy(model(xb), yb).backward()
        torch.optim.Adam(model.parameters(), lr=1e-2).step()
"""

UNDONE = """
before = {name: value.clone() for name, value in model.state_dict().items()}
fit(model, torch.optim.Adam(model.parameters(), lr=1e-2), 1)
model.load_state_dict(before)
fit(model, torch.optim.Adam(model.parameters(), lr=1e-2), 6)
"""


@pytest.fixture
def driver(tmp_path):
    made = []

    def make(source):
        script = tmp_path / "train.py"
        script.write_text(START + source)

        def program():
            with contextlib.redirect_stdout(io.StringIO()):
                runpy.run_path(str(script), run_name="__main__")

        made.append(StagedDriver(program, budget=120))
        made[-1].observe()
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.mark.parametrize("epochs", [1, 2, 30])
@pytest.mark.parametrize("source", [FROZEN_FIRST, OTHER_MODEL], ids=["thawed", "built"])
def test_the_next_stage_is_observed_by_itself(driver, source, epochs):
    trainee = driver(source.format(epochs=epochs))
    first = trainee.tape
    assert {len(o.param_groups[0]["params"]) for o in first.optimizers} <= {2, 4}
    assert len(first.optimizers) == 1
    assert trainee.next_stage()
    assert trainee.tape is not first
    assert trainee.natural_updates >= 16
    assert len(trainee.tape.optimizers) == 1
    assert trainee.tape.of("backward", "step", "forward")
    assert trainee.begun().path.endswith("train.py")
    assert not trainee.next_stage()


def test_a_short_first_stage_leaves_its_own_loop_drivable(driver):
    trainee = driver(OTHER_MODEL.format(epochs=1))
    feed = trainee.fixed_set().batches
    losses = [step.loss for step in trainee.drive(feed, 25)]
    assert len(losses) == 25
    assert losses[-1] < losses[0]
    assert trainee.next_stage()


def test_parameters_of_a_later_stage_are_compared_with_its_own_beginning(driver):
    trainee = driver(FROZEN_FIRST.format(epochs=3))
    assert trainee.next_stage()
    rows = parameters(trainee).rows
    assert [bool(row.held_by) for row in rows] == [False, False, True, True]
    assert [row.moved > 0 for row in rows] == [False, False, True, True]
    assert all(row.trainable for row in rows)


def test_what_an_earlier_stage_trained_may_be_left_alone(driver):
    trainee = driver(OTHER_MODEL.format(epochs=3))
    assert len(parameters(trainee).rows) == 4
    assert trainee.next_stage()
    assert [row.name for row in parameters(trainee).rows] == ["model.2.weight", "model.2.bias"]


@pytest.mark.parametrize("source", [FOLDS, TURNS], ids=["folds", "in-turn"])
def test_the_same_again_is_no_stage(driver, source):
    trainee = driver(source)
    assert trainee.tape.updates >= 30
    assert not trainee.next_stage()


def test_two_optimizers_of_one_line_are_two(driver):
    trainee = driver(ON_ONE_LINE)
    assert trainee.next_stage()
    assert [len(o.param_groups[0]["params"]) for o in trainee.tape.optimizers] == [2]


def test_the_recorders_are_gone_afterwards(driver):
    before = torch.optim.Optimizer.__init__, torch.utils.data.DataLoader.__iter__
    trainee = driver(OTHER_MODEL.format(epochs=2))
    assert trainee.next_stage()
    trainee.stop()
    assert (torch.optim.Optimizer.__init__, torch.utils.data.DataLoader.__iter__) == before


def test_what_was_loaded_before_a_later_stage_is_known_there(driver):
    loading = """
kept = dict(("module." + name, value) for name, value in model.state_dict().items())
second = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
fit(model, torch.optim.Adam(model.parameters(), lr=1e-2), {epochs})
second.load_state_dict(kept, strict=False)
fit(second, torch.optim.Adam(second.parameters(), lr=1e-2), 3)
"""
    trainee = driver(loading.format(epochs=3))
    assert trainee.next_stage()
    (row,) = loaded_weights(trainee).rows
    assert (row.own, row.matched, row.renamed) == (4, 0, 4)


def test_gradients_that_are_only_looked_at_are_no_training(driver):
    trainee = driver(LOOKED_AT)
    assert len(trainee.tape.roots) == 1
    assert [e.details["what"] for e in trainee.tape.of("seed")] == ["torch"]
    rows = parameters(trainee).rows
    assert len(rows) == 4
    assert all(row.held_by and row.moved > 1e-3 for row in rows)
    losses = [step.loss for step in trainee.drive(trainee.fixed_set().batches, 25)]
    assert losses[-1] < losses[0]
    again = [step.loss for step in trainee.drive(trainee.fixed_set().batches, 25)]
    assert again == losses


def test_a_backward_before_its_optimizer_is_part_of_the_training(driver):
    trainee = driver(BUILT_AFTER_BACKWARD)
    assert [e.kind for e in trainee.tape.of("backward", "step")][:2] == ["backward", "step"]


def test_weights_that_are_put_back_have_moved_nevertheless(driver):
    trainee = driver(UNDONE)
    assert all(0 < row.moved < 1e-3 for row in parameters(trainee).rows)


def test_what_a_search_for_a_rate_moved_and_put_back_is_not_trained_yet(driver):
    trainee = driver(
        UNDONE.replace("model.parameters(), lr=1e-2), 6", "model[0].parameters(), lr=1e-2), 6")
    )
    assert trainee.next_stage()
    rows = parameters(trainee).rows
    assert [bool(row.held_by) for row in rows] == [True, True, False, False]
