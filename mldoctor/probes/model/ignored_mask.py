"""The probe `ignored-mask`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.padding_effect import PaddingEffect
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("ignored-mask", Severity.ERROR)
def ignored_mask(effect: PaddingEffect, *, share: float = 1e-3) -> Iterator[Finding]:
    """A mask is computed and handed to the model, and nothing uses it.

    ## What it finds

    A mask argument that hides the padding of some samples, and whose content does not change the
    output, while the padding itself does.

    ## Why it matters

    Attention and means are taken over padding, so that the answer depends on the longest sample of
    the batch. Everything runs; only the scores are lower than they could be.

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

    loader = DataLoader(TensorDataset(ids, (ids != 0).long(), y), batch_size=32, shuffle=True)

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(30, 32)
            self.block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
            self.head = nn.Linear(32, 2)

        def forward(self, ids, attention_mask):
            hidden = self.block(self.embed(ids))
            return self.head(hidden[:, 0])

    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(5):
        for xb, mb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb, mb), yb)
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

    loader = DataLoader(TensorDataset(ids, (ids != 0).long(), y), batch_size=32, shuffle=True)

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(30, 32)
            self.block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
            self.head = nn.Linear(32, 2)

        def forward(self, ids, attention_mask):
            hidden = self.block(self.embed(ids), src_key_padding_mask=attention_mask == 0)
            return self.head(hidden[:, 0])

    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(5):
        for xb, mb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb, mb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The recorded call is repeated in eval mode with a mask that hides nothing: the output must change.
    Then the batch is padded by a quarter more, mask included: where that changes the output by no
    more than `share` of what another sample does, the model finds its padding by itself and is quiet.

    ## When it is wrong

    A mask that the model hands through to the loss only: nothing is said where it changes any output.

    ## References

    The documentation of `attention_mask` in transformers' glossary.
    """
    for model in effect.models:
        if model.mask_effect != 0 or model.extension is None or model.extension <= share:
            continue
        yield Finding(
            f"{model.mask} has no effect on the output of {model.name}"[:79],
            evidence=(
                Evidence(
                    "change of the output when the mask hides nothing", "0, exactly", "above 0"
                ),
                Evidence(
                    f"change when the batch is padded by {model.added} more steps",
                    f"{number(model.extension)} of that of another sample",
                    f"at most {share:g}",
                ),
                Evidence("padding in the batch", f"{model.padded:.1%}"),
            ),
            location=model.built or model.site,
            also=model.site if model.built else None,
            explains=("padding-sensitive",),
            subject=model.name,
            remedy=Remedy(
                "hand the mask to the attention and the pooling (src_key_padding_mask=mask == 0)"
            ),
        )
