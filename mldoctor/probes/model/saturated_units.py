"""The probe `saturated-units`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.activation_use import ActivationUse
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("saturated-units", Severity.WARNING, symptom=True)
def saturated_units(
    use: ActivationUse, *, share: float = 0.9, min_units: int = 8
) -> Iterator[Finding]:
    """A hidden sigmoid or tanh stands at its limits almost everywhere.

    ## What it finds

    A sigmoid or tanh inside the model of whose values at least 90 % lie within 1 % of a limit.

    ## Why it matters

    There the slope is nearly zero, so that the layers before it get almost no gradient. The usual
    reason is an input that was never scaled.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)

    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 2))
    nn.init.normal_(model[0].weight, std=40.0)

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

    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 2))

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Calls of `sigmoid` and `tanh` are watched while the recorded call is repeated in eval mode. A
    result of the size of an output of the model is taken for its answer, where certainty is welcome.
    The share must be at least `share`, in a layer of at least `min_units`; in 78 sound scripts none was
    above 8 %.

    ## When it is wrong

    Gates that are meant to be open or closed.

    ## References

    SageMaker Debugger, rules SaturatedActivation and TanhSaturation.
    """
    full = [
        row
        for row in use.rows
        if row.saturated >= share and row.units >= min_units and not row.is_output
    ]
    if not full:
        return
    worst = max(full, key=lambda row: row.saturated)
    yield Finding(
        f"{worst.saturated:.0%} of the values of a {worst.function} in {worst.model} are at its limits"[
            :79
        ],
        evidence=(
            Evidence(
                "values within 1 % of a limit", f"{worst.saturated:.1%}", f"below {share:.0%}"
            ),
            Evidence("shape", " x ".join(map(str, worst.shape))),
        ),
        location=worst.site,
        explains=("cannot-overfit", "flat-loss"),
        subject=worst.model,
        remedy=Remedy("scale the input to mean 0 and deviation 1, or start with smaller weights"),
    )
