"""A loop that runs in this process: what is seen of it, and that it does not notice (UX-53)."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from mldoctor.errors import MldoctorError, SettingsError
from mldoctor.settings import Settings
from mldoctor.watch import watch

HERE = Path(__file__)


def made():
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(8, 24), nn.Dropout(0.2), nn.ReLU(), nn.Linear(24, 2))
    return model, torch.optim.Adam(model.parameters(), lr=1e-2)


def train(model, optimizer, epochs=2):
    x = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
    loader = DataLoader(
        TensorDataset(x, (x[:, 0] + x[:, 1] > 0).long()), batch_size=20, shuffle=True
    )
    for _ in range(epochs):
        for inputs, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()


def watched(model, optimizer, **settings):
    return watch(model, optimizer, Settings(**settings), HERE)


def names(report):
    return [finding.name for finding in report.findings if finding.severity != "note"]


def test_the_block_does_not_notice():
    """UX-53: same weights, modes and random numbers as without."""
    alone, optimizer = made()
    train(alone, optimizer)
    state = torch.get_rng_state()
    model, optimizer = made()
    with watched(model, optimizer) as seen:
        train(model, optimizer)
    assert seen.report.verdict == "healthy"
    assert seen.report.run.updates == 20
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in alone.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)
    assert model.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_the_recorders_are_gone_afterwards():
    step = torch.optim.Optimizer.__init__, torch.Tensor.backward, nn.functional.cross_entropy
    model, optimizer = made()
    with watched(model, optimizer):
        train(model, optimizer, epochs=1)
    after = torch.optim.Optimizer.__init__, torch.Tensor.backward, nn.functional.cross_entropy
    assert step == after


def test_a_fault_is_found_where_it_stands():
    model, optimizer = made()
    model[3] = nn.Linear(24, 2)
    with watched(model, optimizer) as seen:
        train(model, optimizer)
    assert "stale-optimizer" in names(seen.report)
    assert all(f.location.path.endswith("test_watch.py") for f in seen.report.findings)
    assert "stale-optimizer" not in seen.report.passed


def test_what_needs_a_driven_loop_is_not_checked():
    model, optimizer = made()
    with watched(model, optimizer) as seen:
        train(model, optimizer)
    reasons = {item.name: item.reason for item in seen.report.not_checked}
    assert reasons["unseeded-run"] == "what ran before the block was not seen"
    assert reasons["cannot-overfit"] == "the loop was watched, and only a script can be driven"
    assert not seen.report.crashed


def test_an_exception_passes_and_the_report_says_so():
    model, optimizer = made()

    def train_and_fail():
        train(model, optimizer)
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"), watched(model, optimizer) as seen:
        train_and_fail()
    assert seen.report.verdict == "incomplete"
    assert "raised RuntimeError: boom" in seen.report.run.outcome


@pytest.mark.parametrize("steps", [0, 1])
def test_a_block_that_did_not_train_is_no_success(steps):
    model, optimizer = made()
    other, others = made()
    with watched(model, optimizer) as seen:
        for _ in range(steps):
            train(other, others)
    assert seen.report.verdict == "incomplete"
    reasons = ("the block took no optimizer step", "the block took its steps with another optim")
    assert seen.report.run.outcome.startswith(reasons[steps])


def test_long_blocks_are_recorded_up_to_the_limit():
    model, optimizer = made()
    with watched(model, optimizer, max_steps=12) as seen:
        train(model, optimizer, epochs=4)
    assert len(seen.report.curves[0].series[0][1]) <= 13
    assert names(seen.report) == []


def test_settings_count():
    model, optimizer = made()
    model[3] = nn.Linear(24, 2)
    with watched(model, optimizer, select=("stale-optimizer",)) as seen:
        train(model, optimizer)
    assert names(seen.report) == ["stale-optimizer"]
    model, optimizer = made()
    model[3] = nn.Linear(24, 2)
    accepted = {"stale-optimizer": "a test", "frozen-head": "a test"}
    with watched(model, optimizer, accept=accepted) as seen:
        train(model, optimizer)
    assert names(seen.report) == []
    assert seen.report.suppressed


def test_what_cannot_be_watched():
    model, optimizer = made()
    with pytest.raises(MldoctorError, match="cannot watch a int as Module"), watched(3, optimizer):
        pass
    with pytest.raises(MldoctorError, match="Sequential as Optimizer"), watched(model, model):
        pass
    with pytest.raises(SettingsError), watched(model, optimizer, ignore=("all",)):
        pass
    with watched(model, optimizer) as seen, pytest.raises(MldoctorError, match="has ended"):
        seen.report.assert_healthy()
