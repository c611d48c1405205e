"""The probe `padding-waste`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.token_use import TokenUse
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("padding-waste", Severity.NOTE)
def padding_waste(tokens: TokenUse, *, share: float = 0.5) -> Iterator[Finding]:
    """More than half of the tokens of the batches are padding.

    ## What it finds

    Batches of token ids that consist of padding for the most part.

    ## Why it matters

    The model computes on nothing for most of its time and memory. Sorting by length, or padding to
    the longest of the batch, gets it back.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    lengths = torch.randint(4, 9, (400,))
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

    Padding is counted in the latest natural batches: where the attention mask is zero, else as the
    id that fills the ends of the rows. A `share` of the tokens above this bound counts.

    ## When it is wrong

    A few batches are looked at; a loader that sorts by length may show its shortest ones.

    ## References

    The documentation of transformers, dynamic padding.
    """
    for row in tokens.embeddings:
        if row.positions or not row.part or row.batches < 2 or row.pad_share <= share:  # noqa: PLR2004 - one batch may be odd
            continue
        yield Finding(
            f"{row.pad_share:.0%} of the tokens are padding",
            evidence=(
                Evidence(
                    "padding in the latest batches", f"{row.pad_share:.0%}", f"at most {share:.0%}"
                ),
                Evidence("batches", str(row.batches)),
                Evidence("id of the padding", str(row.pad)),
                Evidence("longest sample", f"{row.longest} tokens"),
            ),
            location=row.site,
            subject=row.part,
            remedy=Remedy(
                "pad to the longest sample of the batch, and put samples of like length together"
            ),
        )
