"""The probe `padding-sensitive`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.padding_effect import PaddedModel, PaddingEffect
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe

INVERTED = 1e-3
"""Change that counts as none: as for the other forward experiments, far above rounding."""


@probe("padding-sensitive", Severity.ERROR)
def padding_sensitive(
    effect: PaddingEffect, *, share: float = 0.05, severe: float = 0.3
) -> Iterator[Finding]:
    """The amount of padding changes the answer.

    ## What it finds

    A model that is given sequences with padding at their end, and answers differently when the same
    batch is padded by some steps more: the last step of a recurrent layer taken from the padding,
    attention or a mean over it, a mask that is read the wrong way round.

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
    steps, is compared with that of exchanging the samples. Above `severe` it is an error, above `share`
    a warning. What is padding is known from a mask or lengths that the model is given, from
    `padding_idx`, or from zeros at the ends of batches of different length; where there is a mask, the
    same is tried with the mask turned round. And every mask that reaches an attention on the way is
    compared with where the padding is: one that hides exactly the rest is an error.

    The bounds were measured on untrained models of width 32, batches of 16 with 6 to 20 tokens, five
    seeds each: convolutions with maximum pooling 0 to 0.005, bidirectional recurrent layers that are not
    packed 0.003 to 0.012, attention without a mask read at the first token 0.010 to 0.019; a mean over
    the padding 0.12 to 0.20; the last step of a recurrent layer 0.48 to 0.63. The sound scripts of the
    clinic stay at 0.

    ## When it is wrong

    A model whose sequences always have one fixed length and that learned to live with its padding.

    ## References

    examples/majority_class.
    """
    for model in effect.models:
        if model.hides_valid:
            yield _hides_valid(model)
            continue
        if model.extension is None or model.extension <= share:
            continue
        turned = model.inverted is not None and model.inverted <= INVERTED < model.extension
        yield Finding(
            f"{model.name} reads {model.mask} the wrong way round"[:79]
            if turned
            else f"{model.added} more steps of padding change the answers of {model.name}"[:79],
            evidence=(
                Evidence(
                    "mean change of the output, of that of another sample",
                    number(model.extension),
                    f"0, at most {share:g}",
                ),
                Evidence("length of the batch", f"{model.steps}, {model.padded:.1%} of it padding"),
                Evidence("mask", model.mask or "none"),
                *((Evidence("the same change with the mask turned round", "0"),) if turned else ()),
            ),
            location=model.built or model.site,
            also=model.site if model.built else None,
            severity=None if turned or model.extension > severe else Severity.WARNING,
            subject=model.name,
            remedy=Remedy(
                "turn the mask round: key_padding_mask of torch.nn is True where a token is hidden, "
                "attention_mask of transformers is 1 where it is shown"
                if turned
                else "read the last valid step, pack the sequences, or mask attention and pooling",
                recipe="lstm_text",
            ),
        )


def _hides_valid(model: PaddedModel) -> Finding:
    """The finding on attention that is told the opposite of what it takes."""
    return Finding(
        f"{model.name} hides what is valid from its attention"[:79],
        evidence=(
            Evidence("steps that attention hides", "exactly those that are no padding", "padding"),
            Evidence("length of the batch", f"{model.steps}, {model.padded:.1%} of it padding"),
            Evidence("mask", model.mask or "made in the model"),
        ),
        location=model.built or model.site,
        also=model.site if model.built else None,
        explains=("ignored-mask", "non-finite-loss"),
        subject=model.name,
        remedy=Remedy(
            "turn the mask round: key_padding_mask of torch.nn is True where a key is hidden, "
            "attn_mask of scaled_dot_product_attention where it is shown",
        ),
    )
