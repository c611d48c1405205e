"""Restore brings back every bit that a training step changes."""

from __future__ import annotations

import copy
import random

import numpy as np
import pytest
import torch
from torch import nn

from mldoctor.trainee.snapshot import Snapshot


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.Dropout(0.3))
        self.head = nn.Linear(12, 3)
        self.register_buffer("seen", torch.zeros(1), persistent=False)

    def forward(self, x):
        self.seen += len(x)
        return self.head(self.body(x))


def make(kind):
    torch.manual_seed(3)
    model = Net()
    optimizer = kind(model.parameters())
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    return model, optimizer, schedule


def train(model, optimizer, schedule, steps):
    losses = []
    for _ in range(steps):
        x, y = torch.randn(8, 6), torch.randint(3, (8,))
        x += float(np.random.rand()) + random.random()  # noqa: NPY002, S311 - what scripts draw from

        def closure(x=x, y=y):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            return loss

        losses.append(float(optimizer.step(closure)))
        schedule.step()
    return losses


KINDS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, amsgrad=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.05),
    "lbfgs": lambda p: torch.optim.LBFGS(p, max_iter=3),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before", [0, 5])
def test_the_same_steps_give_the_same_losses_to_the_last_bit(kind, before):
    model, optimizer, schedule = make(KINDS[kind])
    train(model, optimizer, schedule, before)
    saved = Snapshot.take([model], [optimizer], [schedule])
    state = copy.deepcopy(model.state_dict())
    first = train(model, optimizer, schedule, 6)
    model.head.requires_grad_(False)
    model.eval()
    saved.restore([model], [optimizer], [schedule])
    assert all(torch.equal(state[k], v) for k, v in model.state_dict().items())
    assert model.training
    assert all(p.requires_grad for p in model.parameters())
    assert train(model, optimizer, schedule, 6) == first


def test_non_persistent_buffers_and_gradients():
    model, optimizer, schedule = make(KINDS["sgd"])
    train(model, optimizer, schedule, 2)
    saved = Snapshot.take([model], [optimizer])
    seen = model.seen.clone()
    train(model, optimizer, schedule, 2)
    saved.restore([model], [optimizer])
    assert torch.equal(model.seen, seen)
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())


def test_a_tensor_that_two_modules_share_is_kept_once():
    model, optimizer, _ = make(KINDS["sgd"])
    saved = Snapshot.take([model, model.head], [optimizer])
    assert saved.modules[1].tensors == {}


def test_a_snapshot_can_be_restored_into_the_objects_of_another_run():
    model, optimizer, schedule = make(KINDS["adamw"])
    train(model, optimizer, schedule, 4)
    saved = Snapshot.take([model], [optimizer], [schedule])
    first = train(model, optimizer, schedule, 4)
    other = make(KINDS["adamw"])
    saved.restore([other[0]], [other[1]], [other[2]])
    assert train(*other, 4) == first
