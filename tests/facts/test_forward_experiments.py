"""The forward experiments against the Jacobian of tiny models, and what they leave behind."""

from __future__ import annotations

import copy

import pytest
import torch
from oracle import Fake
from torch import nn

from mldoctor.facts.evaluation_noise import evaluation_noise
from mldoctor.facts.forward_dependence import forward_dependence


class Recurrent(nn.Module):
    def __init__(self, batch_first):
        super().__init__()
        self.rnn = nn.GRU(3, 5, batch_first=batch_first)
        self.norm = nn.BatchNorm1d(5)

    def forward(self, x):
        return self.norm(self.rnn(x)[0].mean(1))


@pytest.mark.parametrize("batch_first", [True, False])
def test_mixing_agrees_with_the_jacobian(batch_first):
    torch.manual_seed(0)
    model, x = Recurrent(batch_first), torch.randn(6, 4, 3)
    trainee = Fake(model, x, target=torch.zeros(6), prediction=torch.zeros(6, 5))
    found = forward_dependence(trainee).models[0]
    model.eval()
    jacobian = torch.autograd.functional.jacobian(lambda t: model(t).sum(1), x)
    across = jacobian.abs().sum((2, 3)).fill_diagonal_(0).max()
    assert found.samples == 6
    assert (found.mixed > 1e-3) == bool(across > 0)


def test_nothing_is_left_behind():
    model, x = Recurrent(True), torch.randn(6, 4, 3)
    model.train()
    before, given = copy.deepcopy(model.state_dict()), x.clone()
    state = torch.get_rng_state()
    trainee = Fake(model, x, target=torch.zeros(6), prediction=torch.zeros(6, 5))
    forward_dependence(trainee)
    evaluation_noise(trainee)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert torch.equal(x, given)
    assert torch.equal(state, torch.get_rng_state())
    assert all(m.training for m in model.modules())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


@pytest.mark.parametrize("causal", [True, False])
def test_a_leak_is_seen_where_the_next_token_is_the_target(causal):
    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(9, 4)
            self.rnn = nn.GRU(4, 4, batch_first=True, bidirectional=not causal)

        def forward(self, ids):
            return self.rnn(self.embed(ids))[0]

    torch.manual_seed(0)
    ids = torch.randint(0, 9, (5, 9))
    target = ids[:, 1:].flatten()
    found = forward_dependence(Fake(Language(), ids[:, :-1], target=target, prediction=target))
    model = found.models[0]
    assert model.steps == 8
    assert (model.future > 1e-3) is not causal


def test_a_dropout_without_its_flag_is_named():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 4)

        def forward(self, x):
            return nn.functional.dropout(self.layer(x), 0.5)

    model = evaluation_noise(Fake(Noisy(), torch.randn(6, 3))).models[0]
    assert model.difference > 0
    assert [(name, rate) for name, rate, _ in model.dropouts] == [("dropout", 0.5)]
