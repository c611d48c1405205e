"""The probe `future-leak`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.forward_dependence import ForwardDependence
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("future-leak", Severity.ERROR)
def future_leak(dependence: ForwardDependence, *, share: float = 1e-3) -> Iterator[Finding]:
    """A model that is trained to predict the next step can look at it.

    ## What it finds

    A model whose loss compares its output with its own input one step on, and whose output at a step
    changes when only later steps of the input change: a missing causal mask, a bidirectional layer, a
    centred convolution.

    ## Why it matters

    The loss falls to almost nothing because the answer is copied. At generation time the future is
    not there and the model produces noise.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    steps = torch.randint(1, 4, (400, 1))
    ids = (steps * torch.arange(13) + torch.randint(0, 11, (400, 1))) % 11
    loader = DataLoader(TensorDataset(ids[:, :-1], ids[:, 1:]), batch_size=32, shuffle=True)

    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(11, 32)
            self.block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
            self.head = nn.Linear(32, 11)

        def forward(self, ids):
            hidden = self.block(self.embed(ids))
            return self.head(hidden)

    model = Language()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb).flatten(0, 1), yb.flatten())
            loss.backward()
            optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    steps = torch.randint(1, 4, (400, 1))
    ids = (steps * torch.arange(13) + torch.randint(0, 11, (400, 1))) % 11
    loader = DataLoader(TensorDataset(ids[:, :-1], ids[:, 1:]), batch_size=32, shuffle=True)

    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(11, 32)
            self.block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
            self.head = nn.Linear(32, 11)

        def forward(self, ids):
            mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
            hidden = self.block(self.embed(ids), src_mask=mask, is_causal=True)
            return self.head(hidden)

    model = Language()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb).flatten(0, 1), yb.flatten())
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The targets of the latest losses are compared with the input tensors: only where they are equal,
    one step shifted, is the model judged. Its call is repeated in eval mode with the later half of
    that input exchanged between samples; earlier outputs may change by at most `share` of the later
    ones.

    ## When it is wrong

    A model that reconstructs its input and is compared one step shifted for another reason.
    Bidirectional encoders and taggers are not judged, since their targets are not their input.

    ## References

    Vaswani and others, Attention Is All You Need (2017), section 3.2.3, on masking what is to come.
    """
    for model in dependence.models:
        if model.future is None or model.future <= share:
            continue
        half = model.steps // 2
        yield Finding(
            f"{model.name} sees the future steps that it is trained to predict"[:79],
            evidence=(
                Evidence(
                    f"output steps before {half} that a change from {half} on moves",
                    f"{model.leaked_steps} of {half}",
                    "0",
                ),
                Evidence(
                    "their largest change, of that behind it",
                    number(model.future),
                    f"at most {share:g}",
                ),
                Evidence("targets of the loss", "the input, one step on"),
            ),
            location=model.built or model.site,
            also=model.site if model.built else None,
            subject=model.name,
            remedy=Remedy(
                "mask attention with a causal mask; use one direction; pad convolutions on the left"
            ),
        )
