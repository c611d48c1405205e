"""The probe `optimizer-reset`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.optimizer_lives import OptimizerLives, Reset
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe

_SAID = {
    "optimizer": "the {kind} optimizer is built anew {often}",
    "state": "the state of {kind} is emptied {often}",
    "weights": "the weights are initialised anew {often}",
}
_CURE = {
    "optimizer": "build the optimizer once, before the loop over epochs",
    "state": "load or clear the optimizer's state once, before the loop over epochs",
    "weights": "initialise the weights once, before the loop over epochs",
}


@probe("optimizer-reset", Severity.WARNING)
def optimizer_reset(
    lives: OptimizerLives, *, every_update: int = 3, min_rounds: int = 10
) -> Iterator[Finding]:
    """The optimizer, its state, or the weights begin anew again and again during training.

    ## What it finds

    An optimizer that is built inside of the loop over epochs or batches, a state that is emptied there,
    or weights that are initialised there.

    ## Why it matters

    Moments are averages over hundreds of steps. Emptied each epoch, Adam takes steps of full length in
    every direction at the start of each; emptied with each batch, momentum never acts. New weights
    throw away what was learned.

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
    for epoch in range(6):
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
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
    for epoch in range(6):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Optimizers that one line builds with the same options over the same tensors, each taking over at the
    values that the one before had left; step counts in the state that fall; and weights that were
    rewritten between two updates to values whose cosine with the old ones is near zero. It must happen
    each time that training goes over its one loader again, or `every_update` times without that. Once
    is enough where it is built in the loop over epochs itself and `min_rounds` of them are planned.

    ## When it is wrong

    Optimizers without moments (plain SGD) are quiet, and so are new options, another loader, another
    fold, and a single restart within several epochs.

    ## References

    Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015 (bias correction, moment estimates).
    """
    for row in lives.resets:
        again = _again_and_again(row, every_update) or (row.planned or 0) >= min_rounds
        if not row.memory or not again:
            continue
        often = "with every update" if row.between == 1 else "every epoch"
        epoch = row.times == row.boundaries or (row.planned or 0) >= min_rounds
        if row.between > 1 and not epoch:
            often = f"every {row.between} updates"
        yield Finding(
            _SAID[row.what].format(kind=row.kind, often=often),
            evidence=(
                Evidence("times in the observed updates", f"{row.times} in {lives.updates}", "0"),
                Evidence("updates between two of them", number(row.between)),
                Evidence(
                    "times that the loader was begun again",
                    number(row.boundaries) if row.boundaries >= 0 else "several loaders",
                ),
            ),
            location=row.site,
            explains=("cannot-overfit", "flat-loss", "oscillating-loss", "learning-rate-too-high"),
            subject=f"{row.what} {row.kind}",
            remedy=Remedy(_CURE[row.what]),
        )


def _again_and_again(row: Reset, every_update: int) -> bool:
    """Whether it belongs to each epoch or update, and not to a stage of the training."""
    if row.boundaries > 0:
        enough = 1 if row.what == "optimizer" else 2
        return row.times >= max(enough, row.boundaries)
    return row.times >= every_update
