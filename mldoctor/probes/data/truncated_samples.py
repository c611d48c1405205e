"""The probe `truncated-samples`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.token_use import TokenUse
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.probes.coverage import reading
from mldoctor.registry import probe


@probe("truncated-samples", Severity.WARNING)
def truncated_samples(
    tokens: TokenUse, *, min_samples: int = 50, min_share: float = 0.5
) -> Iterator[Finding]:
    """Most samples are cut to the maximum length.

    ## What it finds

    Token sequences of different lengths of which at least half are exactly as long as the longest:
    what lies beyond the maximum was thrown away.

    ## Why it matters

    What decides the label often stands at the end. It is never seen, and no loss or metric shows
    it.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    lengths = torch.randint(8, 60, (400,)).clamp(max=24)
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

    The lengths of at least `min_samples` samples are counted without their padding; a share of
    `min_share` must be of the greatest length. At least five different shorter lengths must occur,
    or the sequences have one length by nature.

    ## When it is wrong

    Windows of a long text that are full on purpose: those with a label for every token are quiet.

    ## References

    huggingface/trl#1920 on GitHub.
    """
    for row in tokens.embeddings:
        if row.positions or not row.part or row.sampled < min_samples or row.lengths < 5:  # noqa: PLR2004 - see the page
            continue
        if row.labelled:
            continue  # windows of longer texts: each token is trained on in some window
        if row.longest < 8 or not min_share <= row.full < 1:  # noqa: PLR2004 - short codes have few lengths
            continue
        yield Finding(
            f"{row.full:.0%} of the samples are cut to {row.longest} tokens",
            evidence=(
                Evidence(
                    "samples exactly as long as the longest",
                    f"{row.full:.0%}",
                    f"below {min_share:.0%}",
                ),
                Evidence("longest sample", f"{row.longest} tokens"),
                Evidence("different shorter lengths", str(row.lengths)),
                reading(row.sampled, row.total),
            ),
            location=row.site,
            subject=row.part,
            remedy=Remedy("raise the maximum length, or keep the part of the text that matters"),
        )
