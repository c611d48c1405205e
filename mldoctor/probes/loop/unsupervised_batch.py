"""The probe `unsupervised-batch`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.supervised_labels import Supervised, SupervisedLabels
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.registry import probe

CUT_OFF = 0.05
"""Share of the sequences that lose their answer, from which on it is told: a few long ones always do."""

MIN_CUT = 4
"""Sequences without a label that happen to be among the longest are fewer."""


@probe("unsupervised-batch", Severity.ERROR)
def unsupervised_batch(labels: SupervisedLabels, *, max_empty: float = 0.5) -> Iterator[Finding]:
    """Every label of a batch, or of most sequences, is ignored by the loss.

    ## What it finds

    Calls of a class loss whose labels all equal `ignore_index`; or sequences without a single label
    that counts, where most are like that.

    ## Why it matters

    The mean over no labels is NaN, which spoils every weight; elsewhere such samples teach nothing.
    The usual reason is a template that is searched in the text to find the answer, and never found.

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
        labels[torch.rand(len(labels)) < 0.8] = -100
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

    The labels of the calls in the natural steps. Reported is a call without any label whose value is
    not finite, or a share of at least `max_empty` of calls, or of sequences of four labels and more,
    without one. Masked language modelling, where most labels are ignored but hardly a sequence is
    without one, is left alone, and so are single labels per sample.

    Below that share a warning tells of answers that a length limit has cut off: at least 5 % of the
    sequences have no label, every one of them is as long as the longest, and so is the better part of
    those of that length.

    ## When it is wrong

    Sequences that are kept in the batch on purpose without a label, as in semi-supervised tagging.

    ## References

    PyTorch documentation of CrossEntropyLoss: ignore_index. Issues 1820 and 1920 of Hugging Face TRL,
    on response templates that are never found.
    """
    for row in labels.rows:
        calls = row.spoiled > 0 or row.empty >= max(1, max_empty * row.calls)
        sequences = row.rows > 0 and row.empty_rows >= max_empty * row.rows
        if not calls and not sequences:
            yield from _cut_off(row)
            continue
        yield Finding(
            "every label of a batch is ignored by the loss"
            if calls
            else f"{row.empty_rows / row.rows:.0%} of the sequences have no label that counts",
            evidence=(
                Evidence("calls of the loss without a label", f"{row.empty} of {row.calls}", "0"),
                Evidence("sequences without a label", f"{row.empty_rows} of {row.rows}", "few"),
                Evidence("labels that are ignored", f"{row.ignored:.0%}"),
                Evidence("ignored index", str(row.ignore_index)),
            ),
            location=row.location,
            explains=(*UNLEARNABLE, "skipped-updates", "lost-updates"),
            subject="loss",
            remedy=Remedy("look at the labels of one batch: find out why the answer was not found"),
        )


def _cut_off(row: Supervised) -> Iterator[Finding]:
    """Sequences whose answer stood behind a limit of length."""
    rows = row.cut + row.whole
    lost = row.cut_empty >= max(MIN_CUT, CUT_OFF * rows) and 2 * row.cut_empty >= row.cut
    if lost and row.whole and not row.whole_empty:
        yield Finding(
            f"the longest {row.cut_empty / rows:.0%} of the sequences have no label that counts",
            evidence=(
                Evidence(
                    "longest sequences without a label", f"{row.cut_empty} of {row.cut}", "few"
                ),
                Evidence("shorter ones without a label", f"0 of {row.whole}"),
                Evidence("ignored index", str(row.ignore_index)),
            ),
            location=row.location,
            severity=Severity.WARNING,
            subject="loss",
            remedy=Remedy("raise the length limit, or cut the beginning of the text instead"),
        )
