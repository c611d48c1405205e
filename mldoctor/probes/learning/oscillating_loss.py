"""The probe `oscillating-loss`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from mldoctor.facts.overfit_curve import OverfitCurve
from mldoctor.facts.updates import Updates
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("oscillating-loss", Severity.WARNING, symptom=True)
def oscillating_loss(
    curve: OverfitCurve, updates: Updates, *, min_swing: float = 0.25, min_passes: int = 20
) -> Iterator[Finding]:
    """The loss on the same few samples bounces up and down with no trend.

    ## What it finds

    Fed the same 20 samples again and again, the loss goes up about as often as down, by a good part of
    its own size, and does not come down.

    ## Why it matters

    Each step overshoots what the one before has gained. The usual reason is a rate that is too high,
    or a momentum too close to 1.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = 0.5 * (x[:, 0] + x[:, 1])
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.l1_loss(model(xb).squeeze(1), yb)
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
    y = 0.5 * (x[:, 0] + x[:, 1])
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Linear(8, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.l1_loss(model(xb).squeeze(1), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The curve of the 20 samples. Its outcome must be "stuck" or "diverged", over at least `min_passes`
    passes with finite losses; the mean change from pass to pass must be at least `min_swing` of the
    mean loss, and at least a third of the changes must turn round the one before.

    ## When it is wrong

    Objectives that are noise by design, such as a few samples of a policy gradient.

    ## References

    Zhang et al., AutoTrainer (2021), oscillating loss.
    """
    values = curve.losses[len(curve.losses) // 4 :]
    if curve.outcome not in ("stuck", "diverged") or len(curve.losses) < min_passes:
        return
    if not all(abs(v) < float("inf") for v in values):
        return
    steps = [b - a for a, b in itertools.pairwise(values)]
    turns = sum(a * b < 0 for a, b in itertools.pairwise(steps))
    level = sum(map(abs, values)) / len(values)
    swing = sum(map(abs, steps)) / len(steps)
    if swing < min_swing * level or 3 * turns < len(steps):
        return
    yield Finding(
        "the loss on the same samples bounces up and down with no trend",
        evidence=(
            Evidence(
                "mean change from pass to pass", number(swing), f"below {number(min_swing * level)}"
            ),
            Evidence("mean loss", number(level)),
            Evidence("changes that turn round the one before", f"{turns} of {len(steps) - 1}"),
        ),
        location=updates.rows[0].site if updates.rows else updates.backward_site,
        explains=("flat-loss",),
        subject="loop",
        remedy=Remedy("look at the causes reported above; lower the rate or the momentum"),
    )
