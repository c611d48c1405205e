"""When a slow fall of the loss is one that the planned training has no time for."""

from __future__ import annotations

import weakref

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from mldoctor.facts.overfit_curve import OverfitCurve, _hopeless
from mldoctor.facts.schedules import planned_updates
from mldoctor.trainee.plan import Loop, Plan
from mldoctor.trainee.tape import LoaderInfo, Tape


def creeping(fall, uninformed=None):
    losses = tuple(1.0 - fall * i / 149 for i in range(150))
    return OverfitCurve(losses, 150, 150, 20, None, {}, {}, uninformed, None, "creeping")


def tape(*lengths, updates=None):
    loops = tuple(Loop("train.py", 1, 9, length, loader=False) for length in lengths)
    made = Tape()
    made.optimizers, made.optimizer_steps = [object()], [30]
    made.plans[0] = Plan(loops, updates)
    return made


@pytest.mark.parametrize(
    ("lengths", "updates", "planned"),
    [((6, 31), None, 186), ((200,), None, 200), ((6, None), None, None), ((None, 31), None, None),
     ((), None, None), ((), 75, 75)],
)  # fmt: skip
def test_the_planned_updates(lengths, updates, planned):
    assert planned_updates(tape(*lengths, updates=updates), 0) == planned


def test_a_loader_that_is_built_where_its_loop_begins():
    loader = DataLoader(TensorDataset(torch.zeros(70, 2)), 10)
    made = tape(6, None)
    made.loaders = [LoaderInfo(weakref.ref(loader), None)]
    assert planned_updates(made, 0) is None  # it was not trained on
    made.loaders[0].trained = 7
    assert planned_updates(made, 0) == 42


def test_a_fall_that_the_planned_training_has_no_time_for():
    slow = creeping(0.006)
    assert _hopeless(tape(6, 31), slow)
    assert not _hopeless(tape(600, 31), slow)
    assert not _hopeless(tape(6, None), slow)
    assert not _hopeless(tape(6, 31), creeping(0.06))


def test_what_labels_tell_and_what_was_loaded_is_not_judged():
    slow = creeping(0.006)
    assert not _hopeless(tape(6, 31), creeping(0.006, uninformed=0.69))
    loaded = tape(6, 31)
    loaded.loads = [object()]
    assert not _hopeless(loaded, slow)
    two = tape(6, 31)
    two.optimizer_steps = [30, 30]
    assert not _hopeless(two, slow)
