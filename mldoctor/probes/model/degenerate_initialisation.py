"""The probe `degenerate-initialisation`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.initial_weights import InitialWeights
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("degenerate-initialisation", Severity.ERROR)
def degenerate_initialisation(
    weights: InitialWeights, *, min_updates: int = 3
) -> Iterator[Finding]:
    """All units of a layer start with the same weights, so that they stay copies of each other.

    ## What it finds

    A linear or convolutional layer whose units have equal weights before the first update (all zeros,
    all ones, one constant) and still have after the last.

    ## Why it matters

    Equal units get equal gradients: a layer of a hundred copies can do what a layer of one unit can.
    With zeros in two layers on top of each other there is no gradient at all.

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
    for layer in (model[0], model[2]):
        nn.init.constant_(layer.weight, 0.1)
        nn.init.zeros_(layer.bias)

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
    for layer in (model[0], model[2]):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The weights of every trainable layer that a loss reaches, before the first update and after at
    least `min_updates`. A head, a residual branch or an adapter that starts at zero on purpose has
    different units after the first updates and is quiet.

    ## When it is wrong

    A layer that is meant to compute one value several times.

    ## References

    Goodfellow et al., Deep Learning, section 8.4, on symmetry between units.
    """
    if weights.updates < min_updates:
        return
    same = [row for row in weights.rows if row.equal_before and row.equal_now]
    if not same:
        return
    first = same[0]
    start = "equal in every unit" if first.value is None else f"{number(first.value)} everywhere"
    yield Finding(
        f"all units of {first.name} ({first.kind}) start equal and stay equal"[:79],
        evidence=(
            Evidence("its weights before the first update", start, "different in every unit"),
            Evidence(
                f"units that differ after {weights.updates} updates", f"0 of {first.units}", "all"
            ),
            Evidence("layers concerned", f"{len(same)} of {len(weights.rows)}", "0"),
        ),
        location=first.built,
        explains=(
            "cannot-overfit",
            "flat-loss",
            "single-class-collapse",
            "input-independent-learning",
            "frozen-model",
            "frozen-head",
            "dead-units",
            "input-ignored",
            "vanishing-gradients",
            "learning-rate-too-low",
        ),
        subject=first.name,
        remedy=Remedy("leave the weights as PyTorch draws them, or draw them at random"),
    )
