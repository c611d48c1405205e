"""The probe `unknown-tokens`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.token_use import TokenUse
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.coverage import reading
from mldoctor.registry import probe


@probe("unknown-tokens", Severity.WARNING)
def unknown_tokens(
    tokens: TokenUse, *, min_samples: int = 50, share: float = 0.5
) -> Iterator[Finding]:
    """Most tokens are one and the same id: unknown.

    ## What it finds

    Token sequences in which, padding aside, a single id makes up more than half of all tokens of a
    vocabulary of fifty or more.

    ## Why it matters

    The words were not found: the text is cased and the vocabulary is not, punctuation sticks to the
    words, or the vocabulary belongs to another language. The model sees the shape of the text and
    not its content.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    lengths = torch.randint(12, 25, (400,))
    ids = torch.randint(2, 100, (400, 24))
    y = (ids < 40).sum(1).gt(9).long()
    ids[torch.rand(400, 24) < 0.7] = 1
    ids[torch.arange(24) >= lengths[:, None]] = 0
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

    The ids of at least `min_samples` samples are counted without their padding; one id must exceed
    the `share`.

    ## When it is wrong

    An event log in which one event really makes up most of the sequence. In natural language no
    word comes near: the commonest one makes up 7 % of English text.

    ## References

    Zipf, Human Behavior and the Principle of Least Effort (1949); Humbatova and others, Taxonomy of
    Real Faults in Deep Learning Systems (2020).
    """
    for row in tokens.embeddings:
        if row.positions or not row.part or row.rows < 50 or row.longest < 4:  # noqa: PLR2004 - a vocabulary, and sequences
            continue
        if row.sampled < min_samples or row.commonest_share <= share or row.commonest == row.pad:
            continue
        yield Finding(
            f"{row.commonest_share:.0%} of the tokens are id {row.commonest}",
            evidence=(
                Evidence(
                    f"share of id {row.commonest} among the tokens",
                    f"{row.commonest_share:.0%}",
                    f"at most {share:.0%}",
                ),
                Evidence("different ids", f"{number(row.different)} of {number(row.rows)}"),
                reading(row.sampled, row.total),
            ),
            location=row.site,
            explains=("uninformative-labels", "duplicate-samples", "conflicting-labels"),
            subject=row.part,
            remedy=Remedy(
                "look a few words up by hand: case, punctuation and the vocabulary must match"
            ),
        )
