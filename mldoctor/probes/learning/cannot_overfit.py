"""The probe `cannot-overfit`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.overfit_curve import OverfitCurve
from mldoctor.facts.updates import Updates
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("cannot-overfit", Severity.ERROR, symptom=True)
def cannot_overfit(
    curve: OverfitCurve, updates: Updates, *, min_updates: int = 40
) -> Iterator[Finding]:
    """The project's own loop cannot memorise 20 samples.

    ## What it finds

    Fed the same few samples again and again, the loop neither learns them nor gets anywhere: the loss
    shows no trend, or rises.

    ## Why it matters

    Memorising 20 samples needs no generalisation. A loop that cannot do it is broken somewhere between
    the batch and the weights, whatever the data are like.

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

    The script's own loop runs on a fixed set of 20 samples from the state before its first update, at
    the rate it plans to reach, until the loss is down to half and the answers are right, or for up to
    150 updates. Nothing is said when it merely is slow (a visible trend), or before `min_updates`.

    ## When it is wrong

    Losses that cannot fall for other reasons: pure noise objectives, an adversarial partner. Loops with
    several objectives in turn are not driven.

    ## References

    Karpathy, A Recipe for Training Neural Networks (2019); examples/imdb_collapse.
    """
    if curve.outcome not in ("stuck", "diverged") or (
        curve.updates < min_updates and curve.outcome == "stuck"
    ):
        return
    if curve.first <= 0:
        return  # a weighted log-likelihood, as in policy gradients, need not fall
    samples = f"{curve.samples} samples" if curve.samples else "one batch"
    evidence = [
        Evidence("loss at the start", number(curve.first)),
        Evidence(f"loss after {curve.updates} updates", number(curve.last), "below half of that"),
    ]
    if curve.accuracy is not None:
        evidence.append(Evidence("right answers at the end", f"{curve.accuracy:.0%}", "100%"))
    if curve.uninformed is not None:
        evidence.append(Evidence("loss of the best constant answer", number(curve.uninformed)))
    yield Finding(
        f"the training loop cannot memorise {samples}",
        evidence=tuple(evidence),
        location=updates.rows[0].site if updates.rows else updates.backward_site,
        explains=("flat-loss", "single-class-collapse"),
        subject="loop",
        remedy=Remedy("look at the causes reported above; without one, simplify model and loss"),
    )
