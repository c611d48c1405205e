"""The probe `single-class-collapse`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.overfit_curve import OverfitCurve
from mldoctor.facts.updates import Updates
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("single-class-collapse", Severity.ERROR, symptom=True)
def single_class_collapse(
    curve: OverfitCurve, updates: Updates, *, min_updates: int = 40
) -> Iterator[Finding]:
    """The model predicts one class for everything while the labels have several.

    ## What it finds

    After training on a fixed set of samples with labels of at least two classes, every prediction on
    that very set is the same class.

    ## Why it matters

    Accuracy then equals the share of that class, which can look respectable.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    class Guess(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(8, 2)

        def forward(self, x):
            return self.head(torch.ones_like(x)) + torch.tensor([0.5, -0.5])

    model = Guess()
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

    The predictions that the loss function was given in the last pass over the fixed set, after at least
    `min_updates` updates in which the loss did not fall visibly. At least a fifth of the labels must
    be of other classes than the predicted one.

    ## When it is wrong

    Slow learners predict one class for a while: as long as the loss is falling, nothing is said.

    ## References

    examples/majority_class; examples/imdb_collapse.
    """
    total = sum(curve.labels.values())
    if len(curve.predicted) != 1 or len(curve.labels) < 2 or curve.updates < min_updates:  # noqa: PLR2004 - two classes
        return
    only = next(iter(curve.predicted))
    others = total - curve.labels.get(only, 0)
    if others < total / 5 or curve.outcome not in ("stuck", "creeping", "diverged"):
        return
    seen = ", ".join(f"class {name}: {n}" for name, n in sorted(curve.labels.items())[:6])
    yield Finding(
        f"every prediction is class {only} while the labels have {len(curve.labels)} classes",
        evidence=(
            Evidence("predictions on the fixed samples", f"class {only}: {total} of {total}"),
            Evidence("labels of the same samples", seen),
            Evidence("updates on them before", str(curve.updates)),
        ),
        location=updates.backward_site,
        subject="predictions",
        remedy=Remedy("look at the causes reported above"),
    )
