"""The probe `frozen-head`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.parameters import Parameters
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("frozen-head", Severity.ERROR)
def frozen_head(parameters: Parameters, *, min_updates: int = 3) -> Iterator[Finding]:
    """The layer that makes the predictions never changes during training.

    ## What it finds

    A layer whose output the loss is computed from keeps every one of its values, to the last bit, over
    all observed updates, while other layers train.

    ## Why it matters

    A head that was initialised at random and never trained turns good features into noise. The rest of
    the network may bend around it, slowly, or the model answers one class for everything.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    for parameter in model[2].parameters():
        parameter.requires_grad = False
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-2)
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
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Every parameter is compared with its value before the first update. The head is the layer whose
    output is what the loss function was given. Nothing is said before `min_updates` updates, nor when
    nothing at all changes (see frozen-model).

    ## When it is wrong

    A head that is fixed by design (a random projection, a simplex classifier) looks the same: accept
    the finding with a reason. So does a head that is frozen for a first stage only.

    ## References

    The three updates are the default of SageMaker Debugger's UnchangedTensor rule;
    examples/imdb_collapse.
    """
    heads = [row for row in parameters.heads() if row.graded]
    moved = sum(row.moved > 0 for row in parameters.rows)
    if not heads or not moved or parameters.updates < min_updates:
        return
    if any(row.moved > 0 for row in heads):
        return
    layer = heads[0].name.rsplit(".", 1)[0]
    trainable = sum(row.trainable for row in heads)
    held = sum(bool(row.held_by) for row in heads)
    norms = [row.gradient for row in heads if row.gradient is not None]
    evidence = [
        Evidence(f"largest change in {parameters.updates} updates", "0, exactly", "above 0"),
        Evidence("tensors of it that require gradients", f"{trainable} of {len(heads)}", "all"),
        Evidence("tensors of it held by an optimizer", f"{held} of {len(heads)}", "all"),
        Evidence("other tensors that changed", f"{moved} of {len(parameters.rows) - len(heads)}"),
    ]
    if norms:
        evidence.append(Evidence("its largest gradient norm", number(max(norms)), "above 0"))
    optimizer = next((o.built for o in parameters.optimizers), None)
    yield Finding(
        f"the layer that makes the predictions never changes: {layer}"[:79],
        evidence=tuple(evidence),
        location=heads[0].built or optimizer,
        also=optimizer if heads[0].built else None,
        subject=layer,
        remedy=Remedy(f"let {layer} require gradients and hand its parameters to the optimizer"),
    )
