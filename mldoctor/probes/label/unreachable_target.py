"""The probe `unreachable-target`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.loss_calls import CLASS_LOSSES, REGRESSION_LOSSES
from mldoctor.facts.output_activation import OutputActivation
from mldoctor.facts.target_fit import Fit, TargetFit
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe

LOGITS = "binary_cross_entropy_with_logits"


def _outside(row: Fit, activation: str) -> tuple[float, str]:
    """Share of the targets beyond the activation's range, and that range."""
    if activation in ("tanh", "hardtanh"):
        return row.below_minus_one + row.above_one, "-1 to 1"
    if activation in ("sigmoid", "softmax"):
        return row.below_zero + row.above_one, "0 to 1"
    if activation in ("relu", "softplus"):
        return row.below_zero, "0 and above"
    return 0.0, ""


def _cut_off(row: Fit, activation: str) -> float:
    """Share of the targets that logits without negative values do not reach."""
    if activation != "relu":
        return 0.0
    # Binary targets lie between 0 and 1: one less their mean is what asks for a negative logit.
    return 1.0 if row.function in CLASS_LOSSES else 1.0 - row.target_mean


@probe("unreachable-target", Severity.ERROR)
def unreachable_target(
    fit: TargetFit, outputs: OutputActivation, *, min_share: float = 0.05
) -> Iterator[Finding]:
    """Targets lie outside what the output activation can produce.

    ## What it finds

    A regression loss on the output of a tanh, sigmoid, ReLU or softplus with targets beyond its
    range, or a class or binary loss on logits that a ReLU has cut off at zero.

    ## Why it matters

    The loss cannot fall below the distance to the nearest possible answer. The activation
    saturates, and gradients vanish with it.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = x[:, :1] + x[:, 1:2]
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1), nn.Tanh())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(xb), yb)
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
    y = x[:, :1] + x[:, 1:2]
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The latest training call is repeated and the last operation on its output is read from the
    autograd graph. At least `min_share` of the targets of the natural steps must lie beyond its
    bounds by more than 0.02. Logits of a binary loss that are never below zero say one half or more:
    its targets below that must be as many.

    ## When it is wrong

    A few outliers that are meant to be clipped stay below the share.

    ## References

    NeuraLint (Nikanjam and others, 2021); DeepDiagnosis (Wardat and others, 2022).
    """
    for row in fit.rows:
        activation = outputs.of(row.entries)
        if row.function in (*CLASS_LOSSES, LOGITS):
            outside, bounds = _cut_off(row, activation), "0 and above"
        elif row.function in REGRESSION_LOSSES:
            outside, bounds = _outside(row, activation)
        else:
            continue
        if outside < min_share:
            continue
        evidence = [
            Evidence("last operation of the model", activation),
            Evidence("it produces", bounds),
        ]
        if row.function in REGRESSION_LOSSES:
            evidence.append(Evidence("targets beyond that", f"{outside:.0%}", "none"))
            evidence.append(
                Evidence("targets", f"{number(row.target_lowest)} to {number(row.target_highest)}")
            )
        yield Finding(
            f"{row.function} gets logits cut off by a {activation}"
            if row.function not in REGRESSION_LOSSES
            else f"{outside:.0%} of the targets lie beyond the {activation} of the output",
            evidence=tuple(evidence),
            location=row.location,
            explains=(
                "cannot-overfit",
                "flat-loss",
                "dead-units",
                "saturated-units",
                "vanishing-gradients",
                "single-class-collapse",
            ),
            subject=row.function,
            remedy=Remedy(
                "drop the activation behind the last layer, or scale the targets into its range"
            ),
        )
