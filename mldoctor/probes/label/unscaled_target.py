"""The probe `unscaled-target`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mldoctor.facts.loss_calls import REGRESSION_LOSSES
from mldoctor.facts.target_fit import TargetFit
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("unscaled-target", Severity.WARNING)
def unscaled_target(
    fit: TargetFit, *, min_calls: int = 8, ratio: float = 20.0
) -> Iterator[Finding]:
    """Regression targets lie far from anything the output starts near.

    ## What it finds

    A regression loss whose targets have a size of `ratio` times that of the first predictions and
    more, while the loss hardly moves in the natural steps.

    ## Why it matters

    The head must first grow to the size of the targets, which takes thousands of steps at usual
    rates, and gradients are as large as the targets until then.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = 250_000 + 80_000 * (x[:, :1] + x[:, 1:2])
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(xb), yb)
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
    y = x[:, :1] + x[:, 1:2]
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Mean and spread of all targets of the natural steps are compared with the first prediction; the
    loss of the first third of the steps with that of the last, over at least `min_calls` calls.

    ## When it is wrong

    A rate chosen for such targets brings the loss down, and is quiet.

    ## References

    Bishop, Neural Networks for Pattern Recognition (1995), section 8.2; Stack Overflow question
    47318871; DeepDiagnosis (Wardat and others, 2022).
    """
    for row in fit.rows:
        if row.function not in REGRESSION_LOSSES or row.calls < min_calls:
            continue
        size = math.hypot(row.target_mean, row.target_spread)
        start = math.hypot(row.first_mean, row.first_spread)
        if size < 30 or size < ratio * start or row.first_loss is None or row.last_loss is None:  # noqa: PLR2004 - outputs reach tens within a few hundred steps
            continue
        if not row.last_loss > 0.8 * row.first_loss:
            continue
        yield Finding(
            f"targets near {number(row.target_mean)} for outputs near {number(row.first_mean)}",
            evidence=(
                Evidence(
                    "targets",
                    f"{number(row.target_mean)} with a spread of {number(row.target_spread)}",
                    "near 0 and 1",
                ),
                Evidence(
                    "first predictions",
                    f"{number(row.first_mean)} with a spread of {number(row.first_spread)}",
                ),
                Evidence(
                    "loss at the end of the natural steps",
                    f"{row.last_loss / row.first_loss:.0%} of that at their start",
                    "a clear fall",
                ),
            ),
            location=row.location,
            explains=(
                "learning-rate-too-low",
                "flat-loss",
                "cannot-overfit",
                "exploding-gradients",
                "wrong-initial-loss",
                "input-independent-learning",
            ),
            subject=row.function,
            remedy=Remedy("standardise the targets with the mean and spread of the training split"),
        )
