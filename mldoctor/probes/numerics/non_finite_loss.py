"""The probe `non-finite-loss`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mldoctor.facts.updates import Updates
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("non-finite-loss", Severity.ERROR, symptom=True)
def non_finite_loss(updates: Updates) -> Iterator[Finding]:
    """The loss becomes NaN or infinite.

    ## What it finds

    A loss that is back-propagated and is not a finite number.

    ## Why it matters

    One such update turns every weight it touches into NaN; nothing after it means anything.

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
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            chance = model(xb).softmax(1)[torch.arange(len(yb)), yb]
            loss = -torch.log((chance - 0.5).clamp(min=0)).mean()
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

    The value of every loss as its backward begins, before a loss scaler multiplies it. When it is not
    finite, the inputs of the latest forward pass and the weights are searched for the same.

    ## When it is wrong

    A loop that checks the loss and skips the update is not concerned: its backward never happens.

    ## References

    pytorch/pytorch#2421 on GitHub; pytorch/pytorch#31829 on GitHub; kornia/kornia#918 on GitHub;
    UMLAUT (Schoop, Huang and Hartmann, 2021).
    """
    bad = [i for i, value in enumerate(updates.losses) if not math.isfinite(value)]
    if not bad:
        return
    before = [value for value in updates.losses[: bad[0]] if math.isfinite(value)]
    evidence = [
        Evidence("first loss that is not finite", f"number {bad[0] + 1}", "none"),
        Evidence("such losses", f"{len(bad)} of {len(updates.losses)}", "0"),
    ]
    if before:
        evidence.append(
            Evidence("first and last finite loss", f"{number(before[0])} and {number(before[-1])}")
        )
    if updates.non_finite_inputs is not None:
        evidence.append(
            Evidence(
                "inputs of that forward pass that are not finite",
                number(updates.non_finite_inputs),
                "0",
            )
        )
    if updates.non_finite_weights is not None:
        evidence.append(
            Evidence(
                "weights that were not finite by then", number(updates.non_finite_weights), "0"
            )
        )
    yield Finding(
        f"the loss is {number(updates.losses[bad[0]])} from backward pass {bad[0] + 1} on",
        evidence=tuple(evidence),
        location=updates.backward_site,
        explains=("cannot-overfit", "flat-loss", "single-class-collapse", "exploding-gradients"),
        subject="loss",
        remedy=Remedy("guard the logarithm, root or division in the loss, and lower the rate"),
    )
