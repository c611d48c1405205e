"""The probe `single-class-labels`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.training_labels import TrainingLabels
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("single-class-labels", Severity.ERROR)
def single_class_labels(labels: TrainingLabels, *, min_labels: int = 50) -> Iterator[Finding]:
    """Every training label is the same class.

    ## What it finds

    A class or binary loss with at least two possible answers, and training data in which only one of
    them occurs.

    ## Why it matters

    A constant answer is then perfect. The loss goes to zero at once, and the model knows nothing.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    loader = DataLoader(TensorDataset(x, y * 0), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
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

    The labels of a seeded random sample of the training dataset are read where the loss gets its target
    from; without a dataset, the targets of all natural steps. Losses of all lines count together, so
    that the two halves of an adversarial loss are one. At least `min_labels` labels are needed.

    ## When it is wrong

    A dataset in which the second class is rarer than the sample can see: the finding states how many
    labels were read; n labels miss a class of share p with probability (1-p)^n.

    ## References

    TheDeepChecker (Ben Braiek and Khomh, 2022).
    """
    total = sum(labels.counts.values())
    if len(labels.counts) != 1 or total < min_labels or labels.possible < 2:  # noqa: PLR2004 - two answers
        return
    only = next(iter(labels.counts))
    yield Finding(
        f"every training label is class {only}",
        evidence=(
            Evidence("labels read", number(total)),
            Evidence("different labels among them", "1", f"up to {labels.possible}"),
            Evidence("read from", labels.source),
        ),
        location=labels.location,
        explains=("uninformative-labels", "suspicious-score"),
        subject="labels",
        remedy=Remedy("look at where the labels are read, filtered or mapped"),
    )
