"""The probe `unseeded-run`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.random_use import RandomUse
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("unseeded-run", Severity.NOTE)
def unseeded_run(use: RandomUse) -> Iterator[Finding]:
    """Nothing seeds the random numbers that training draws from torch.

    ## What it finds

    A script that trains and never calls `torch.manual_seed`, by itself or through a library.

    ## Why it matters

    Two runs differ from the first step on. Whether a change helped cannot be told from one run of each,
    and a fault that shows in one run may not show in the next.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

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

    Calls of `torch.manual_seed` are counted from the start of the script to its first update. mldoctor
    itself sets a seed before the script starts, so that its own experiments repeat.

    ## When it is wrong

    Runs that are meant to differ, each judged over many seeds that are set outside of the script.

    ## References

    PyTorch documentation, Reproducibility.
    """
    rows = [row for row in use.generators if row.name == "torch"]
    if not rows or rows[0].seeded or rows[0].reseeded:
        return
    yield Finding(
        "torch's random numbers are not seeded",
        evidence=(
            Evidence("calls of torch.manual_seed", "0", "1"),
            Evidence(
                "other generators that are seeded",
                ", ".join(r.name for r in use.generators if r.seeded) or "none",
            ),
        ),
        location=use.training,
        subject="torch",
        remedy=Remedy("call torch.manual_seed at the start of the script"),
    )
