"""The probe `repeated-worker-randomness`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.sample_stability import SampleStability, Stability
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("repeated-worker-randomness", Severity.ERROR)
def repeated_worker_randomness(stability: SampleStability) -> Iterator[Finding]:
    """The workers of the loader make the same random changes.

    ## What it finds

    A loader with several workers whose augmentations repeat from worker to worker, or, as a warning,
    from epoch to epoch.

    ## Why it matters

    Samples that should differ are changed alike. With four workers there is a quarter of the
    variety that was asked for, and from epoch to epoch often none.

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
            noise = np.random.randn(8).astype('float32')
            return self.x[i] + 0.1 * noise, self.y[i]


    def same_seed(worker):
        np.random.seed(0)


    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(
        Noisy(x, y), batch_size=32, shuffle=True, num_workers=2, worker_init_fn=same_seed
    )
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
    loader = DataLoader(Noisy(x, y), batch_size=32, shuffle=True, num_workers=2)
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

    One entry that chance changes is read several times by each of two workers, started as the
    loader starts its own. The same sequence of different results from both is a finding; so is the
    same sequence from workers that are started once more, under another random state, as for the next
    epoch. Workers that persist are not started again.

    ## When it is wrong

    Never known to be: equal sequences of random changes do not happen by chance.

    ## References

    the documentation of torch.utils.data, randomness in multi-process data loading; Stack Overflow
    question 67180955; pytorch/pytorch#5059 on GitHub.
    """
    for row in stability.rows:
        if not row.worker_copies:
            yield from _every_epoch(row)
            continue
        yield Finding(
            "workers repeat each other's random changes",
            evidence=(
                Evidence(
                    "reads of one entry by two workers",
                    "the same random changes in the same order",
                    "different ones",
                ),
                Evidence("dataset", row.dataset),
            ),
            location=row.loader.built,
            subject=f"loader {row.loader.index}",
            remedy=Remedy(
                "draw from torch's generator, or seed from torch.initial_seed() in worker_init_fn"
            ),
        )


def _every_epoch(row: Stability) -> Iterator[Finding]:
    """Workers that begin every epoch with the same random numbers."""
    if row.worker_epochs:
        yield Finding(
            "workers repeat their random changes in every epoch",
            evidence=(
                Evidence(
                    "reads of one entry by a worker, in two epochs",
                    "the same random changes in the same order",
                    "different ones",
                ),
                Evidence("dataset", row.dataset),
            ),
            location=row.loader.built,
            severity=Severity.WARNING,
            subject=f"loader {row.loader.index}",
            remedy=Remedy(
                "draw from torch's generator, or seed from torch.initial_seed() in worker_init_fn"
            ),
        )
