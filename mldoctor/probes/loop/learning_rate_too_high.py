"""The probe `learning-rate-too-high`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.parameters import Parameters
from mldoctor.facts.treatment_trial import TreatmentTrial
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.treated import compared
from mldoctor.registry import probe


@probe("learning-rate-too-high", Severity.ERROR)
def learning_rate_too_high(trial: TreatmentTrial, parameters: Parameters) -> Iterator[Finding]:
    """The loop diverges or bounces, and the same loop at a lower rate learns.

    ## What it finds

    A loop that does not learn a fixed set of samples at the rate it plans to use, and does at a tenth
    of it or less, from the same state, on the same samples, with the same random numbers.

    ## Why it matters

    Every step overshoots. Weights grow, units die, the loss settles at or above that of guessing.

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
    optimizer = torch.optim.SGD(model.parameters(), lr=300.0, momentum=0.9)
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

    By treatment: when a symptom stands that no other cause explains, the project's own loop memorises
    the same samples at other rates. The lower rate must learn what the untreated control did not.

    ## When it is wrong

    A rate that is only right after a warm-up which the script leaves to a later run.

    ## References

    UMLAUT (Schoop, Huang and Hartmann, 2021); DeepCrime (Humbatova, Jahangirova and Tonella, 2021).
    """
    cure = trial.cure("learning-rate-too-high")
    if cure is None:
        return
    optimizer = next((o for o in parameters.optimizers if o.steps), None)
    planned = max(optimizer.rates[1], *optimizer.base_rates) if optimizer else 0.0
    said = f"the learning rate is too high: the loop learns at {number(cure.factor)} of it"
    if len(cure.names) > 1:
        said = f"the loop learns at {number(cure.factor)} of its rate, with a second treatment"
    yield Finding(
        said,
        evidence=(
            Evidence("highest learning rate", number(planned)),
            *compared(trial, cure),
        ),
        location=optimizer.built if optimizer else None,
        explains=(
            "cannot-overfit",
            "flat-loss",
            "single-class-collapse",
            "exploding-gradients",
            "non-finite-loss",
            "input-independent-learning",
            "oscillating-loss",
            "dead-units",
            "saturated-units",
            "vanishing-gradients",
        ),
        subject="learning rate",
        remedy=Remedy(f"lower the learning rate to about {number(planned * cure.factor)}"),
    )
