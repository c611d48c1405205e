"""The probe `target-shape`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.target_fit import TargetFit
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("target-shape", Severity.ERROR)
def target_shape(fit: TargetFit) -> Iterator[Finding]:
    """Prediction and target are broadcast against each other.

    ## What it finds

    A regression loss given a prediction and a target of the same number of values in different
    shapes, such as `[batch, 1]` and `[batch]`.

    ## Why it matters

    Every prediction is compared with every target. The best answer is then the mean of the targets,
    whatever the input.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = x[:, :1] + x[:, 1:2]
    y = y.squeeze(1)
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

    The shapes are read as the loss function gets them; in a loss that the script writes out, as they
    enter the difference or the product with a logarithm that its gradient comes from.

    ## When it is wrong

    Never known to be: a loss of as many values as there are pairs of samples is not meant.

    ## References

    the documentation of torch.nn.MSELoss; deepset-ai/FARM#229 on GitHub.
    """
    for row in fit.rows:
        if not row.broadcast:
            continue
        yield Finding(
            f"{'the loss' if row.by_hand else row.function} broadcasts {list(row.prediction)}"
            f" against {list(row.target)}",
            evidence=(
                Evidence("prediction", f"{list(row.prediction)}"),
                Evidence("target", f"{list(row.target)}", f"{list(row.prediction)}"),
                Evidence("the loss is computed over", f"{list(row.broadcast)}"),
            ),
            location=row.location,
            explains=(
                "flat-loss",
                "cannot-overfit",
                "input-independent-learning",
                "uninformative-labels",
            ),
            subject=row.function,
            remedy=Remedy("give both one shape: model(x).squeeze(1), or y.unsqueeze(1)"),
        )
