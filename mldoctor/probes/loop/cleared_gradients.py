"""The probe `cleared-gradients`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.step_order import StepOrder
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNCONNECTED
from mldoctor.registry import probe


@probe("cleared-gradients", Severity.ERROR)
def cleared_gradients(
    order: StepOrder, *, min_steps: int = 3, share: float = 0.5
) -> Iterator[Finding]:
    """Gradients are thrown away between the backward that made them and the step.

    ## What it finds

    A `zero_grad`, or a clearing by hand, that stands after `backward` and before `step`: the step finds
    nothing to go by.

    ## Why it matters

    The weights do not move, or move by weight decay and old momentum alone. The loss stays where it was,
    without any error.

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
            optimizer.zero_grad()
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

    The gradients of every tensor that the optimizer holds are read twice: as the last backward before a
    step ends, and as the step begins. They must have been there and be gone in the given `share` of the
    steps, of at least `min_steps`.

    ## When it is wrong

    Never seen: a step without gradients that were there before has no known use.

    ## References

    PyTorch documentation, torch.optim (taking an optimization step).
    """
    for rows in order.by_optimizer():
        known = [row for row in rows if row.given]
        gone = [row for row in known if row.used == 0]
        if len(gone) < min_steps or len(gone) < share * len(known):
            continue
        place = next((row.cleared_site for row in gone if row.cleared_site), None)
        yield Finding(
            "gradients are cleared between the backward and the step",
            evidence=(
                Evidence("steps that found no gradient", f"{len(gone)} of {len(rows)}", "0"),
                Evidence(
                    "gradient norm after the backward, and at the step",
                    f"{number(gone[0].given or 0.0)} and 0",
                    "equal, or clipped",
                ),
                Evidence(
                    "zero_grad between the two", f"{sum(row.cleared for row in gone)} times", "0"
                ),
            ),
            location=place or gone[0].site,
            also=gone[0].site if place else None,
            explains=UNCONNECTED,
            subject=f"optimizer {rows[0].optimizer}",
            remedy=Remedy("call zero_grad before the backward, or after the step"),
        )
