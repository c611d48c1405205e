"""The probe `saturating-activation`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.activation_use import ActivationUse
from mldoctor.facts.gradient_flow import Flow, GradientFlow
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.registry import probe


@probe("saturating-activation", Severity.WARNING)
def saturating_activation(
    use: ActivationUse, flow: GradientFlow, *, min_layers: int = 4, share: float = 1e-5
) -> Iterator[Finding]:
    """A deep stack of sigmoid or tanh layers lets no gradient through to the first of them.

    ## What it finds

    A model whose hidden activations are sigmoid or tanh, several in a row, and whose first layers get
    almost none of the gradient that the last ones get.

    ## Why it matters

    The slope of a sigmoid is at most a quarter, so that ten of them leave a millionth of the gradient:
    the first layers stay as they were drawn, and the last ones see the same features for every input.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    layers = [nn.Linear(8, 32), nn.Sigmoid()]
    for _ in range(9):
        layers += [nn.Linear(32, 32), nn.Sigmoid()]
    model = nn.Sequential(*layers, nn.Linear(32, 2))
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

    The activation functions of the recorded call are counted: at least `min_layers` hidden ones must
    be sigmoid or tanh, and four times as many as ReLUs. The median gradient of every weight in the
    first quarter of the model, over the root of its size, must lie below `share` of the largest.

    ## When it is wrong

    A model that lists its layers in another order than it runs them. Gates beside a path that carries
    the gradient, as in a recurrent cell, keep it and are quiet.

    ## References

    Glorot and Bengio, Understanding the Difficulty of Training Deep Feedforward Neural Networks
    (2010).
    """
    for name in dict.fromkeys(row.model for row in flow.rows):
        mine = [row for row in use.rows if row.model == name and not row.is_output]
        bounded = [row for row in mine if row.function.startswith(("sigmoid", "tanh"))]
        relus = sum(row.function.startswith("relu") for row in mine)
        rows = [row for row in flow.rows if row.model == name]
        ratio = _ratio(rows)
        if len(bounded) < min_layers or len(bounded) < 4 * relus or ratio is None or ratio > share:
            continue
        yield Finding(
            f"{len(bounded)} {bounded[0].function} layers in a row stop the gradient of {name}"[
                :79
            ],
            evidence=(
                Evidence("hidden sigmoid or tanh activations", str(len(bounded)), "few"),
                Evidence(
                    "gradient of the first quarter over the largest",
                    number(ratio),
                    f"above {share:g}",
                ),
                Evidence(f"typical gradient of {rows[0].name}", number(rows[0].gradient)),
            ),
            location=bounded[0].site,
            also=rows[0].built,
            explains=(*UNLEARNABLE, "vanishing-gradients", "saturated-units", "input-ignored"),
            subject=name,
            remedy=Remedy(
                "use ReLU or GELU for the hidden layers, with normalisation between them"
            ),
        )


def _ratio(rows: list[Flow]) -> float | None:
    """The largest gradient of the first quarter over the largest of all."""
    early = rows[: max(1, len(rows) // 4)]
    largest = max(row.gradient for row in rows)
    if not largest or any(row.gradient == 0 for row in early):
        return None
    return max(row.gradient for row in early) / largest
