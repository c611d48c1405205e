"""The probe `shifted-labels`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.label_shift import LabelShift
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.registry import probe


@probe("shifted-labels", Severity.ERROR)
def shifted_labels(shifts: LabelShift, *, min_matching: float = 0.95) -> Iterator[Finding]:
    """Next-token labels are not shifted, shifted twice, or shifted the wrong way.

    ## What it finds

    A causal model whose position t is trained on a token that it has already seen (its own, or an
    earlier one), or on the token after the next.

    ## Why it matters

    Without the shift the model learns to copy its input: the loss falls to zero and what it generates
    repeats itself. Shifted twice, it learns to skip a token. Models of Hugging Face Transformers shift
    the labels themselves, so that a shift in the script is the second one.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader

    torch.manual_seed(0)
    following = torch.randperm(40)
    rows = [torch.randint(0, 40, (1,))]
    for _ in range(6000):
        jump = torch.randint(0, 40, (1,))
        rows.append(jump if torch.rand(1) < 0.2 else following[rows[-1]])
    text = torch.cat(rows)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(40, 32)
            self.gru = nn.GRU(32, 64, batch_first=True)
            self.head = nn.Linear(64, 40)

        def forward(self, ids):
            return self.head(self.gru(self.embedding(ids))[0])

    windows = text[:6000].view(-1, 12)
    loader = DataLoader(windows, batch_size=25, shuffle=True)
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(3):
        for ids in loader:
            optimizer.zero_grad()
            logits = model(ids)
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), ids.flatten())
            loss.backward()
            optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader

    torch.manual_seed(0)
    following = torch.randperm(40)
    rows = [torch.randint(0, 40, (1,))]
    for _ in range(6000):
        jump = torch.randint(0, 40, (1,))
        rows.append(jump if torch.rand(1) < 0.2 else following[rows[-1]])
    text = torch.cat(rows)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(40, 32)
            self.gru = nn.GRU(32, 64, batch_first=True)
            self.head = nn.Linear(64, 40)

        def forward(self, ids):
            return self.head(self.gru(self.embedding(ids))[0])

    windows = text[:6000].view(-1, 12)
    loader = DataLoader(windows, batch_size=25, shuffle=True)
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(3):
        for ids in loader:
            optimizer.zero_grad()
            logits = model(ids)
            loss = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    In the first updates the gradient shows which positions of the output the loss uses. Their labels
    are looked up in the token ids that the model was given: at least `min_matching` of them must be
    the token at one fixed distance, and at no other. Then one token of the input is changed in a
    repeated forward pass: the first position whose output changes tells what a position has seen. The
    right label is the token after that.

    ## When it is wrong

    A task whose answer is the input itself, such as an echo. A model that reads the whole sequence
    (BERT, an encoder) is not judged, nor is one with several heads of which one predicts the next
    token.

    ## References

    Hugging Face Transformers, issues 27517 (a model that did not shift its labels learned to copy) and
    32944 (labels that were shifted twice).
    """
    rows = [r for r in shifts.rows if r.known is not None and r.matching >= min_matching]
    if any(r.shift == r.known + 1 for r in rows if r.known is not None):
        return
    for row in rows:
        known = row.known or 0
        copied = row.shift <= known
        yield Finding(
            "the labels are tokens that the model has already been given"
            if copied
            else "the labels are shifted once too often: the next token is skipped",
            evidence=(
                Evidence(
                    "label of position t",
                    f"token {_place(row.shift)}",
                    f"token {_place(known + 1)}",
                ),
                Evidence("labels that are this token", f"{row.matching:.1%} of {row.labels}"),
                Evidence("last token that position t has seen", f"token {_place(known)}"),
            ),
            location=row.location,
            explains=(*UNLEARNABLE, "future-leak"),
            subject="loss",
            remedy=Remedy(
                "shift the labels by one: logits[:, :-1] against ids[:, 1:]"
                if copied
                else "shift the labels once, in the script or in the model"
            ),
        )


def _place(offset: int) -> str:
    return f"t{offset:+d}" if offset else "t"
