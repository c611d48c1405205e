"""The probe `learning-rate-too-low`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.parameters import Parameters
from mldoctor.facts.treatment_trial import TreatmentTrial
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.treated import compared
from mldoctor.registry import probe


@probe("learning-rate-too-low", Severity.ERROR)
def learning_rate_too_low(trial: TreatmentTrial, parameters: Parameters) -> Iterator[Finding]:
    """The loop crawls, and the same loop at a higher rate learns; or the rate is zero.

    ## What it finds

    A loop whose loss on a fixed set of samples hardly moves at the rate it plans to use, and falls at
    ten times that rate or more, from the same state, on the same samples; or an optimizer whose rate is
    exactly zero in every update.

    ## Why it matters

    The run ends before it has begun to learn, and looks like a model that cannot learn the task.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    By treatment, as for learning-rate-too-high. During a warm-up the rate that the schedule will reach
    is used for the control, so that a warm-up is no fault. A control whose loss falls visibly, as in
    fine-tuning a pretrained encoder with a small rate, is never treated.

    ## When it is wrong

    A run of so many updates that a fall of less than a few percent in a hundred of them is enough.

    ## References

    UMLAUT (Schoop, Huang and Hartmann, 2021), below 1e-7; DeepCrime (Humbatova, Jahangirova and
    Tonella, 2021).
    """
    active = [o for o in parameters.optimizers if o.steps]
    zero = [o for o in active if o.rates[1] == 0 and max(o.base_rates, default=0.0) == 0]
    if active and len(zero) == len(active) and zero[0].steps >= 3:  # noqa: PLR2004 - as frozen-model
        if any(row.moved > 0 for row in parameters.rows):
            return
        yield Finding(
            "the learning rate is zero in every update",
            evidence=(Evidence("highest learning rate", "0, exactly", "above 0"),),
            location=zero[0].built,
            explains=(
                "frozen-model",
                "frozen-head",
                "flat-loss",
                "cannot-overfit",
                "single-class-collapse",
            ),
            subject="learning rate",
            remedy=Remedy("give the optimizer a learning rate above zero"),
        )
        return
    cure = trial.cure("learning-rate-too-low")
    if cure is None:
        return
    planned = max(active[0].rates[1], *active[0].base_rates) if active else 0.0
    said = f"the learning rate is too low: the loop learns at {number(cure.factor)} times it"
    if len(cure.names) > 1:
        said = f"the loop learns at {number(cure.factor)} times its rate, with a second treatment"
    yield Finding(
        said,
        evidence=(
            Evidence("highest learning rate", number(planned)),
            *compared(trial, cure),
        ),
        location=active[0].built if active else None,
        explains=(
            "cannot-overfit",
            "flat-loss",
            "single-class-collapse",
            "input-independent-learning",
        ),
        subject="learning rate",
        remedy=Remedy(f"raise the learning rate to about {number(planned * cure.factor)}"),
    )
