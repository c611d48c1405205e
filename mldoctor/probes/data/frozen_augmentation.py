"""The probe `frozen-augmentation`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.sample_stability import SampleStability
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("frozen-augmentation", Severity.WARNING)
def frozen_augmentation(stability: SampleStability) -> Iterator[Finding]:
    """A random transform is declared and always gives the same sample.

    ## What it finds

    A training dataset that speaks of a random change, and returns the same sample for the same
    index however often it is read.

    ## Why it matters

    The augmentation has no effect: a seed is set where the sample is made, or the result is cached.

    ## Example

    ```python
    import numpy as np
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, Dataset


    class Noisy(Dataset):
        def __init__(self, x, y):
            self.x, self.y = x, y

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            np.random.seed(0)
            noise = np.random.randn(8).astype('float32')
            return self.x[i] + 0.1 * noise, self.y[i]


    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(Noisy(x, y), batch_size=32, shuffle=True)
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
    from torch.utils.data import DataLoader, Dataset


    class Noisy(Dataset):
        def __init__(self, x, y):
            self.x, self.y = x, y

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            noise = torch.randn(8)
            return self.x[i] + 0.1 * noise, self.y[i]


    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(Noisy(x, y), batch_size=32, shuffle=True)
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

    An entry is read six times under different random states. Either a transform named random
    (`RandomCrop`, `ColorJitter`) stands in the dataset, or the reading code speaks of noise, flips
    or crops and leaves a global generator in the same state each time. The samples must be equal in
    all reads.

    ## When it is wrong

    A transform switched off by its probability, or a dataset that generates fixed data from its
    index and calls it noise.

    ## References

    tensorflow/tensorflow#47755 on GitHub; Lightning-AI/pytorch-lightning#20412 on GitHub.
    """
    row = stability.rows[0]
    seeded = row.drew and row.reseeded
    if row.loader.role != "training" or row.random or row.mutated or not row.declared:
        return
    if not seeded and "__getitem__" in row.declared:
        return
    yield Finding(
        f"the dataset {row.dataset} declares a random change and makes none",
        evidence=(
            Evidence("declared by", row.declared),
            Evidence("reads of one entry that differed", f"0 of {row.reads}", "most"),
            Evidence(
                "random generator after a read",
                "always in the same state" if seeded else "moves on",
            ),
        ),
        location=row.loader.built,
        subject=f"loader {row.loader.index}",
        remedy=Remedy(
            "do not set a seed where a sample is made, and cache samples before the transform"
        ),
    )
