"""The probe `unused-parameters`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.module_use import ModuleUse, Unreached
from mldoctor.facts.parameters import Parameters
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("unused-parameters", Severity.WARNING)
def unused_parameters(
    use: ModuleUse, parameters: Parameters, *, min_updates: int = 3, share: float = 0.5
) -> Iterator[Finding]:
    """Layers that an optimizer holds are never reached by a loss.

    ## What it finds

    A trainable layer of a class of your own, held by an optimizer, that never had a gradient in any
    observed update: it runs and its result is dropped, no method but `__init__` mentions it, or
    `forward` runs it under `no_grad` with the random weights it was built with.

    ## Why it matters

    The model that trains is not the one that was designed: a block that is forgotten in `forward`, or
    whose result is overwritten. Weight decay still shrinks nothing, and distributed training stops
    with an error.

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
            self.second = nn.Linear(32, 32)
            self.head = nn.Linear(32, 2)

        def forward(self, x):
            hidden = torch.relu(self.first(x))
            torch.relu(self.second(hidden))
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
            self.second = nn.Linear(32, 32)
            self.head = nn.Linear(32, 2)

        def forward(self, x):
            hidden = torch.relu(self.first(x))
            hidden = torch.relu(self.second(hidden))
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

    The graphs of the first losses and the gradients before each of the steps, at least `min_updates`,
    are searched for the parameters. A layer that `forward` mentions but that did not run (an expert,
    a dropped layer, the head of another task) is not reported, nor are members of a ModuleList or
    ModuleDict, or layers inside library models (the pooler of BERT). More than `share` of the model is
    reported only where it ran and was made in this run, without weights from elsewhere. The same holds
    for a layer that runs with gradients off: loaded or copied weights, weights that an earlier stage
    trained and weights that move some other way (a moving average) are left alone.

    ## When it is wrong

    A layer that a later stage of the same script trains, if it runs already now. Random features that
    are fixed on purpose: take them out of the optimizer, or set `requires_grad` to False.

    ## References

    `find_unused_parameters` of DistributedDataParallel looks for the same.
    """
    rows = [
        row for row in use.unreached if row.ran or not row.mentioned or _silenced(row, parameters)
    ]
    tensors = sum(row.tensors for row in rows)
    if not rows or parameters.updates < min_updates:
        return
    if tensors > share * use.tensors and not all(
        (row.ran or row.silenced) and row.fresh for row in rows
    ):
        return
    first = rows[0]
    how = "runs, but no loss reaches it" if first.ran else "is built and never used"
    if first.silenced:
        how = "runs with gradients off, and is not trained"
    yield Finding(
        f"{first.name} ({first.kind}) {how}"[:79],
        evidence=(
            Evidence(f"gradients in {parameters.updates} updates", "none", "one per update"),
            Evidence("layers concerned", ", ".join(row.name for row in rows[:6]), "none"),
            Evidence("their tensors, held by an optimizer", f"{tensors} of {use.tensors}", "0"),
        ),
        location=first.built,
        subject=first.name,
        remedy=Remedy(
            "run the layer with gradients enabled; what shall stay as it is needs trained weights"
            if first.silenced
            else "use the layer in forward on the way to the loss, or take it out of the model"
        ),
    )


def _silenced(row: Unreached, parameters: Parameters) -> bool:
    """Whether an untrained layer runs under `no_grad`, and nothing else moves its weights either."""
    if not (row.silenced and row.fresh):
        return False
    return not any(
        tensor.moved for tensor in parameters.rows if tensor.name.startswith(f"{row.name}.")
    )
