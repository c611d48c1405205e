"""The probe `dominant-loss-term`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.term_gradients import TermGradients
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.registry import probe


@probe("dominant-loss-term", Severity.WARNING)
def dominant_loss_term(
    terms: TermGradients, *, max_share: float = 0.02, min_weight: float = 0.5, min_measured: int = 2
) -> Iterator[Finding]:
    """One term of the loss provides almost all of the gradient, and the loss on the data does not fall.

    ## What it finds

    A sum in which a loss function with a target has full weight, but sends the weights almost no
    gradient beside another term: a penalty that is too strong, or a second task on another scale.

    ## Why it matters

    The sum falls, which looks like learning, while the task itself is not learned.

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
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            penalty = sum(p.square().sum() for p in model.parameters())
            loss = nn.functional.cross_entropy(model(xb), yb) + 30.0 * penalty
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
            penalty = sum(p.square().sum() for p in model.parameters())
            loss = nn.functional.cross_entropy(model(xb), yb) + 1e-4 * penalty
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Where the values of the terms differ by a factor of ten, each is differentiated by itself in the
    second and third update. Reported is a loss function with a weight of at least `min_weight` whose
    gradient was at most `max_share` of the largest other one in at least `min_measured` updates, and
    whose own value does not fall over the natural steps beyond its noise.

    ## When it is wrong

    A term that is meant to be learned first, on a schedule that turns to the other one later.

    ## References

    Kendall et al., Multi-Task Learning Using Uncertainty to Weigh Losses (2018). Chen et al., GradNorm
    (2018).
    """
    for row in terms.rows:
        if row.share > max_share or row.weight < min_weight or row.falls:
            continue
        if row.measured < min_measured:
            continue
        yield Finding(
            f"{row.function} is drowned by {row.rival}"[:79],
            evidence=(
                Evidence(
                    "its gradient over that of the other", number(row.share), f"above {max_share:g}"
                ),
                Evidence("its weight in the sum", number(row.weight)),
                Evidence("its value, first third of the natural steps", number(row.first)),
                Evidence("its value, last third", number(row.last), "lower"),
            ),
            location=row.location,
            explains=UNLEARNABLE,
            subject="loss",
            remedy=Remedy("weigh the terms so that their gradients are of one order"),
        )
