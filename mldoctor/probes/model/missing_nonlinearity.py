"""The probe `missing-nonlinearity`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.linearity import Linearity
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("missing-nonlinearity", Severity.WARNING)
def missing_nonlinearity(found: Linearity, *, departure: float = 1e-4) -> Iterator[Finding]:
    """Several layers stand on each other with no nonlinearity between them.

    ## What it finds

    A model of at least two linear or convolutional layers whose output is an affine function of its
    input.

    ## Why it matters

    Two linear maps are one linear map: the depth costs time and memory and adds nothing. What is not
    linear in the data cannot be learned.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)

    model = nn.Sequential(nn.Linear(8, 64), nn.Linear(64, 32), nn.Linear(32, 2))

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

    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The recorded call is repeated in eval mode on its input, on another, on their sum, and on zeros:
    for an affine map f(a) + f(b) equals f(a + b) + f(0), up to rounding (`departure`). A layer
    narrower than input and output makes a low-rank map, which is a use of depth, and is quiet.

    ## When it is wrong

    Deep linear networks that are studied for their own sake.

    ## References

    The composition of affine maps is an affine map.
    """
    for model in found.models:
        if model.departure is None or model.departure > departure or model.bottleneck:
            continue
        yield Finding(
            f"{model.name} has {model.layers} layers and is one linear map"[:79],
            evidence=(
                Evidence(
                    "departure of f(a) + f(b) from f(a + b) + f(0), relative",
                    number(model.departure),
                    f"above {departure:g}",
                ),
                Evidence("layers with weights", str(model.layers), "1 for a linear model"),
            ),
            location=model.built or model.site,
            also=model.site if model.built else None,
            subject=model.name,
            remedy=Remedy("put an activation (ReLU, GELU) between the layers"),
        )
