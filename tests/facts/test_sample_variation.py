"""How far samples differ along a network, against numbers that are known."""

import copy

import pytest
import torch
from torch import nn

from mldoctor.errors import AbsentFact
from mldoctor.facts.sample_variation import sample_variation
from mldoctor.trainee.tape import Event, LossCall, RootCall, Tape


class Fake:
    """As much of a trainee as the fact looks at."""

    def __init__(self, module, *args, samples):
        self.tape = Tape()
        self.tape.roots = [module]
        self.tape.root_calls = {0: RootCall(module, args, {}, None, True)}
        self.tape.optimizers = [torch.optim.SGD(module.parameters(), lr=0.1)]
        self.tape.events = [Event("step", 0, 0, None, who=0)]
        target, given = torch.zeros(samples), torch.zeros(samples, 2)
        self.tape.losses = [LossCall("cross_entropy", None, 0, given, target, {}, True, True)]

        self.batch = (target,)

    def latest_batches(self):
        return [self.batch]


def test_it_is_the_deviation_over_the_size():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 7), nn.Dropout(0.5), nn.Sigmoid())
    x = torch.randn(6, 3)
    first, last = sample_variation(Fake(model, x, samples=6)).rows
    hidden = model[0](x).double()
    apart = (hidden - hidden.mean(0)).square().mean().sqrt() / hidden.square().mean().sqrt()
    assert first.variation == pytest.approx(float(apart.detach()))
    assert (first.kind, last.kind) == ("Linear", "Sigmoid")  # dropout passes on what it was given
    assert first.name.endswith(".0")


def test_a_layer_that_loses_the_input_shows():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 4))
    with torch.no_grad():
        model[0].weight.mul_(1e-9)
        model[0].bias.fill_(50.0)
    rows = sample_variation(Fake(model, torch.randn(6, 3), samples=6)).rows
    assert rows[0].variation < 1e-6
    assert rows[1].variation == rows[2].variation == 0.0


def test_sizes_equal_to_the_batch_do_not_confuse_it():
    model = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 6))
    assert len(sample_variation(Fake(model, torch.randn(6, 3), samples=6)).rows) == 3


def test_time_may_stand_before_the_samples():
    model = nn.GRU(3, 5)
    row = sample_variation(Fake(model, torch.randn(4, 6, 3), samples=6)).rows[0]
    assert row.variation > 0.01
    same = torch.randn(4, 1, 3).repeat(1, 6, 1)
    assert sample_variation(Fake(model, same, samples=6)).rows[0].variation < 1e-6


def test_it_leaves_nothing_behind():
    model, x = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), torch.randn(6, 3)
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    sample_variation(Fake(model, x, samples=6))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())
    assert all(m.training and not m._forward_hooks for m in model.modules())


def test_it_is_absent_where_samples_cannot_be_told():
    with pytest.raises(AbsentFact, match="samples"):
        sample_variation(Fake(nn.Linear(3, 2), torch.randn(5, 3), samples=6))
