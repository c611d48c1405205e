"""The probe `inverted-monitor`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.monitors import Monitors
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("inverted-monitor", Severity.ERROR)
def inverted_monitor(monitors: Monitors) -> Iterator[Finding]:
    """A checkpoint, a stop or a schedule takes the worse score for the better one.

    ## What it finds

    A metric that is followed in the wrong direction: an accuracy under `mode="min"` (which is the
    default of Lightning's callbacks and of `ReduceLROnPlateau`), a loss under `mode="max"` or
    `greater_is_better=True`.

    ## Why it matters

    The worst checkpoint is kept as the best one, training stops as soon as the model improves, or
    the rate is cut while the model learns.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x[:300], y[:300]), batch_size=20, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=2)
    for epoch in range(8):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = float((model(x[300:]).argmax(1) == y[300:]).float().mean())
        scheduler.step(accuracy)
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x[:300], y[:300]), batch_size=20, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", patience=2)
    for epoch in range(8):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = float((model(x[300:]).argmax(1) == y[300:]).float().mean())
        scheduler.step(accuracy)
    ```

    ## How it is measured

    The source is read, not run: the arguments of Lightning's `ModelCheckpoint` and `EarlyStopping`,
    of the training arguments of transformers, and of `ReduceLROnPlateau` with what its step is
    given. The name of the metric must say by itself what is better (`val_loss`, `accuracy`, `wer`);
    every other name is left alone.

    ## When it is wrong

    A metric that is called by the opposite of what it is, such as a negated loss under the name `loss`.

    ## References

    Lightning documentation, ModelCheckpoint and EarlyStopping (`mode`); PyTorch documentation,
    `torch.optim.lr_scheduler.ReduceLROnPlateau`; transformers documentation, TrainingArguments
    (`greater_is_better`).
    """
    for row in monitors.rows:
        if row.better == row.meant:
            continue
        yield Finding(
            f"a {row.better} {row.metric} is the better one for {row.follower}"[:79],
            evidence=(
                Evidence("direction", row.said),
                Evidence(f"better {row.metric}", row.better, row.meant),
            ),
            location=row.location,
            subject=row.metric,
            remedy=Remedy(f"set the direction in which {row.metric} gets better: {row.meant}"),
        )
