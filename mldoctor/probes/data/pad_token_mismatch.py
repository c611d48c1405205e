"""The probe `pad-token-mismatch`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.token_use import TokenUse
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("pad-token-mismatch", Severity.ERROR)
def pad_token_mismatch(tokens: TokenUse, *, min_inside: float = 0.02) -> Iterator[Finding]:
    """The id that pads the batches is not the model's padding id.

    ## What it finds

    Batches padded with one id while the embedding declares another as padding, or a padding id that
    real tokens share.

    ## Why it matters

    Padding is then embedded and trained like a word, or a real word stays at zero. Results depend
    on how long the longest sample of the batch is.

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
            self.embedding = nn.Embedding(words, 16, padding_idx=99)
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

    The padding id of a batch is read from its mask, else from the ends of its rows. It is compared
    with `padding_idx` of the embedding; where they agree, at most a share of `min_inside` of the
    tokens before the last real one of each sample is it.

    ## When it is wrong

    An embedding without a padding index declares nothing, and is quiet.

    ## References

    The documentation of torch.nn.Embedding.
    """
    for row in tokens.embeddings:
        if row.positions or not row.part or row.padding is None or row.pad is None:
            continue
        other = row.padding != row.pad and row.pad_share > 0.02  # noqa: PLR2004 - padding that matters
        shared = row.padding == row.pad and row.sampled > 0 and row.pad_inside > min_inside
        if not (other or shared):
            continue
        yield Finding(
            f"batches are padded with id {row.pad}, the model's padding id is {row.padding}"
            if other
            else f"the padding id {row.pad} is also a real token",
            evidence=(
                Evidence("id that fills the batches", str(row.pad), str(row.padding)),
                Evidence("padding in the latest batches", f"{row.pad_share:.0%}"),
                Evidence("inside of the samples", f"{row.pad_inside:.1%} of the tokens", "0"),
                Evidence("embedding", row.embedding),
            ),
            location=row.built or row.site,
            explains=("padding-sensitive",),
            subject=row.embedding,
            remedy=Remedy(
                "pad with the model's padding id, and number the words from the next one on"
            ),
        )
