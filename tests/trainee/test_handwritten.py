"""Losses that scripts write out are found again in the graph."""

from __future__ import annotations

import pytest
import torch
from test_driver import driver  # noqa: F401 - a fixture
from torch import nn

from mldoctor.trainee.handwritten import note_difference, written

SCRIPT = """
import torch
from torch import nn
torch.manual_seed(0)
x = torch.randn(64, 3)
y = x @ torch.tensor([1.0, -2.0, 0.5])
k = (y > 0).long()
model = nn.Linear(3, OUT)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(12):
    p = model(x)
    loss = LOSS
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


@pytest.mark.parametrize(
    ("text", "outputs", "function", "shapes"),
    [
        ("((p - y) ** 2).mean()", 1, "mse_loss", ((64, 1), (64,))),
        ("(y[:, None] - p).pow(2).sum() / 64", 1, "mse_loss", ((64, 1), (64, 1))),
        ("(p - y + nn.functional.softplus(2 * (y - p))).mean()", 1, "l1_loss", ((64, 1), (64,))),
        ("nn.functional.softplus(p - y[:, None]).mean()", 1, None, None),
        ("torch.square(p.squeeze(1) - y).mean()", 1, "mse_loss", ((64,), (64,))),
        ("(p.squeeze(1) - y).norm()", 1, "mse_loss", ((64,), (64,))),
        ("((p - y[:, None]) * (p - y[:, None])).mean()", 1, None, None),
        ("torch.sub(p, y[:, None]).abs().mean()", 1, "l1_loss", ((64, 1), (64, 1))),
        ("-torch.log_softmax(p, 1)[range(64), k].mean()", 2, "nll_loss", ((64, 2), (64,))),
        ("-p.softmax(1).log().gather(1, k[:, None]).mean()", 2, "nll_loss", ((64, 2), (64,))),
        ("-(nn.functional.one_hot(k).float() * p.log_softmax(1)).sum(1).mean()", 2,
         "cross_entropy", ((64, 2), (64, 2))),
        ("-(k[:, None] * torch.log(p.sigmoid() + 1e-8)).mean()", 1, None, None),
        ("-(k.float() * torch.log(p.sigmoid() + 1e-8)).mean()", 1,
         "binary_cross_entropy", ((64, 1), (64,))),
        ("p.pow(2).mean()", 1, None, None),
        ("(p[:, None] - x[None, :, :1]).pow(2).sum(-1).min(1).values.mean()", 1, None, None),
        ("(p.squeeze(1)[:, None] - y).abs().mean()", 1, None, None),
        ("(p - p.detach().mean()).pow(2).mean()", 1, None, None),
    ],
)  # fmt: skip
def test_what_a_written_loss_compares(driver, text, outputs, function, shapes):  # noqa: F811 - the fixture
    made = driver(SCRIPT.replace("LOSS", text).replace("OUT", str(outputs)))
    calls = {
        (c.function, tuple(c.prediction.shape), tuple(c.target.shape)) for c in made.tape.losses
    }
    assert calls == ({(function, *shapes)} if function else set())


def test_a_factor_that_is_the_same_difference_makes_a_square():
    p = torch.randn(4, 1, requires_grad=True)
    y = torch.randn(4, 1)
    error = p - y
    note_difference(p, y, error, None)
    (found,) = written((error * error).mean().grad_fn)
    assert found.function == "mse_loss"
    assert torch.equal(found.target, y)


def test_a_loss_below_a_layer_is_not_this_loss():
    layer = nn.Linear(1, 1)
    p = torch.randn(4, 1, requires_grad=True)
    error = p - torch.randn(4, 1)
    note_difference(p, torch.randn(4, 1), error, None)
    assert written(layer(error**2).mean().grad_fn) == []
