"""The probe `token-out-of-range`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.token_use import TokenUse
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("token-out-of-range", Severity.ERROR)
def token_out_of_range(tokens: TokenUse) -> Iterator[Finding]:
    """A token id lies beyond the embedding table.

    ## What it finds

    Ids below zero, or not smaller than the number of rows of the embedding that they are looked up
    in, in a training batch or anywhere in the training data.

    ## Why it matters

    On the CPU it raises an IndexError; on a GPU a device assert, far from the cause, and only when
    such a sample comes up.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    lengths = torch.randint(12, 25, (400,))
    ids = torch.randint(1, 100, (400, 24))
    ids[torch.arange(24) >= lengths[:, None]] = 0
    y = (ids < 40).sum(1).gt((ids >= 40).sum(1) + 24 - lengths).long()
    loader = DataLoader(TensorDataset(ids, y), batch_size=32, shuffle=True)


    class Bag(nn.Module):
        def __init__(self, words):
            super().__init__()
            self.embedding = nn.Embedding(words, 16, padding_idx=0)
            self.head = nn.Linear(16, 2)

        def forward(self, ids):
            return self.head(self.embedding(ids).sum(1))


    model = Bag(90)
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
    lengths = torch.randint(12, 25, (400,))
    ids = torch.randint(1, 100, (400, 24))
    ids[torch.arange(24) >= lengths[:, None]] = 0
    y = (ids < 40).sum(1).gt((ids >= 40).sum(1) + 24 - lengths).long()
    loader = DataLoader(TensorDataset(ids, y), batch_size=32, shuffle=True)


    class Bag(nn.Module):
        def __init__(self, words):
            super().__init__()
            self.embedding = nn.Embedding(words, 16, padding_idx=0)
            self.head = nn.Linear(16, 2)

        def forward(self, ids):
            return self.head(self.embedding(ids).sum(1))


    model = Bag(100)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The latest call of each model is repeated and the ids that reach each embedding are compared
    with its size. Ids that are a part of the batch are followed to the dataset, where every sample
    that is read is checked.

    ## When it is wrong

    Never known to be: the id is compared with the size that it indexes.

    ## References

    Humbatova and others, Taxonomy of Real Faults in Deep Learning Systems (2020).
    """
    for row in tokens.embeddings:
        low, high = min(row.lowest, row.sample_lowest), max(row.highest, row.sample_highest)
        if row.positions or (low >= 0 and high < row.rows):
            continue
        evidence = [
            Evidence(
                "token ids", f"{number(low)} to {number(high)}", f"0 to {number(row.rows - 1)}"
            ),
            Evidence("rows of the embedding", number(row.rows)),
        ]
        if row.beyond:
            where = ", ".join(map(str, row.beyond_index[:5]))
            evidence.append(
                Evidence(
                    "samples with such ids", f"{number(row.beyond)} (dataset index {where})", "0"
                )
            )
        yield Finding(
            f"token ids up to {number(high)} for {row.embedding} with {number(row.rows)} rows",
            evidence=tuple(evidence),
            location=row.built or row.site,
            also=row.site if row.built else None,
            subject=row.embedding,
            remedy=Remedy("size the table by the largest id plus one, or map the ids into it"),
        )
