"""The probe `reset-best-score`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.best_scores import BestScores
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("reset-best-score", Severity.ERROR)
def reset_best_score(scores: BestScores) -> Iterator[Finding]:
    """The best score so far is set back in every epoch, so that every epoch is the best one.

    ## What it finds

    A variable such as `best = 0` that is set inside of the epoch loop, and compared there with the score
    of the epoch to decide whether the weights are kept.

    ## Why it matters

    The comparison holds in every epoch. What is kept as the best model is the last one, and the score
    that is reported with it is that of the last epoch.

    ## Example

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
    for epoch in range(6):
        best = 0
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

    The source is read, not run. The variable is set to a number, or to infinity, in the body of a loop
    over epochs, and to nothing else in that loop than to the new score in the branch that keeps the
    weights. Comparisons in an inner loop, over the batches of the epoch, are left alone.

    ## When it is wrong

    A loop over whole trainings that is named after epochs.

    ## References

    PyTorch Forums, thread 116432 (the loop of the transfer learning tutorial, with `best_acc` set before
    the epochs).
    """
    for row in scores.rows:
        yield Finding(
            f"{row.name} is set back in every epoch: each one is the best"[:79],
            evidence=(
                Evidence(
                    f"{row.name} at the beginning of every epoch", row.start[:40], "the best so far"
                ),
                Evidence("comparison that keeps the weights", row.test[:60]),
            ),
            location=row.location,
            also=row.used,
            subject=row.name,
            remedy=Remedy(f"set {row.name} to {row.start[:40]} once, before the loop"),
        )
