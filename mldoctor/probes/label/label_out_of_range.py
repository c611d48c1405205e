"""The probe `label-out-of-range`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.loss_calls import LossCalls
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("label-out-of-range", Severity.ERROR)
def label_out_of_range(loss_calls: LossCalls) -> Iterator[Finding]:
    """A class index lies below zero or beyond the number of outputs.

    ## What it finds

    Targets of a class loss that are smaller than 0 or not smaller than the number of classes that the
    prediction offers, the ignored index aside.

    ## Why it matters

    On a GPU it ends in a device assert far from the cause; in a hand-written loss a negative index wraps
    around silently and trains the wrong class.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    y = y + 1
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

    The prediction and the target are read as the loss function gets them, before it raises. Losses
    written by hand are read from the autograd graph: the index that picks from a log-softmax.

    ## When it is wrong

    Never known to be: the index is compared with the size it indexes.

    ## References

    ultralytics/ultralytics#13936 on GitHub.
    """
    for row in loss_calls.rows:
        if (
            row.classes is None
            or row.lowest is None
            or row.highest is None
            or not row.integer_target
        ):
            continue
        if row.lowest >= 0 and row.highest < row.classes:
            continue
        yield Finding(
            f"class indices reach from {number(row.lowest)} to {number(row.highest)}"
            f" with {row.classes} outputs",
            evidence=(
                Evidence("lowest class index", number(row.lowest), "0 or more"),
                Evidence("highest class index", number(row.highest), f"{row.classes - 1} or less"),
                Evidence("outputs of the model", str(row.classes)),
                Evidence("loss function", row.function),
            ),
            location=row.location,
            explains=("label-dtype",),
            subject=row.function,
            remedy=Remedy(
                f"map the labels to 0..{row.classes - 1}, or give the head an output per class"
            ),
        )
