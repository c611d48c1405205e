"""The probe `padding-sensitive`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.padding_effect import PaddingEffect
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("padding-sensitive", Severity.ERROR)
def padding_sensitive(effect: PaddingEffect, *, share: float = 0.3) -> Iterator[Finding]:
    """The amount of padding changes the answer.

    ## What it finds

    A model that is given token ids with padding at their end, and answers differently when the same
    batch is padded by some steps more: the last step of a recurrent layer taken from the padding,
    attention or a mean over it.

    ## Why it matters

    A sample gets another answer in every batch. Information is washed out on the way through long
    padding, so that training may stand still.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    lengths = torch.randint(3, 20, (400,))
    ids = torch.randint(1, 30, (400, 20))
    y = (ids[:, 0] > 15).long()
    ids[torch.arange(20) >= lengths[:, None]] = 0

    loader = DataLoader(TensorDataset(ids, y), batch_size=32, shuffle=True)

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(30, 32, padding_idx=0)
            self.gru = nn.GRU(32, 32, batch_first=True)
            self.head = nn.Linear(32, 2)

        def forward(self, ids):
            states = self.gru(self.embed(ids))[0]
            return self.head(states[:, -1])

    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(12):
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
    lengths = torch.randint(3, 20, (400,))
    ids = torch.randint(1, 30, (400, 20))
    y = (ids[:, 0] > 15).long()
    ids[torch.arange(20) >= lengths[:, None]] = 0

    loader = DataLoader(TensorDataset(ids, y), batch_size=32, shuffle=True)

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(30, 32, padding_idx=0)
            self.gru = nn.GRU(32, 32, batch_first=True)
            self.head = nn.Linear(32, 2)

        def forward(self, ids):
            states = self.gru(self.embed(ids))[0]
            last = (ids != 0).sum(1) - 1
            return self.head(states[torch.arange(len(ids)), last])

    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(12):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The recorded call is repeated in eval mode with its ids extended by a quarter of padding; masks
    and labels are extended accordingly. The mean change of the output, at valid steps where it has
    steps, is compared with that of exchanging the samples: up to `share` is tolerated, as
    convolutions and means at the border of the padding are common and harmless. What is padding is
    known from the mask or from `padding_idx`.

    ## When it is wrong

    A model whose sequences always have one fixed length and that learned to live with its padding.

    ## References

    examples/majority_class.
    """
    for model in effect.models:
        if model.extension is None or model.extension <= share:
            continue
        yield Finding(
            f"{model.added} more steps of padding change the answers of {model.name}"[:79],
            evidence=(
                Evidence(
                    "mean change of the output, of that of another sample",
                    number(model.extension),
                    f"0, at most {share:g}",
                ),
                Evidence("length of the batch", f"{model.steps}, {model.padded:.1%} of it padding"),
                Evidence("mask", model.mask or "none"),
            ),
            location=model.built or model.site,
            also=model.site if model.built else None,
            subject=model.name,
            remedy=Remedy(
                "read the last valid step, pack the sequences, or mask attention and pooling",
                recipe="lstm_text",
            ),
        )
