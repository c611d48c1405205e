"""What the recorders of order, schedules, randomness and kept weights write on the tape."""

from __future__ import annotations

import contextlib
import io
import runpy

import pytest

from mldoctor.facts.loader_use import loader_use
from mldoctor.facts.schedules import schedules
from mldoctor.facts.step_order import step_order
from mldoctor.trainee.driver import Driver

SCRIPT = """
import argparse
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

args = argparse.Namespace(epochs=7)
torch.manual_seed(0)
x = torch.randn(200, 8)
y = (x[:, 0] > 0).long()
train_loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
{before}

def fit(model, loader):
    for i, (xb, yb) in enumerate(loader):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_((p for p in model.parameters()), 1.0)
        optimizer.step()
        {batch}

for epoch in range(1, args.epochs + 1):
    fit(model, train_loader)
    {epoch}
"""


@pytest.fixture
def observed(tmp_path):
    made = []

    def observe(before="", batch="pass", epoch="pass", source=SCRIPT):
        script = tmp_path / "train.py"
        for name, text in (("before", before), ("batch", batch), ("epoch", epoch)):
            source = source.replace("{" + name + "}", text)
        script.write_text(source)

        def program():
            with contextlib.redirect_stdout(io.StringIO()):
                runpy.run_path(str(script), run_name="__main__")

        made.append(Driver(program))
        made[-1].observe()
        return made[-1]

    yield observe
    for one in made:
        one.stop()


STEP_LR = "scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)"


def test_the_plan_is_read_from_the_loops_around_the_step(observed):
    plan = observed().tape.plans[0]
    assert [(loop.length, loop.loader) for loop in plan.loops] == [(7, False), (10, True)]


def test_a_schedule_is_counted_per_update_and_per_epoch(observed):
    (row,) = schedules(observed(STEP_LR, batch="scheduler.step()")).rows
    assert (row.per, row.epochs, row.epoch_updates, row.calls) == ("update", 7, 10, row.updates - 1)
    assert row.by_update.idle > 0.8
    assert row.by_epoch.idle < 0.2
    (row,) = schedules(observed(STEP_LR, epoch="scheduler.step()")).rows
    assert row.per == "epoch"
    assert not row.unseen


def test_loops_around_the_schedule_are_not_part_of_its_plan(observed):
    source = SCRIPT.replace("{before}", "").replace(
        "for epoch in range(1, args.epochs + 1):\n    fit(model, train_loader)",
        f"for fold in range(5):\n  {STEP_LR}\n  for epoch in range(4):\n    fit(model, train_loader)",
    )
    row = schedules(observed(batch="scheduler.step()", source=source)).rows[0]
    assert (row.epochs, row.epoch_updates) == (4, 10)


def test_a_schedule_of_the_scripts_own_class_is_seen(observed):
    own = (
        "class Warm(torch.optim.lr_scheduler.LambdaLR):\n"
        "    def step(self, *args):\n"
        "        super().step(*args)\n"
        "scheduler = Warm(optimizer, lambda s: (s + 1) / 500)"
    )
    (row,) = schedules(observed(own, batch="scheduler.step()")).rows
    assert (row.kind, row.per) == ("Warm", "update")
    assert row.calls == row.updates - 1  # the step within its own step counts once


def test_a_clip_of_a_generator_still_clips(observed):
    rows = step_order(observed()).rows
    assert all(
        clip.when == "before the step" and clip.covers == 1 for r in rows for clip in r.clips
    )
    assert all(row.used <= 1.0 + 1e-6 for row in rows)


def test_steps_are_tied_to_the_loader_that_fed_them(observed):
    (row,) = loader_use(observed()).rows
    assert (row.name, row.steps, row.in_eval) == ("train_loader", 30, 0)


def test_a_rebuilt_optimizer_goes_on_counting(observed):
    built = "        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)\n"
    clear = "        optimizer.zero_grad()"
    trainee = observed(source=SCRIPT.replace(clear, built + clear))
    assert trainee.natural_updates == 30
    assert len(trainee.tape.current()) < len(trainee.tape.optimizers)


def test_seeds_and_generators_are_marked_without_drawing(observed):
    tape = observed().tape
    assert [e.details["what"] for e in tape.of("seed")] == ["torch"]
    assert len({mark.states for mark in tape.random if mark.entering}) > 20


def test_past_graphs_are_counted(observed):
    sound, kept = observed(), observed("losses = []", batch="losses.append(loss)")
    assert sound.tape.alive[11] - sound.tape.alive[4] <= 2
    assert kept.tape.alive[11] - kept.tape.alive[4] > 20


def test_a_kept_state_is_told_from_a_copy(observed):
    def held(expression):
        tape = observed("import copy; kept = []", epoch=f"kept.append({expression})").tape
        return sum(state.widest() is not None for state in tape.states)

    assert held("model.state_dict()")
    assert not held("copy.deepcopy(model.state_dict())")
