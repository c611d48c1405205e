"""The probe `mutating-dataset`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.sample_stability import SampleStability
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("mutating-dataset", Severity.WARNING)
def mutating_dataset(stability: SampleStability) -> Iterator[Finding]:
    """Reading a sample changes what is stored.

    ## What it finds

    A dataset whose entries are changed in place when they are read, so that the next read gives
    another sample.

    ## Why it matters

    Every epoch applies the transform once more: divided by 255 twice, the images are black; with
    noise added in place, they drift away.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, Dataset


    class Centred(Dataset):
        def __init__(self, x, y):
            self.x, self.y = x, y

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            row = self.x[i]
            row -= 0.01 * row.mean() + 0.01
            return row, self.y[i]


    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(Centred(x, y), batch_size=32, shuffle=True)
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


    class Centred(Dataset):
        def __init__(self, x, y):
            self.x, self.y = x, y

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            row = self.x[i].clone()
            row -= 0.01 * row.mean() + 0.01
            return row, self.y[i]


    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(Centred(x, y), batch_size=32, shuffle=True)
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

    A few entries are read several times under the same random state. The array, tensor or list
    behind the entry is compared before and after, and put back. Both the stored values and the
    sample must have changed.

    ## When it is wrong

    A cache that is filled at the first read gives the same sample again, and is quiet.

    ## References

    facebookresearch/pycls#21 on GitHub; mindee/doctr#840 on GitHub.
    """
    for row in stability.rows:
        if not row.mutated:
            continue
        yield Finding(
            f"reading a sample of {row.dataset} changes the stored data",
            evidence=(
                Evidence(
                    "entries that changed when read", f"{row.mutated} of {row.entries} tried", "0"
                ),
                Evidence("the same entry read again", "another sample", "the same sample"),
            ),
            location=row.loader.built,
            subject=f"loader {row.loader.index}",
            remedy=Remedy(
                "copy before changing: row = self.x[i].clone(), and no operation in place"
            ),
        )
