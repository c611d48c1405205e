"""The probe `duplicate-samples`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.repetition import Repetition
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.coverage import pairs, reading
from mldoctor.registry import probe


@probe("duplicate-samples", Severity.NOTE)
def duplicate_samples(
    repetition: Repetition, *, min_samples: int = 10, min_share: float = 0.05
) -> Iterator[Finding]:
    """Samples stand in the training data more than once.

    ## What it finds

    Different entries of the training dataset with the same input.

    ## Why it matters

    Repeated samples weigh more than others, and a later random split puts their copies on both
    sides.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    x[200:240] = x[:40]
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

    The inputs of all samples are compared by a 128-bit hash that ignores type, layout and end
    padding, for texts also case, space and punctuation. Entries that a sampler or a `Subset`
    repeats count once. At least `min_samples` repeats and a share of `min_share` are asked for.

    ## When it is wrong

    Oversampling of a rare class inside the dataset is quiet as long as it only fills up the rare
    classes. Short rows over few symbols recur by chance: rows of which a trigram model of the data
    expects more than 0.05 do not count.

    ## References

    Lee and others, Deduplicating Training Data Makes Language Models Better (2022).
    """
    if repetition.repeated < min_samples or repetition.repeated < min_share * repetition.read:
        return
    if repetition.balancing:
        return
    yield Finding(
        f"{number(repetition.repeated)} training samples repeat another one",
        evidence=(
            Evidence(
                "samples that occur before",
                f"{number(repetition.repeated)} of {number(repetition.read)}",
            ),
            Evidence("different inputs among them", number(repetition.groups)),
            Evidence(
                "pairs (dataset index = earlier index)",
                pairs(repetition.pairs),
                rows=repetition.pairs,
            ),
            reading(repetition.read, repetition.total),
        ),
        location=repetition.training.built,
        subject=f"loader {repetition.training.index}",
        remedy=Remedy("drop duplicates before the data is split"),
    )
