"""The probe `dead-units`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.activation_use import ActivationUse
from mldoctor.facts.forward_dependence import ForwardDependence
from mldoctor.facts.overfit_curve import LEARNING, OverfitCurve
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("dead-units", Severity.WARNING, symptom=True)
def dead_units(
    use: ActivationUse,
    curve: OverfitCurve,
    dependence: ForwardDependence | None = None,
    *,
    share: float = 0.9,
    min_units: int = 8,
) -> Iterator[Finding]:
    """Almost all units of a layer output zero for every sample.

    ## What it finds

    A ReLU behind which at least 90 % of the units are zero for every sample of the batch.

    ## Why it matters

    A unit that is zero everywhere gets no gradient and stays dead. Where nearly all are, the layer
    carries no information and the layers before it do not train.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)

    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
    nn.init.constant_(model[0].bias, -8.0)

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

    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Calls of `relu` are watched while the recorded call is repeated in eval mode, on all samples and
    places of the batch. The share of dead units must be at least `share`, in a layer of at least
    `min_units`; some dead units are common and harmless: CS231n speaks of up to 40 % in networks that
    still train, and `share` is more than twice that. Nothing is said of a loop that learns its fixed
    samples all the same, unless no input reaches the output: then it learns how often each class occurs.

    ## When it is wrong

    Sparse codes with many more units than a batch uses.

    ## References

    SageMaker Debugger, rule DeadRelu. CS231n, notes on neural networks, commonly used activation
    functions.
    """
    blind = (
        any(m.arguments and m.arguments[0].effect == 0 for m in dependence.models)
        if dependence
        else False
    )
    if curve.outcome in (*LEARNING, "escaped") and not blind:
        return
    dead = [
        row for row in use.rows if row.dead >= share and row.units >= min_units and row.shape[0] > 1
    ]
    if not dead:
        return
    worst = max(dead, key=lambda row: row.dead)
    yield Finding(
        f"{worst.dead:.0%} of the units of a {worst.function} in {worst.model} are always 0"[:79],
        evidence=(
            Evidence(
                "units that are 0 for every sample",
                f"{worst.dead:.1%} of {worst.units}",
                f"below {share:.0%}",
            ),
            Evidence("shape", " x ".join(map(str, worst.shape))),
            Evidence("activations concerned", f"{len(dead)} of {len(use.rows)}", "0"),
        ),
        location=worst.site,
        explains=("input-ignored", "cannot-overfit", "flat-loss", "input-independent-learning"),
        subject=worst.model,
        remedy=Remedy(
            "scale the input, lower the learning rate, or check the sign and size of the biases"
        ),
    )
