"""The probe `padding-in-loss`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.padded_loss import PaddedLoss
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("padding-in-loss", Severity.ERROR)
def padding_in_loss(
    padded: PaddedLoss, *, min_padded: float = 0.05, min_relative: float = 0.1
) -> Iterator[Finding]:
    """Padded positions count in the loss.

    ## What it finds

    A loss with one term for each position of a sequence that takes the padding for content: the
    gradient that reaches the padded positions is like that of the others.

    ## Why it matters

    The model is paid for predicting padding, which is easy: the loss falls quickly, most of the
    gradient says nothing about the task, and short sequences count for less the longer their
    neighbours are.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader

    torch.manual_seed(0)
    rows = []
    for n in torch.randint(4, 13, (400,)).tolist():
        words = torch.randint(1, 30, (n,))
        rows.append((words, words % 3))

    def collate(batch):
        words, tags = zip(*batch)
        pad = nn.utils.rnn.pad_sequence
        return pad(words, True, 0), pad(tags, True, 0)

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(30, 16, padding_idx=0)
            self.lstm = nn.LSTM(16, 32, batch_first=True)
            self.head = nn.Linear(32, 3)

        def forward(self, words):
            return self.head(self.lstm(self.embedding(words))[0])

    loader = DataLoader(rows, batch_size=32, shuffle=True, collate_fn=collate)
    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for words, tags in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(words).transpose(1, 2), tags)
            loss.backward()
            optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader

    torch.manual_seed(0)
    rows = []
    for n in torch.randint(4, 13, (400,)).tolist():
        words = torch.randint(1, 30, (n,))
        rows.append((words, words % 3))

    def collate(batch):
        words, tags = zip(*batch)
        pad = nn.utils.rnn.pad_sequence
        return pad(words, True, 0), pad(tags, True, -100)

    class Tagger(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(30, 16, padding_idx=0)
            self.lstm = nn.LSTM(16, 32, batch_first=True)
            self.head = nn.Linear(32, 3)

        def forward(self, words):
            return self.head(self.lstm(self.embedding(words))[0])

    loader = DataLoader(rows, batch_size=32, shuffle=True, collate_fn=collate)
    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for words, tags in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(words).transpose(1, 2), tags)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The gradient that the script's own backward sends to each position of the prediction is watched in
    the first updates. Which positions are padding is told by a mask or by lengths that the model is
    given, by `padding_idx` of an embedding, or by an id that only ever trails. The first padded
    position of a row is left out: an end token may be learned there. At least `min_padded` of the
    positions must be padding, the target must be one constant there, and a padded position must get at
    least `min_relative` of the gradient of a valid one.

    ## When it is wrong

    A model that has to say where its output ends, by a class for "nothing here", is right to learn
    that class at every position; give it an id of its own.

    ## References

    PyTorch documentation of CrossEntropyLoss, argument ignore_index. The data collators of Hugging
    Face Transformers set the labels of padding to -100.
    """
    for row in padded.rows:
        if row.padded < min_padded * row.positions or row.relative < min_relative:
            continue
        yield Finding(
            f"{row.share:.0%} of the gradient of {row.function} comes from padding",
            evidence=(
                Evidence("padded positions", f"{row.padded} of {row.positions}"),
                Evidence("told by", row.declared),
                Evidence("share of the gradient from there", f"{row.share:.1%}", "0%"),
                Evidence(
                    "gradient per padded position, relative to others", number(row.relative), "0"
                ),
                Evidence("target at all of them", number(row.target), "the ignored index"),
            ),
            location=row.location,
            explains=("single-class-collapse", "label-imbalance", "unlearned-stop-token"),
            subject="loss",
            remedy=Remedy(
                "set the labels of padding to ignore_index, or multiply the loss by the mask"
            ),
        )
