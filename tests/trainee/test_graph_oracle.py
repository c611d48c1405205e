"""Which tensors a loss reaches, against gradients that autograd itself computes."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from mldoctor.trainee.graph import summary


class Forked(nn.Module):
    """A trunk with branches that lose their gradient in one way each."""

    def __init__(self, how):
        super().__init__()
        self.how = how
        self.trunk, self.side = nn.Linear(4, 6), nn.Linear(4, 6)
        self.table = nn.Embedding(6, 6)
        self.out = nn.Linear(6, 3)

    def forward(self, x):
        h, extra = torch.tanh(self.trunk(x)), torch.tanh(self.side(x))
        match self.how:
            case "detached":
                extra = extra.detach()
            case "without gradients":
                with torch.no_grad():
                    extra = extra * 2
            case "looked up":
                extra = self.table(extra.argmax(1))
            case "raw data":
                extra = torch.tensor(extra.tolist())
            case "checkpointed":
                extra = checkpoint(self.side, x, use_reentrant=False)
            case "left out":
                extra = torch.zeros_like(h)
            case "in place":
                extra = (extra + 1).add_(1).relu_()
        return self.out(h + extra)


HOWS = [
    "plain", "detached", "without gradients", "looked up", "raw data", "checkpointed", "left out",
    "in place",
]  # fmt: skip


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("frozen", [False, True])
def test_the_tensors_that_a_loss_reaches(how, frozen):
    torch.manual_seed(0)
    model = Forked(how)
    model.trunk.weight.requires_grad_(not frozen)
    loss = nn.functional.cross_entropy(model(torch.randn(5, 4)), torch.tensor([0, 1, 2, 0, 1]))
    found = summary(loss)
    asked = [p for p in model.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss, asked, allow_unused=True)
    reached = {id(p) for p, g in zip(asked, gradients, strict=True) if g is not None}
    assert found.reached == reached
    assert not found.leaf


@pytest.mark.parametrize("order", [1, 2])
def test_a_loss_of_derivatives(order):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
    x = torch.randn(6, 3, requires_grad=True)
    value = model(x).sum()
    for _ in range(order):
        (slope,) = torch.autograd.grad(value, x, create_graph=True)
        value = slope.pow(2).sum()
    found = summary(value)
    asked = [*model.parameters(), x]
    gradients = torch.autograd.grad(value, asked, allow_unused=True)
    # A bias that only shifts the output is on no path of its derivative.
    reached = {id(p) for p, g in zip(asked, gradients, strict=True) if g is not None}
    assert reached <= found.reached
    assert (id(model[2].bias) in found.reached) == (id(model[2].bias) in reached)
