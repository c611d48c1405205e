"""After each forward experiment everything is as it was, bit for bit."""

from __future__ import annotations

import contextlib
import random
from collections import deque

import numpy as np
import pytest
import torch
from oracle import Fake
from torch import nn

from mldoctor.errors import AbsentFact
from mldoctor.facts.embedding_spread import embedding_spread
from mldoctor.registry import Cost, facts
from mldoctor.trainee.quiet import COPIED, quiet
from mldoctor.trainee.tape import Event
from mldoctor.trainee.trainee import Trainee

EXPERIMENTS = {
    kind.__name__: fact
    for kind, fact in facts().items()
    if fact.cost is Cost.FORWARDS and fact.needs == (Trainee,)
}


class Messy(nn.Module):
    """A sequence tagger that keeps all sorts of things while it runs."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(12, 8, padding_idx=0)
        self.rnn = nn.GRU(8, 8, batch_first=True)
        self.norm = nn.BatchNorm1d(8)
        self.drop = nn.Dropout(0.2)
        self.out = nn.utils.parametrizations.spectral_norm(nn.Linear(8, 5))
        self.register_buffer("mean", torch.zeros(8))
        self.calls, self.state, self.bank = 0, torch.zeros(8), [torch.zeros(2)]
        self.seen, self.recent = {"rows": 0}, deque(maxlen=3)

    def forward(self, ids, attention_mask):
        self.calls += 1
        self.seen["rows"] += len(ids)
        self.later = len(ids)
        with torch.no_grad():
            self.embed.weight.div_(self.embed.weight.norm(dim=1, keepdim=True) + 1.0)
        x = torch.relu(self.rnn(self.embed(ids))[0])
        x = self.drop(self.norm(x.transpose(1, 2)).transpose(1, 2))
        self.mean = 0.9 * self.mean + 0.1 * x.detach().mean((0, 1))
        self.state.add_(x.detach().sum((0, 1)))
        self.bank.append(x.detach()[0])
        self.recent.append(random.random() + np.random.rand())  # noqa: NPY002, S311 - as scripts do
        return self.out(x + 0.01 * torch.randn_like(x)) * attention_mask.unsqueeze(-1)


def everything(model):
    """All that could be left behind: values, identities, modes, hooks, random states."""
    tensors = [*model.parameters(), *model.buffers(), model.state, *model.bank]
    return {
        "values": [t.detach().clone() for t in tensors],
        "versions": [id(t) for t in tensors],
        "gradients": [None if t.grad is None else t.grad.clone() for t in model.parameters()],
        "requires_grad": [t.requires_grad for t in model.parameters()],
        "modes": [m.training for m in model.modules()],
        "hooks": [
            (len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks))
            for m in model.modules()
        ],
        "plain": [(model.calls, dict(model.seen), list(model.recent), sorted(vars(model)))],
        "random": [
            torch.get_rng_state(),
            torch.tensor(np.random.get_state()[1].astype(np.int64)),  # noqa: NPY002 - as scripts do
            random.getstate(),
        ],
        "grad mode": [torch.is_grad_enabled()],
    }


def same(left, right):
    if isinstance(left, torch.Tensor):
        return isinstance(right, torch.Tensor) and torch.equal(left, right)
    return left == right


@pytest.fixture
def trainee():
    torch.manual_seed(0)
    model = Messy().train()
    ids = torch.randint(1, 12, (6, 9))
    mask = torch.ones_like(ids)
    ids[1:, 6:] = mask[1:, 6:] = 0
    target = ids[:, 1:].flatten()
    model(ids, mask).sum().backward()
    made = Fake(model, ids, mask, target=target, prediction=torch.randn(48, 5), batch=(ids, mask))
    made.memory_limit = 10**9
    return made


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_leaves_nothing_behind(name, trainee):
    model = trainee.tape.roots[0]
    given = [t.clone() for t in trainee.tape.root_calls[0].args]
    before = everything(model)
    with contextlib.suppress(AbsentFact):  # no such thing in this model: it leaves nothing either
        EXPERIMENTS[name].obtain(trainee)
    after = everything(model)
    for what, was in before.items():
        assert len(was) == len(after[what]), what
        assert all(same(a, b) for a, b in zip(was, after[what], strict=True)), what
    assert all(
        torch.equal(a, b) for a, b in zip(given, trainee.tape.root_calls[0].args, strict=True)
    )


def test_the_model_of_this_test_changes_where_nobody_puts_it_back(trainee):
    model = trainee.tape.roots[0]
    before = everything(model)
    with torch.no_grad():
        model(*trainee.tape.root_calls[0].args)
    after = everything(model)
    changed = {
        what
        for what, was in before.items()
        if len(was) != len(after[what])
        or not all(same(a, b) for a, b in zip(was, after[what], strict=True))
    }
    assert changed >= {"values", "versions", "plain", "random"}


def test_an_error_in_the_forward_is_put_back_too(trainee):
    model = trainee.tape.roots[0]
    before = everything(model)
    ids, mask = trainee.tape.root_calls[0].args
    with pytest.raises(RuntimeError), quiet(model), torch.no_grad():
        model(ids, mask[:, :2])
    after = everything(model)
    assert all(all(map(same, before[what], after[what])) for what in before)


def test_parameters_of_a_large_model_are_not_copied():
    model = nn.Linear(1, COPIED // 4 + 1, bias=False)
    with quiet(model), torch.no_grad():
        model.weight.zero_()
    assert not model.weight.any()


def test_comparing_with_the_weights_of_the_start_leaves_the_weights_of_now():
    class Views(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.3))

        def forward(self, left, right):
            return self.net(left), self.net(right)

    torch.manual_seed(0)
    model = Views()
    first = {id(t): torch.randn_like(t) for t in model.parameters()}
    trainee = Fake(model, torch.randn(16, 6), torch.randn(16, 6))
    trainee.initial_value = lambda tensor: first.get(id(tensor))
    trainee.tape.events.append(Event("backward", 0, 0, None))
    before = {name: t.clone() for name, t in model.state_dict().items()}
    state = torch.get_rng_state()
    (found,) = embedding_spread(trainee).models
    assert found.initial != found.now
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())
    assert all(m.training for m in model.modules())
