"""The probe `multilabel-as-multiclass`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.target_fit import TargetFit
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("multilabel-as-multiclass", Severity.ERROR)
def multilabel_as_multiclass(fit: TargetFit, *, min_share: float = 0.02) -> Iterator[Finding]:
    """Samples with several labels are trained with a loss that allows one.

    ## What it finds

    A class loss whose target has rows with more than one 1, or is the argmax of such rows, in a
    share of `min_share` of the samples and more.

    ## Why it matters

    Cross-entropy makes the classes compete: for a sample with two labels it can never be right, and
    its argmax throws all but one label away.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, :3] > 0).float()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
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
    y = (x[:, :3] > 0).float()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.binary_cross_entropy_with_logits(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The target is read as the loss function gets it, and compared with the argmax of every part of
    the batch that consists of zeros and ones.

    ## When it is wrong

    Class probabilities that happen to be whole numbers sum to one, and are quiet.

    ## References

    Humbatova and others, Taxonomy of Real Faults in Deep Learning Systems (2020);
    examples/multilabel_emotions.
    """
    for row in fit.rows:
        if row.many_hot < min_share:
            continue
        yield Finding(
            f"{row.function} gets samples with several labels",
            evidence=(
                Evidence("samples with more than one label", f"{row.many_hot:.0%}", "0%"),
                Evidence("classes", str(row.classes)),
                Evidence("seen in", row.part),
            ),
            location=row.location,
            explains=("cannot-overfit", "flat-loss", "label-dtype"),
            subject=row.function,
            remedy=Remedy("use binary_cross_entropy_with_logits with one output per label"),
        )
