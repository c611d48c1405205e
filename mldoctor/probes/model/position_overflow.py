"""The probe `position-overflow`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.position_tables import PositionTables
from mldoctor.facts.token_use import TokenUse
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("position-overflow", Severity.ERROR)
def position_overflow(tables: PositionTables, tokens: TokenUse | None) -> Iterator[Finding]:
    """A sequence is longer than the table of positions.

    ## What it finds

    An embedding that is looked up with 0, 1, 2, ... in every row, and has fewer rows than there are
    steps.

    ## Why it matters

    The run ends with an index error at the first batch that is long enough, which may come after
    hours; on a GPU it is a device assert, far from the cause.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    ids = torch.randint(1, 50, (400, 80))
    y = (ids < 20).sum(1).gt(30).long()
    loader = DataLoader(TensorDataset(ids, y), batch_size=32, shuffle=True)


    class Reader(nn.Module):
        def __init__(self, longest):
            super().__init__()
            self.words = nn.Embedding(50, 16)
            self.places = nn.Embedding(longest, 16)
            self.head = nn.Linear(16, 2)

        def forward(self, ids):
            places = torch.arange(ids.shape[1]).expand_as(ids)
            return self.head((self.words(ids) + self.places(places)).mean(1))


    model = Reader(64)
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
    ids = torch.randint(1, 50, (400, 80))
    y = (ids < 20).sum(1).gt(30).long()
    loader = DataLoader(TensorDataset(ids, y), batch_size=32, shuffle=True)


    class Reader(nn.Module):
        def __init__(self, longest):
            super().__init__()
            self.words = nn.Embedding(50, 16)
            self.places = nn.Embedding(longest, 16)
            self.head = nn.Linear(16, 2)

        def forward(self, ids):
            places = torch.arange(ids.shape[1]).expand_as(ids)
            return self.head((self.words(ids) + self.places(places)).mean(1))


    model = Reader(80)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The ids that reach each embedding are compared with its size. Ids that count up from a start in
    every row are positions. Where a script ended because two sizes do not fit, a parameter or buffer of
    the smaller size that meets a sequence of the larger one is named.

    ## When it is wrong

    Never known to be: the position is compared with the size that it indexes.

    ## References

    PyTorch documents that `nn.Embedding` takes indices from 0 to `num_embeddings - 1`.
    """
    for row in tokens.embeddings if tokens else ():
        if not row.positions or row.highest < row.rows:
            continue
        yield Finding(
            f"positions up to {number(row.highest)} for {row.embedding} with {number(row.rows)} rows",
            evidence=(
                Evidence(
                    "highest position", number(row.highest), f"{number(row.rows - 1)} or less"
                ),
                Evidence("rows of the table", number(row.rows)),
                Evidence("the forward raised there", "yes" if row.crashed else "no", "no"),
            ),
            location=row.built or row.site,
            also=row.site if row.built else None,
            subject=row.embedding,
            remedy=Remedy("cut the sequences to the table's length, or make the table longer"),
        )
    for table in tables.short:
        yield Finding(
            f"sequences of {number(table.steps)} for {table.name} with {number(table.rows)} rows"[
                :79
            ],
            evidence=(
                Evidence("steps of the sequence", number(table.steps), f"at most {table.rows}"),
                Evidence("rows of the table", number(table.rows)),
                Evidence("the forward raised there", "yes", "no"),
            ),
            location=table.site,
            also=table.built,
            subject=table.name,
            remedy=Remedy("cut the sequences to the table's length, or make the table longer"),
        )
