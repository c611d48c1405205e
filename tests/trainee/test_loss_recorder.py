"""What is recorded of losses, against the same figures computed by plain autograd."""

from __future__ import annotations

import pytest
import torch
from test_driver import driver  # noqa: F401 - a fixture
from torch import nn
from torch.nn import functional

SCRIPT = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
ids = torch.randint(1, 12, (160, 7))
ids[torch.arange(160) % 2 == 0, 4:] = 0
tags = (ids % 3).masked_fill(ids == 0, -100)
loader = DataLoader(TensorDataset(ids, tags), batch_size=16)
class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(12, 8, padding_idx=0)
        self.head = nn.Linear(8, 3)
    def forward(self, ids):
        return self.head(self.table(ids))
model = Tagger()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for ids, tags in loader:
    scores = model(ids)
    first = nn.functional.cross_entropy(scores.flatten(0, 1), tags.flatten())
    second = nn.functional.mse_loss(scores, torch.zeros_like(scores))
    loss = SUM
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("first + second", [1.0, 1.0]),
        ("0.5 * first - 3 * second", [0.5, -3.0]),
        ("(first + second) / 4", [0.25, 0.25]),
        ("first + 0 * second.detach()", [1.0]),
    ],
)
def test_the_weight_of_each_loss_is_its_derivative(driver, text, weights):  # noqa: F811 - the fixture
    made = driver(SCRIPT.replace("SUM", text))
    first = [c for c in made.tape.openings if c.update == 0]
    assert [c.weights for c in first if c.weights] == [[pytest.approx(w)] for w in weights]


def test_ignored_positions_pull_at_nothing_and_the_others_as_autograd_says(driver):  # noqa: F811 - see above
    made = driver(SCRIPT.replace("SUM", "first"))
    call = made.tape.openings[0]
    scores = call.prediction.clone().requires_grad_()
    functional.cross_entropy(scores, call.target).backward()
    assert torch.allclose(call.pull, scores.grad.norm(dim=1))
    assert bool((call.pull[call.target == -100] == 0).all())
    assert [tuple(t.shape) for t in call.given] == [(16, 7)]
    assert torch.allclose(call.outputs[0].flatten(), call.pull)


def test_the_gradients_of_terms_of_unlike_size_are_measured_one_by_one(driver):  # noqa: F811 - see above
    made = driver(SCRIPT.replace("SUM", "first + 400 * second"))
    terms = [e.details["terms"] for e in made.tape.of("backward")[:4]]
    assert [bool(t) for t in terms] == [False, True, True, False]
    names = [call.function if call else "rest" for call, _ in terms[1]]
    assert names == ["cross_entropy", "mse_loss", "rest"]
    norms = [norm for _, norm in terms[1]]
    assert norms[1] > 50 * norms[0] > 0
    assert norms[2] < 1e-4 * norms[1]


def test_the_graph_says_what_a_loss_hangs_on():
    from mldoctor.trainee import graph

    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    x = torch.randn(5, 4, requires_grad=True)
    output = model(x)
    nodes = [output.grad_fn]
    penalty = sum(p.square().sum() for p in model.parameters())
    assert graph.summary(output.sum(), nodes).uses_output is True
    assert graph.summary(penalty, nodes).uses_output is False
    slope = torch.autograd.grad(output.sum(), x, create_graph=True)[0]
    assert graph.summary(slope.square().sum(), nodes).uses_output is True
    assert graph.summary(output.round().sum(), nodes).stairs == ("round",)
    assert graph.origin(output.view(-1)) == "layer"
    assert graph.origin(output.log_softmax(1)) == "log-softmax"
    assert graph.origin(output.detach()) == ""
    sequence = nn.Linear(8, 3)(nn.LSTM(4, 8, batch_first=True)(x[None])[0])
    assert graph.origin(sequence.view(-1, 3)) == "layer"  # its bias is an operation of its own
    assert graph.origin(sequence + sequence.tanh()) == "AddBackward0"


def test_classes_that_a_reshape_moved():
    from mldoctor.trainee import graph

    scores = nn.Linear(4, 5)(torch.randn(2, 7, 4))
    assert graph.classes_reshaped(scores.view(2, 5, 7))
    assert graph.classes_reshaped(scores.reshape(14, 5).reshape(2, 7, 5).reshape(2, 5, 7))
    assert not graph.classes_reshaped(scores.transpose(1, 2))
    assert not graph.classes_reshaped(scores.transpose(1, 2).reshape(2, 5, 7, 1))
    assert not graph.classes_reshaped(scores.view(14, 5))
    assert not graph.classes_reshaped(nn.Linear(4, 35)(torch.randn(2, 4)).view(2, 5, 7))
    assert not graph.classes_reshaped(nn.Conv1d(4, 6, 1)(torch.randn(2, 4, 5)).view(2, 5, 6))


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda x: (x * 0).square().sum(1).sqrt(), ("square root", 5)),
        (lambda x: (x * 0 - 1).relu().log(), ("logarithm", 15)),
        (lambda x: x / (x * 0), ("division", 15)),
        (lambda x: (x * 0 + 1e-6).sqrt(), None),
        (lambda x: (x * 0) ** 2, None),
        (lambda x: (x * 0) ** 0.5, ("power", 15)),
    ],
    ids=["root", "logarithm", "division", "guarded root", "square", "power"],
)
def test_singular_operations_of_a_loss(make, found):
    from mldoctor.trainee import graph

    x = nn.Linear(4, 3)(torch.randn(5, 4))
    assert graph.singular(make(x).sum()) == found
