"""The probe `flat-loss`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean, variance

from mldoctor.facts.overfit_curve import OverfitCurve
from mldoctor.facts.updates import Updates
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("flat-loss", Severity.ERROR, symptom=True)
def flat_loss(
    updates: Updates, curve: OverfitCurve, *, min_losses: int = 15, sigmas: float = 2.0
) -> Iterator[Finding]:
    """The loss does not fall over the natural steps beyond its noise.

    ## What it finds

    The mean loss of the last third of the observed updates is not below that of the first third by more
    than the noise allows, and the loss on a fixed set of samples does not fall either.

    ## Why it matters

    It is what people see in their logs: a run that costs as much as a good one and learns nothing.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    class Guess(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Linear(8, 32)
            self.head = nn.Linear(32, 2)

        def forward(self, x):
            return self.head(torch.relu(self.body(x * 0 + torch.randn_like(x))))

    model = Guess()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
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

    Welch's comparison of the two thirds with `sigmas` standard errors, over at least `min_losses`
    losses. Thirty updates alone cannot tell a slow start from a standstill, so the fixed set must show
    a standstill too.

    ## When it is wrong

    When the fixed set could not be driven the probe is not run at all.

    ## References

    SageMaker Debugger's LossNotDecreasing.
    """
    losses = [value for value in updates.losses if math.isfinite(value)]
    if len(losses) < min_losses or curve.outcome not in ("stuck", "diverged"):
        return
    if losses[0] <= 0:
        return  # a weighted log-likelihood, as in policy gradients, need not fall
    third = len(losses) // 3
    first, last = losses[:third], losses[-third:]
    noise = math.sqrt(variance(first) / third + variance(last) / third)
    if fmean(first) - fmean(last) > sigmas * noise + 1e-9:
        return
    yield Finding(
        "the loss does not fall during the observed training steps",
        evidence=(
            Evidence("mean loss, first third of the steps", number(fmean(first))),
            Evidence("mean loss, last third", number(fmean(last)), "lower by more than the noise"),
            Evidence(
                f"noise of that difference ({sigmas:g} standard errors)", number(sigmas * noise)
            ),
            Evidence("steps", str(len(losses))),
        ),
        location=updates.backward_site,
        subject="loss",
        remedy=Remedy("look at the causes reported above"),
    )
