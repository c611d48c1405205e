"""The probe `loss-ignores-input`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.loss_reach import LossReach
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.probes.consequences import UNCONNECTED
from mldoctor.registry import probe


@probe("loss-ignores-input", Severity.ERROR)
def loss_ignores_input(reach: LossReach, *, min_backwards: int = 2) -> Iterator[Finding]:
    """What is back-propagated does not depend on what the model answers.

    ## What it finds

    A loss function that is given a part of the batch where the model's answer belongs; or a loss that
    reaches weights but no output of the model, such as a penalty that has overwritten the loss.

    ## Why it matters

    The weights are trained, if at all, on something that has nothing to do with the data: a weight
    penalty alone shrinks them to zero.

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
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss = 1e-3 * sum(p.square().sum() for p in model.parameters())
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
            loss = loss + 1e-3 * sum(p.square().sum() for p in model.parameters())
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The graph of the first losses is compared with the graphs of what the models returned. Either all
    losses of the first updates share nothing with them but the weights (at least `min_backwards`), or
    every loss function of torch was given a prediction that equals a part of the batch and has no
    gradient.

    ## When it is wrong

    A loop that back-propagates its penalty in a call of its own also back-propagates the loss, and is
    left alone. Where the model is used through functions, not called, nothing is judged.

    ## References

    PyTorch documentation, Autograd mechanics: how the graph of a loss is recorded.
    """
    copied = [c for c in reach.cut if c.part]
    if copied and reach.graded and len(copied) == len(reach.cut):
        row = copied[0]
        yield Finding(
            f"{row.function} compares part {row.part} of the batch with its target"[:79],
            evidence=(
                Evidence(
                    "prediction given to the loss",
                    f"part {row.part} of the batch",
                    "the output of a model",
                ),
                Evidence("model calls with gradients enabled", str(reach.graded)),
            ),
            location=row.location,
            explains=(*UNCONNECTED, "non-differentiable-loss"),
            subject="loss",
            remedy=Remedy("give the loss the output of the model"),
        )
        return
    if reach.beside < max(1, min(min_backwards, reach.backwards)) or reach.beside < reach.backwards:
        return
    yield Finding(
        "the loss that is back-propagated does not use the output of the model",
        evidence=(
            Evidence("losses that use an output", f"0 of {reach.backwards}", "all"),
            Evidence("losses that reach weights", f"{reach.beside} of {reach.backwards}"),
        ),
        location=reach.site,
        explains=UNCONNECTED,
        subject="loss",
        remedy=Remedy("add the terms of the loss up instead of overwriting one by the next"),
    )
