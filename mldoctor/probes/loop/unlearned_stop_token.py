"""The probe `unlearned-stop-token`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.label_shift import LabelShift
from mldoctor.facts.supervised_labels import SupervisedLabels
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("unlearned-stop-token", Severity.WARNING)
def unlearned_stop_token(
    labels: SupervisedLabels, shifts: LabelShift, *, min_rows: int = 8
) -> Iterator[Finding]:
    """The token that ends a text is never a label: what the model generates will not stop.

    ## What it finds

    A language model whose training texts end on one token that the loss ignores in every row, as it
    happens when the padding token is also the end token and all padding is masked out.

    ## Why it matters

    The model never learns when to stop, and runs to the length limit of the generation.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader

    torch.manual_seed(0)
    following = torch.randperm(30)

    def sentence():
        words = [torch.randint(0, 30, ()) + 2]
        for _ in range(int(torch.randint(5, 11, ()))):
            words.append(following[words[-1] - 2] + 2)
        return torch.stack([*words, torch.tensor(1)])

    def collate(batch):
        ids = nn.utils.rnn.pad_sequence(batch, True, 0)
        labels = ids[:, 1:].clone()
        labels[labels < 2] = -100
        return ids[:, :-1], (ids[:, :-1] != 0).long(), labels

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(32, 24, padding_idx=0)
            self.gru = nn.GRU(24, 48, batch_first=True)
            self.head = nn.Linear(48, 32)

        def forward(self, ids, mask):
            return self.head(self.gru(self.embedding(ids) * mask.unsqueeze(-1))[0])

    rows = [sentence() for _ in range(400)]
    loader = DataLoader(rows, batch_size=25, shuffle=True, collate_fn=collate)
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(3):
        for ids, mask, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(ids, mask).transpose(1, 2), labels)
            loss.backward()
            optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader

    torch.manual_seed(0)
    following = torch.randperm(30)

    def sentence():
        words = [torch.randint(0, 30, ()) + 2]
        for _ in range(int(torch.randint(5, 11, ()))):
            words.append(following[words[-1] - 2] + 2)
        return torch.stack([*words, torch.tensor(1)])

    def collate(batch):
        ids = nn.utils.rnn.pad_sequence(batch, True, 0)
        labels = ids[:, 1:].clone()
        labels[labels == 0] = -100
        return ids[:, :-1], (ids[:, :-1] != 0).long(), labels

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(32, 24, padding_idx=0)
            self.gru = nn.GRU(24, 48, batch_first=True)
            self.head = nn.Linear(48, 32)

        def forward(self, ids, mask):
            return self.head(self.gru(self.embedding(ids) * mask.unsqueeze(-1))[0])

    rows = [sentence() for _ in range(400)]
    loader = DataLoader(rows, batch_size=25, shuffle=True, collate_fn=collate)
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(3):
        for ids, mask, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(ids, mask).transpose(1, 2), labels)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The last token before the padding is read from the mask that the model is given; where nearly all
    of at least `min_rows` rows end on the same token, it is the end token. Or the configuration of the
    model names one id for end and padding, and most rows end on it. It must be no label that counts in
    any call of the natural steps. Only losses whose labels are tokens of the input are judged.

    ## When it is wrong

    Texts that are cut to one length never end, and need no end token. Sequences that are meant to be
    continued for ever.

    ## References

    Hugging Face Transformers, issue 23530, and TRL, issue 976: a collator that ignores the labels of
    the padding token ignores the end token with it, where both are one.
    """
    tokens = {
        row.location for row in shifts.rows if row.known is not None and row.shift > row.known
    }
    for row in labels.rows:
        if row.stop is None or row.stop_labels or row.location not in tokens:
            continue
        if row.stop_ends < min_rows or row.empty == row.calls:
            continue
        yield Finding(
            f"token {row.stop} ends the texts and is never a label"[:79],
            evidence=(
                Evidence("rows that end on it", str(row.stop_ends)),
                Evidence("told by", row.told),
                Evidence("labels that are it and count in the loss", "0", f"{row.stop_ends}"),
            ),
            location=row.location,
            subject="loss",
            remedy=Remedy("ignore labels by the attention mask, not by the id of the padding"),
        )
