"""The probe `tiny-batch-norm`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.batch_statistics import BatchStatistics
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("tiny-batch-norm", Severity.WARNING)
def tiny_batch_norm(statistics: BatchStatistics, *, values: int = 2) -> Iterator[Finding]:
    """A batch normalisation sees one or two values per channel.

    ## What it finds

    A batch normalisation in train mode whose batch holds at most two values per channel.

    ## Why it matters

    Two values are always normalised to plus and minus one, whatever they were: only their order
    survives. The running statistics of evaluation have little to do with it.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=2, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))

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
    model = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The recorded call is repeated and the input of every batch normalisation counted. Nothing is said
    when the loader has a larger batch size than `values`: then only its last batch is that small.

    ## When it is wrong

    Synchronised statistics over many devices.

    ## References

    Wu and He 2018, Group Normalization, figure 1.
    """
    tiny = [
        r for r in statistics.rows if r.training and r.values is not None and r.values <= values
    ]
    if not tiny or any(size > values for size in statistics.batch_sizes):
        return
    first = tiny[0]
    yield Finding(
        f"{first.name} normalises over {first.values} values per channel"[:79],
        evidence=(
            Evidence(
                "values per channel in a training batch", str(first.values), f"above {values}"
            ),
            Evidence(
                "batch normalisations concerned", f"{len(tiny)} of {len(statistics.rows)}", "0"
            ),
        ),
        location=first.built,
        explains=("cannot-overfit", "flat-loss"),
        subject=first.name,
        remedy=Remedy("use larger batches, or GroupNorm or LayerNorm instead"),
    )
