"""The probe `inverted-loss`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.loss_direction import LossDirection
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.registry import probe

_WHAT = {"log_prob": "data"}


@probe("inverted-loss", Severity.ERROR)
def inverted_loss(direction: LossDirection, *, min_rise: float = 1e-4) -> Iterator[Finding]:
    """The updates raise the loss that the loop computes: a sign is wrong.

    ## What it finds

    A loss that enters what is back-propagated with a minus sign, a log-likelihood that is minimised,
    an optimizer with `maximize=True`, or gradients that are negated: a small step along the update
    raises the loss.

    ## Why it matters

    The model is trained to be wrong. The value that is printed often falls, because it is the negative
    one, without a lower bound.

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
            loss = -nn.functional.cross_entropy(model(xb), yb)
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

    The derivative of what is back-propagated by the value of each loss function is recorded. When it
    is negative for all of them, when an optimizer maximises, or when a loss rises over the natural
    steps, the loop takes up to 18 steps on a fixed set at 1 % (then 10 %) of its rate, and the value
    of the loss function must rise beyond its noise and by more than a share of `min_rise`. For a
    hand-written class loss the sign of the gradient at the picked log-probabilities of the labels
    decides; for a loss made of the `log_prob` of torch's distributions the sign at that of a part of the
    batch, when it is lowered for every value in every call.

    ## When it is wrong

    Adversarial training, in which several losses are optimised in turn, is not driven; a reward that
    multiplies a log-probability changes its sign from sample to sample and is left alone. Unlearning
    by gradient ascent on purpose is reported.

    ## References

    Ben Braiek and Khomh, Testing Feedforward Neural Networks Training Programs (2022), flipped
    gradient sign. PyTorch documentation of torch.optim, argument maximize.
    """
    for row in direction.rows:
        rises = bool(
            row.before is not None
            and row.after is not None
            and row.after - row.before > min_rise * abs(row.before)
            and (row.weights[1] < 0 or row.total_rises)
        )
        by_sign = row.by_hand and row.from_batch and row.weights[1] < 0
        if not rises and not by_sign:
            continue
        evidence = [
            Evidence(
                "weight of this loss in what is back-propagated", number(row.weights[0]), "above 0"
            ),
        ]
        if rises:
            evidence += [
                Evidence(
                    "rate of the small steps, as a share of the planned one",
                    number(row.factor or 0.0),
                ),
                Evidence("loss before them", number(row.before or 0.0)),
                Evidence("loss after them", number(row.after or 0.0), "below that"),
            ]
        if direction.maximises:
            evidence.append(Evidence("an optimizer has maximize", "True", "False"))
        yield Finding(
            f"a small step along the update raises {row.function}"
            if rises
            else f"the likelihood of the {_WHAT.get(row.function, 'labels')} is minimised: "
            "a minus sign is missing",
            evidence=tuple(evidence),
            location=row.location,
            explains=UNLEARNABLE,
            subject="loss",
            remedy=Remedy("minimise the loss itself: turn the sign round"),
        )
        return
