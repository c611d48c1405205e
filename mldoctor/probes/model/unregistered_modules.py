"""The probe `unregistered-modules`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.module_use import ModuleUse
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("unregistered-modules", Severity.ERROR)
def unregistered_modules(use: ModuleUse) -> Iterator[Finding]:
    """Layers are kept in a plain list, tuple or dict, so that the model does not know them.

    ## What it finds

    Layers with trainable parameters in a plain container attribute, that run in the forward with
    gradients on, are not in the model's `parameters()`, and that no optimizer holds.

    ## Why it matters

    They are never trained, saved, moved to a device, or switched to eval mode.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(8, 32)
            self.blocks = [nn.Linear(32, 32) for _ in range(2)]
            self.head = nn.Linear(32, 2)

        def forward(self, x):
            hidden = torch.relu(self.first(x))
            for block in self.blocks:
                hidden = torch.relu(block(hidden))
            return self.head(hidden)

    model = Classifier()

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
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(8, 32)
            self.blocks = nn.ModuleList([nn.Linear(32, 32) for _ in range(2)])
            self.head = nn.Linear(32, 2)

        def forward(self, x):
            hidden = torch.relu(self.first(x))
            for block in self.blocks:
                hidden = torch.relu(block(hidden))
            return self.head(hidden)

    model = Classifier()

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The attributes of every module are searched for containers of layers. The recorded call is
    repeated to see which of them run. A frozen teacher that is hidden in a list on purpose is quiet:
    its parameters require no gradients, or it runs without them.

    ## When it is wrong

    Random layers that are meant to stay as they are (a reservoir): set `requires_grad_(False)` on
    them.

    ## References

    The documentation of `torch.nn.ModuleList`.
    """
    for row in use.unregistered:
        if not row.used or row.held:
            continue
        yield Finding(
            f"layers in the plain {row.container} {row.name} are no part of the model"[:79],
            evidence=(
                Evidence("layers that ran in forward", f"{row.used} of {row.layers}"),
                Evidence("their tensors held by an optimizer", f"0 of {row.parameters}", "all"),
                Evidence("their tensors in parameters()", "0", str(row.parameters)),
            ),
            location=row.built,
            explains=("frozen-head", "frozen-model", "cannot-overfit", "flat-loss"),
            subject=row.name,
            remedy=Remedy(
                "keep the layers in nn.ModuleList or nn.ModuleDict, before building the optimizer"
            ),
        )
