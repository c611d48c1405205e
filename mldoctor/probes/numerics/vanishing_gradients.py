"""The probe `vanishing-gradients`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.gradient_flow import Flow, GradientFlow
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("vanishing-gradients", Severity.ERROR, symptom=True)
def vanishing_gradients(
    flow: GradientFlow, *, share: float = 1e-6, min_layers: int = 4, min_updates: int = 3
) -> Iterator[Finding]:
    """Almost no gradient arrives at the first layers.

    ## What it finds

    A model of at least `min_layers` weights whose first quarter gets less than a millionth of the
    gradient of the layer that gets most, in the typical update.

    ## Why it matters

    The first layers stay at their random start, and everything behind them works on random features.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)

    layers = [nn.Linear(8, 16), nn.Sigmoid()]
    for _ in range(12):
        layers += [nn.Linear(16, 16), nn.Sigmoid()]
    model = nn.Sequential(*layers, nn.Linear(16, 2))

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

    model = nn.Sequential(
        nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(),
        nn.Linear(16, 2),
    )

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The gradient norm of every weight before every step, over the root of its size, and its median
    over at least `min_updates` updates. All of the first quarter must lie below `share` of the largest:
    a millionth is what ten sigmoid layers leave at best (0.25 to the power of ten), and in 78 sound
    scripts the share was never below 0.0025. Gradients that are exactly zero have other reasons, and
    embeddings have a gradient in a few rows only: both are left out. Nothing is judged below
    `min_layers`.

    ## When it is wrong

    A model that lists its layers in another order than it runs them.

    ## References

    SageMaker Debugger, rule VanishingGradient, which calls 1e-7 vanished. Dive into Deep Learning,
    Numerical Stability and Initialization. Glorot and Bengio 2010.
    """
    if flow.updates < min_updates:
        return
    models: dict[str, list[Flow]] = {}
    for row in flow.rows:
        models.setdefault(row.model, []).append(row)
    for name, rows in models.items():
        strongest = max(rows, key=lambda row: row.gradient)
        first = rows[0]
        early = rows[: max(1, len(rows) // 4)]
        if len(rows) < min_layers or strongest.gradient == 0 or strongest in early:
            continue
        if any(row.gradient == 0 or row.gradient > share * strongest.gradient for row in early):
            continue
        yield Finding(
            f"almost no gradient arrives at the first layers of {name}"[:79],
            evidence=(
                Evidence(f"typical gradient of {first.name}", number(first.gradient)),
                Evidence(f"typical gradient of {strongest.name}", number(strongest.gradient)),
                Evidence(
                    "their ratio", number(first.gradient / strongest.gradient), f"above {share:g}"
                ),
            ),
            location=first.built,
            explains=(
                "input-ignored",
                "cannot-overfit",
                "flat-loss",
                "input-independent-learning",
                "single-class-collapse",
            ),
            subject=name,
            remedy=Remedy(
                "use ReLU or GELU with normalisation, residual connections, or fewer layers"
            ),
        )
