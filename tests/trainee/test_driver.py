"""The script's own loop as a step function."""

from __future__ import annotations

import contextlib
import io
import runpy

import pytest
import torch
from torch import nn
from torch.optim import optimizer as optimizer_module
from torch.utils.data import DataLoader

from mldoctor.trainee.driver import Driver

LOADER = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
x = torch.randn(300, 8)
y = (x[:, 0] > 0).long()
loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range({epochs}):
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
        print("LOSS", loss.item())
"""

NO_LOADER = """
import torch
from torch import nn
torch.manual_seed(0)
x = torch.randn(300, 8)
y = (x[:, 0] > 0).long()
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range({epochs}):
    order = torch.randperm(300)
    for i in range(0, 300, 30):
        take = order[i : i + 30]
        loss = nn.functional.cross_entropy(model(x[take]), y[take])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""


@pytest.fixture
def driver(tmp_path):
    made = []

    def make(source, **options):
        script = tmp_path / "train.py"
        script.write_text(source)

        def program():
            with contextlib.redirect_stdout(options.pop("out", io.StringIO())):
                runpy.run_path(str(script), run_name="__main__")

        made.append(Driver(program, **options))
        made[-1].observe()
        return made[-1]

    yield make
    for one in made:
        one.stop()


def drive(driver, updates):
    feed = driver.fixed_set().batches or driver.replayed()
    return [step.loss for step in driver.drive(feed, updates)]


@pytest.mark.parametrize("source", [LOADER, NO_LOADER], ids=["loader", "no-loader"])
def test_two_drives_from_the_same_snapshot_are_equal_to_the_last_bit(driver, source):
    trainee = driver(source.replace("{epochs}", "9"))
    assert trainee.undrivable() == ""
    first = drive(trainee, 40)
    assert len(first) == 40
    assert first[-1] < 0.7 * first[0]
    assert drive(trainee, 40) == first


@pytest.mark.parametrize("dataset", ["data", "TensorDataset(x, y)"])
def test_a_loader_built_for_every_epoch_is_one_loader(driver, dataset):
    source = LOADER.replace("{epochs}", "9").replace(
        "for epoch", "data = loader.dataset\nfor epoch"
    )
    trainee = driver(
        source.replace("in loader:", f"in DataLoader({dataset}, batch_size=20, shuffle=True):")
    )
    assert [info.trained > 0 for info in trainee.tape.loaders] == [False, True]
    losses = drive(trainee, 60)
    assert len(losses) == 60
    assert losses[-1] < 0.5 * losses[0]


def test_a_script_that_ends_before_the_experiment_is_run_again(driver):
    trainee = driver(LOADER.replace("{epochs}", "1"))
    assert trainee.natural_updates <= 15
    losses = drive(trainee, 60)
    assert len(losses) == 60
    assert losses[-1] < 0.5 * losses[0]
    assert max(losses[30:]) < losses[0]  # the state was carried over, not begun anew


def test_the_fixed_set_has_twenty_samples_in_the_loops_own_batch_size(driver):
    trainee = driver(LOADER.replace("{epochs}", "2").replace("batch_size=20", "batch_size=50"))
    fixed = trainee.fixed_set()
    (batch,) = fixed.batches
    assert batch[0].shape == (50, 8)
    assert len({tuple(row.tolist()) for row in batch[0]}) == 20
    assert (fixed.samples, fixed.tiled) == (20, True)


def test_small_batches_are_cycled_until_there_are_twenty_samples(driver):
    trainee = driver(LOADER.replace("{epochs}", "2").replace("batch_size=20", "batch_size=8"))
    assert [len(b[0]) for b in trainee.fixed_set().batches] == [8, 8, 8]


def test_recorders_change_nothing(tmp_path):
    """The natural steps give the same losses to the last bit as a run without mldoctor (UX-69)."""
    source = LOADER.replace("{epochs}", "3")
    script = tmp_path / "train.py"
    script.write_text(source)
    plain, watched = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(plain):
        runpy.run_path(str(script), run_name="__main__")

    def program():
        with contextlib.redirect_stdout(watched):
            runpy.run_path(str(script), run_name="__main__")

    trainee = Driver(program, max_updates=12)
    trainee.observe()
    trainee.stop()
    expected, got = plain.getvalue().splitlines(), watched.getvalue().splitlines()
    assert len(got) >= 11
    assert got == expected[: len(got)]


def test_everything_that_is_patched_is_un_patched(driver):
    before = (
        DataLoader.__iter__,
        torch.autograd.backward,
        nn.functional.cross_entropy,
        torch.optim.Optimizer.zero_grad,
        nn.Module.__init__,
    )
    hooks = len(optimizer_module._global_optimizer_pre_hooks)
    trainee = driver(LOADER.replace("{epochs}", "2"))
    assert DataLoader.__iter__ is not before[0]
    trainee.stop()
    assert before == (
        DataLoader.__iter__,
        torch.autograd.backward,
        nn.functional.cross_entropy,
        torch.optim.Optimizer.zero_grad,
        nn.Module.__init__,
    )
    assert len(optimizer_module._global_optimizer_pre_hooks) == hooks


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise ValueError('no data')", "raised ValueError: no data"),
        ("import sys; sys.exit(4)", "sys.exit(4)"),
        ("print('nothing to train')", "without an optimizer step"),
    ],
)
def test_how_a_script_ended_is_said(driver, source, said):
    assert said in driver(source).outcome()


READY_MADE = """
import random
import numpy as np
import torch
from torch import nn

random.seed(0)
table = np.random.default_rng(0).normal(size=(60, 5)).astype("float32")
samples = [(row.tolist(), int(row[0] > 0)) for row in table]
model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(20):
    random.shuffle(samples)
    for row, label in samples:
        optimizer.zero_grad()
        scores = model({call})
        loss = nn.functional.cross_entropy(scores, torch.LongTensor([label]))
        loss.backward()
        optimizer.step()
"""


@pytest.mark.parametrize("call", ["torch.Tensor([row])", "input=torch.FloatTensor([row])"])
def test_samples_from_a_list_are_held_by_what_model_and_loss_are_given(driver, call):
    trainee = driver(READY_MADE.replace("{call}", call))
    cycles = trainee.replayed()
    assert len(cycles) == 5
    targets = [c.targets[0].tolist() for c in cycles]
    steps = list(trainee.drive(cycles, 40))
    assert all(step.held for step in steps)
    assert [s.calls[0].target.tolist() for s in steps] == targets * 8
    assert sum(s.loss for s in steps[20:]) < sum(s.loss for s in steps[:20])


def test_a_loop_that_works_on_another_batch_than_it_was_given_says_so(driver):
    source = READY_MADE.replace("{call}", "torch.Tensor([row])").replace(
        "loss = nn",
        "scores = model(torch.randn(1, 5)) if epoch else scores\n        loss = nn",
    )
    trainee = driver(source)
    assert not all(step.held for step in trainee.drive(trainee.replayed(), 40))
