"""The probe `missing-zero-grad`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.updates import Updates
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("missing-zero-grad", Severity.ERROR)
def missing_zero_grad(
    updates: Updates, *, min_updates: int = 4, share: float = 0.5
) -> Iterator[Finding]:
    """Gradients of earlier updates are still there when the next update begins.

    ## What it finds

    An optimizer steps again and again while the gradients it used before are never cleared: each update
    uses the sum of all gradients since training began.

    ## Why it matters

    The direction of an update is dominated by old batches and its length grows with every step. The
    loss falls at first, then bounces or diverges.

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

    As each backward begins, the gradients are read: cleared ones are None or zero. Clearing may happen
    anywhere between two steps and in any way (`zero_grad` of the optimizer or the model, `grad = None`,
    in place). At least the given `share` of the updates after the first must have begun with old
    gradients, of at least `min_updates`; a sound loop has none. Accumulation over
    several backward passes for one step is not concerned.

    ## When it is wrong

    Summing gradients over the whole run on purpose has no known use with the optimizers of torch.

    ## References

    Stack Overflow question 60335387; wenet-e2e/wekws#72 on GitHub.
    """
    for index in sorted({row.optimizer for row in updates.rows}):
        rows = [row for row in updates.of(index) if row.carried is not None]
        old = sum(bool(row.carried) for row in rows)
        if len(rows) < min_updates or old < share * len(rows):
            continue
        norms = [row.gradient_norm for row in updates.of(index)]
        concerned = max(row.carried or 0.0 for row in rows)
        yield Finding(
            "gradients pile up: they are not cleared between updates",
            evidence=(
                Evidence("updates that began with old gradients", f"{old} of {len(rows)}", "0"),
                Evidence("share of the tensors concerned", f"{concerned:.0%}", "0%"),
                Evidence(
                    "calls of zero_grad", str(sum(row.zeroed for row in rows)), f"{len(rows)}"
                ),
                Evidence(
                    "gradient norm, first and last update",
                    f"{number(norms[0])} and {number(norms[-1])}",
                ),
            ),
            location=rows[0].site,
            explains=("exploding-gradients",),
            subject=f"optimizer {index}",
            remedy=Remedy("call optimizer.zero_grad() once per update, before the backward"),
        )
