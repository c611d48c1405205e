"""The probe `aliased-best-weights`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.kept_weights import KeptWeights
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("aliased-best-weights", Severity.ERROR)
def aliased_best_weights(
    weights: KeptWeights, *, min_updates: int = 2, share: float = 0.1
) -> Iterator[Finding]:
    """The weights that were kept as the best ones go on changing with the model.

    ## What it finds

    A `state_dict()` that is kept in a variable while training goes on. Its tensors are the model's own.

    ## Why it matters

    Loading the "best" weights at the end changes nothing: they are the last ones. Early stopping and
    the choice of a checkpoint are without effect, and the reported score is not that of the model one
    has.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x[:300], y[:300]), batch_size=20, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    best = 0
    for epoch in range(6):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = int((model(x[300:]).argmax(1) == y[300:]).sum())
        if epoch == 0 or right > 100:
            best, weights = right, model.state_dict()
    model.load_state_dict(weights)
    ```

    ## Use instead

    ```python
    import copy

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x[:300], y[:300]), batch_size=20, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    best = 0
    for epoch in range(6):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = int((model(x[300:]).argmax(1) == y[300:]).sum())
        if right > best:
            best, weights = right, copy.deepcopy(model.state_dict())
    model.load_state_dict(weights)
    ```

    ## How it is measured

    Every state dictionary that is made between two updates is followed. One that is still held
    `min_updates` updates later, and whose values have changed in a `share` of those looked at since it
    was made, is no copy. Dictionaries that are written to a file at once are left out.

    ## When it is wrong

    A dictionary that is kept as a live view on purpose, to log the weights.

    ## References

    PyTorch documentation, Saving and Loading Models (state_dict returns a reference to the state and
    not its copy).
    """
    for row in weights.rows:
        if row.saved or row.updates < min_updates or row.changed < share:
            continue
        yield Finding(
            "the kept state_dict changes with the model",
            evidence=(
                Evidence("updates since it was taken", number(row.updates)),
                Evidence("values in it that are other ones by now", f"{row.changed:.0%}", "0%"),
                Evidence("written to a file when it was taken", "no"),
            ),
            location=row.site,
            subject="state_dict",
            remedy=Remedy("keep copy.deepcopy(model.state_dict()), or save it to a file"),
        )
        return
