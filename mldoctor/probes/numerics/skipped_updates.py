"""The probe `skipped-updates`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.precision import Precision
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("skipped-updates", Severity.ERROR, symptom=True)
def skipped_updates(
    precision: Precision, *, min_skipped: int = 20, min_lost: int = 12
) -> Iterator[Finding]:
    """A gradient scaler, or a guard of the script, skips every update.

    ## What it finds

    A scaler that finds no finite gradient and goes on halving its scale, and a loop that passes over
    each batch because its loss is not finite.

    ## Why it matters

    Training goes on without an error and without an update. The loss that is logged is that of weights
    that no longer change, or leaves the skipped batches out.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(640, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scaler = torch.amp.GradScaler("cpu")
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            penalty = sum(p.sub(p).norm(dim=0).sqrt().sum() for p in model.parameters())
            scaler.scale(loss + penalty).backward()
            scaler.step(optimizer)
            scaler.update()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(640, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scaler = torch.amp.GradScaler("cpu")
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
    ```

    ## How it is measured

    Every step that a scaler is asked for is compared with what the optimizer did. The latest
    `min_skipped` must all have been skipped: a scaler that starts too high needs up to sixteen to come
    down to one. Or the latest `min_lost` training losses are not finite and none of them was
    back-propagated.

    ## When it is wrong

    A scale that starts far above the default and still has to come down.

    ## References

    PyTorch documentation, Automatic Mixed Precision package (gradient scaling); Micikevicius et al.,
    Mixed Precision Training, 2018.
    """
    if precision.skipped_last >= min_skipped:
        yield Finding(
            "the gradient scaler skips every update",
            evidence=(
                Evidence(
                    "steps skipped in a row, until the end", number(precision.skipped_last), "0"
                ),
                Evidence("steps asked for", number(precision.asked)),
                Evidence(
                    "loss scale, first and last",
                    f"{number(precision.first_scale or 0)} and {number(precision.last_scale or 0)}",
                ),
            ),
            location=precision.step_site or precision.site,
            explains=("missing-step", "frozen-model", "flat-loss"),
            subject="scaler",
            remedy=Remedy("find the operation whose gradient is not finite, and guard it"),
        )
    elif precision.lost >= min_lost:
        yield Finding(
            "every batch is passed over: its loss is not finite",
            evidence=(
                Evidence("losses that were not finite, until the end", number(precision.lost), "0"),
                Evidence("backwards of them", "0"),
            ),
            location=precision.site,
            explains=("missing-step", "missing-backward", "frozen-model", "flat-loss"),
            subject="guard",
            remedy=Remedy("find what makes the loss non-finite instead of skipping the batch"),
        )
