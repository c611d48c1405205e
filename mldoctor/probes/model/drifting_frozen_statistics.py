"""The probe `drifting-frozen-statistics`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.batch_statistics import BatchStatistics
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("drifting-frozen-statistics", Severity.WARNING)
def drifting_frozen_statistics(
    statistics: BatchStatistics, *, drift: float = 0.01, min_updates: int = 3
) -> Iterator[Finding]:
    """The running statistics of a frozen normalisation still move.

    ## What it finds

    A batch normalisation whose gain and bias require no gradient, in train mode, with a running mean
    that changes.

    ## Why it matters

    `requires_grad_(False)` does not stop running statistics. The frozen features of evaluation are
    not those of the pretrained model any more, and a saved head does not fit a fresh copy of it.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)

    body = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU())
    body.requires_grad_(False)
    model = nn.Sequential(body, nn.Linear(32, 2))

    optimizer = torch.optim.Adam(model[1].parameters(), lr=1e-2)
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

    body = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU())
    body.requires_grad_(False)
    model = nn.Sequential(body, nn.Linear(32, 2))
    body.eval()

    optimizer = torch.optim.Adam(model[1].parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Running means are compared with their values before the first update, after at least
    `min_updates`; the change counts in running deviations of that time and must be over `drift`. On the
    data that it was made from, a running mean with momentum m over batches of n values scatters by the
    root of m / (2 - m) / n: 0.005 for 32 images of 8 x 8 at the usual 0.1, and `drift` is twice that.

    ## When it is wrong

    Statistics that are adapted to new data on purpose (AdaBN).

    ## References

    The transfer learning guide of Keras warns of the same: keep frozen batch normalisation in
    inference mode.
    """
    if statistics.updates < min_updates:
        return
    moving = [r for r in statistics.rows if r.frozen and r.training and r.drift > drift]
    if not moving:
        return
    first = max(moving, key=lambda row: row.drift)
    yield Finding(
        f"{first.name} is frozen and its running statistics still move"[:79],
        evidence=(
            Evidence(
                f"change of its running mean in {statistics.updates} updates",
                f"{number(first.drift)} deviations",
                "0",
            ),
            Evidence(
                "frozen normalisations that move", f"{len(moving)} of {len(statistics.rows)}", "0"
            ),
        ),
        location=first.built,
        subject=first.name,
        remedy=Remedy("put the frozen part in eval mode after every model.train()"),
    )
