"""Every treatment changes the live trainee while it is open, and nothing after."""

from __future__ import annotations

import contextlib
import io
import runpy

import pytest
import torch
from torch import nn

from mldoctor.facts.overfit_curve import memorise
from mldoctor.trainee.driver import Driver
from mldoctor.treatments.catalogue import AFTER_RATES, LONE_OPTIMIZER, OF_CAUSES, SPECIFIC, rates
from mldoctor.treatments.last_valid_step import last_valid_step
from mldoctor.treatments.standardised_inputs import moments

SCRIPT = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = 40 + 25 * torch.randn(160, 6)
y = (x[:, 0] > 40).long()
loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Dropout({dropout}), nn.Linear(16, 2))
model = model.to(torch.{dtype})
optimizer = torch.optim.{optimizer}
for epoch in range({epochs}):
    for xb, yb in loader:
        scores = model(xb.to(torch.{dtype})).float()
        loss = nn.functional.cross_entropy(scores, {labels})
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        {after}
"""
PLAIN = {
    "dropout": 0.0, "dtype": "float32", "epochs": 9, "labels": "yb", "after": "pass",
    "optimizer": "SGD(model.parameters(), lr=1e-4, momentum=0.9, weight_decay=1e-4)",
}  # fmt: skip
EVERY = {
    option.name: option.treat for option in (*SPECIFIC, *AFTER_RATES, *rates(higher_first=True))
}
EVERY |= {f"for {cause}": treat for cause, (_, treat) in OF_CAUSES.items()}


@pytest.fixture
def trainee(tmp_path):
    made = []

    def make(**options):
        script = tmp_path / "train.py"
        script.write_text(SCRIPT.format(**PLAIN | options))

        def program():
            with contextlib.redirect_stdout(io.StringIO()):
                runpy.run_path(str(script), run_name="__main__")

        made.append(Driver(program))
        made[-1].observe()
        return made[-1]

    yield make
    for one in made:
        one.stop()


def losses(trainee, treatment=None, updates=12, seed=0):
    return memorise(trainee, trainee.fixed_set(), updates, treatment, seed=seed).losses


def hooks(trainee):
    return [
        len(module._forward_hooks) + len(module._forward_pre_hooks)
        for model in trainee.models
        for module in model.modules()
    ]


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("epochs", [9, 1], ids=["one run", "run again"])
def test_nothing_is_left_behind(trainee, name, epochs):
    patient = trainee(dtype="bfloat16", dropout=0.3, epochs=epochs)
    before, kinds, count = (
        losses(patient),
        [p.dtype for p in patient.models[0].parameters()],
        hooks(patient),
    )
    functions = {
        n: getattr(nn.functional, n).__name__ for n in dir(nn.functional) if n.endswith("_loss")
    }
    losses(patient, EVERY[name])
    assert losses(patient) == before
    assert [p.dtype for p in patient.models[0].parameters()] == kinds
    assert all(p.requires_grad for p in patient.models[0].parameters())
    assert hooks(patient) == count
    assert functions == {
        n: getattr(nn.functional, n).__name__ for n in dir(nn.functional) if n.endswith("_loss")
    }


@pytest.mark.parametrize("option", [*SPECIFIC, LONE_OPTIMIZER], ids=lambda option: option.name)
def test_a_treatment_applies_where_it_changes_something(trainee, option):
    ill = {
        "uninformative-labels": {"labels": "yb[torch.randperm(len(yb))]"},
        "unsafe-half-precision": {"dtype": "bfloat16"},
        "extreme-hyperparameter": {"optimizer": "Adam(model.parameters(), lr=1e-4, eps=1.0)"},
        "lost-updates": {"after": "[p.data.clamp_(-1e-3, 1e-3) for p in model.parameters()]"},
        "unscaled-input": {},
        "decay-too-strong": {},
        "over-regularised": {"dropout": 0.5},
    }[option.cause]
    patient = trainee(**ill)
    assert option.applies(patient)
    assert losses(patient, option.treat) != losses(patient)


@pytest.mark.parametrize(
    "option",
    [o for o in (*SPECIFIC, LONE_OPTIMIZER) if o.cause != "unscaled-input"],
    ids=lambda option: option.name,
)
def test_a_treatment_does_not_apply_to_a_plain_loop(trainee, option):
    plain = trainee(optimizer="SGD(model.parameters(), lr=1e-4, momentum=0.9)")
    assert not option.applies(plain)


def test_a_treatment_goes_on_after_the_script_was_run_again(trainee):
    patient = trainee(epochs=1)
    higher = next(o for o in rates(higher_first=True) if o.factor == 10)
    long = losses(patient, higher.treat, updates=30)
    again = trainee(epochs=9)
    assert losses(again, higher.treat, updates=30) == pytest.approx(long, rel=1e-5)


def test_seeds_differ_where_updates_draw_random_numbers(trainee):
    patient = trainee(dropout=0.5)
    assert losses(patient, seed=1) != losses(patient)
    assert losses(patient, seed=1) == losses(patient, seed=1)


def test_a_table_is_standardised_feature_by_feature():
    table = torch.tensor([[1.0, 200.0, 7.0], [3.0, 600.0, 7.0]])
    mean, spread = moments(table)
    assert ((table - mean) / spread).tolist() == [[-1.0, -1.0, 0.0], [1.0, 1.0, 0.0]]
    mean, spread = moments(torch.tensor([[[1.0], [3.0]]]))
    assert (mean.item(), spread.item()) == (2.0, 1.0)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_the_last_step_of_a_padded_sequence_is_that_of_the_sequence_alone(kind, batch_first):
    torch.manual_seed(0)
    layer = kind(3, 4, batch_first=batch_first)
    alone = torch.randn(2, 5, 3)
    padded = torch.cat([alone, torch.zeros(2, 4, 3)], 1)
    given = padded if batch_first else padded.transpose(0, 1)
    want = layer(alone if batch_first else alone.transpose(0, 1))[0]

    class Patient:
        models = (layer,)

    with last_valid_step(Patient()):
        output, _ = layer(given)
    last = output[:, -1] if batch_first else output[-1]
    assert torch.allclose(last, want[:, -1] if batch_first else want[-1], atol=1e-6)
    assert "forward" not in vars(layer)


@pytest.mark.parametrize(
    ("layers", "frozen"), [("model[:1]", True), ("model[3:]", False), ("[]", False)]
)
def test_unfreezing_is_tried_on_a_model_that_is_mostly_frozen(trainee, layers, frozen):
    only = f"[p.requires_grad_(False) for m in {layers} for p in m.parameters()]"
    left = "[p for p in model.parameters() if p.requires_grad]"
    patient = trainee(optimizer=f"SGD([{only}, {left}][1], lr=1e-2)")
    (option,) = [o for o in AFTER_RATES if o.cause == "frozen-model"]
    assert option.applies(patient) is frozen
