"""The probe `decayed-norms`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.hyperparameters import Hyperparameters
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("decayed-norms", Severity.NOTE)
def decayed_norms(options: Hyperparameters, *, min_decay: float = 0.1) -> Iterator[Finding]:
    """Strong weight decay acts on the gains and biases of normalisation layers too.

    ## What it finds

    A parameter group with a weight decay of `min_decay` and more that holds parameters of
    normalisation layers.

    ## Why it matters

    Decay is there to keep weights small. A gain is meant to be near one: decay pulls the scale of
    each layer's output towards zero, and saves nothing.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.1)
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
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 2))
    groups = [
        {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": 0.1},
        {"params": [p for p in model.parameters() if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The weight decay of each parameter group is read, and how many of its tensors belong to layer,
    group, batch or RMS normalisation.

    ## When it is wrong

    Small decays and short runs, where it makes no difference that could be measured.

    ## References

    Goyal et al., Accurate, Large Minibatch SGD, 2017 (section 5.3); Hugging Face Transformers
    documentation, Trainer (`weight_decay`: all layers except biases and LayerNorm weights).
    """
    for row in options.optimizers:
        groups = [g for g in row.groups if g.decay >= min_decay and g.norms]
        if not groups:
            continue
        yield Finding(
            f"weight decay {groups[0].decay:g} acts on normalisation layers too",
            evidence=(
                Evidence("weight decay", number(groups[0].decay), "0 for these tensors"),
                Evidence(
                    "tensors of normalisation layers in such groups",
                    number(sum(g.norms for g in groups)),
                    "0",
                ),
            ),
            location=row.built,
            subject=row.kind,
            remedy=Remedy("put gains and biases into a group of their own with weight_decay=0"),
        )
