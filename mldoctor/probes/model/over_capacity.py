"""The probe `over-capacity`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from mldoctor.facts.capacity import Capacity
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("over-capacity", Severity.WARNING)
def over_capacity(
    capacity: Capacity, *, times: float = 100.0, memorised: float = 0.2
) -> Iterator[Finding]:
    """More weights than the data can determine, and nothing that holds them back.

    ## What it finds

    A model that has learned its training data by heart within the observed steps while its loss on
    held-out data rose above that of a model that knows nothing. Also, as a note, a model with over
    `times` times the weights that would reproduce any labels of its training data. In both cases without
    dropout, weight decay, augmentation, label smoothing, frozen or loaded weights.

    ## Why it matters

    Training loss and training accuracy look perfect and say nothing about new data.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    def draw(n):
        x = torch.randn(n, 100)
        return x, (x[:, 0] + x[:, 1] + 2 * torch.randn(n) > 0).long()

    loader = DataLoader(TensorDataset(*draw(48)), batch_size=16, shuffle=True)
    held_out = DataLoader(TensorDataset(*draw(400)), batch_size=200)
    model = nn.Sequential(nn.Linear(100, 2048), nn.ReLU(), nn.Linear(2048, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(20):
        model.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            losses = [nn.functional.cross_entropy(model(xb), yb) for xb, yb in held_out]
        print(epoch, loss.item(), sum(losses).item() / len(losses))
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    def draw(n):
        x = torch.randn(n, 100)
        return x, (x[:, 0] + x[:, 1] + 2 * torch.randn(n) > 0).long()

    loader = DataLoader(TensorDataset(*draw(2_000)), batch_size=16, shuffle=True)
    held_out = DataLoader(TensorDataset(*draw(400)), batch_size=200)
    model = nn.Sequential(nn.Linear(100, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(3):
        model.train()
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            losses = [nn.functional.cross_entropy(model(xb), yb) for xb, yb in held_out]
        print(epoch, loss.item(), sum(losses).item() / len(losses))
    ```

    ## How it is measured

    Trainable weights are counted, and compared with 2n + d, which suffices to reproduce any n labels of
    inputs with d values. The losses of the natural steps are read: where the training loss is below
    `memorised` of the loss of the best constant answer and every later evaluation is worse than the one
    before and the last one worse than that constant answer, it is a warning. The mere number of weights
    is a note, and only where the loop has memorised its 20 samples.

    ## When it is wrong

    Large models often generalise with far more weights than samples; the count alone is a note.
    The warning is wrong where the held-out data follow other rules than the training data.

    ## References

    Zhang and others, Understanding deep learning requires rethinking generalization (2017), theorem 1.
    Belkin and others, Reconciling modern machine-learning practice and the bias-variance trade-off
    (2019), on why a large model need not overfit.
    """
    if capacity.restraints or capacity.weights <= capacity.enough:
        return
    overfitted = _overfitted(capacity, memorised)
    if not overfitted and not (capacity.memorised and capacity.weights > times * capacity.enough):
        return
    rows = [
        Evidence("trainable weights", number(capacity.weights)),
        Evidence(
            f"weights that reproduce any labels of {number(capacity.samples)} samples",
            number(capacity.enough),
        ),
        Evidence("dropout, decay, augmentation, label smoothing", "none"),
    ]
    if overfitted and capacity.uninformed is not None:
        known = f"{number(capacity.uninformed)} without any knowledge"
        first, last = capacity.held_out[0], capacity.held_out[-1]
        rows += [
            Evidence("latest training loss", number(capacity.training[-1][1]), known),
            Evidence(
                "held-out loss",
                f"{number(first[1])} after {first[0]} updates, {number(last[1])} after {last[0]}",
                known,
            ),
        ]
    yield Finding(
        "the model learns its training data by heart"
        if overfitted
        else "the model has far more weights than its data can determine",
        evidence=tuple(rows),
        location=capacity.built,
        severity=None if overfitted else Severity.NOTE,
        subject="model",
        remedy=Remedy(
            "use a smaller model, weight decay, dropout or augmentation, or stop at the best held-out "
            "loss; compare on held-out data"
        ),
    )


def _overfitted(capacity: Capacity, memorised: float) -> bool:
    """Whether the observed losses show it: learned by heart, and worse than knowing nothing."""
    known, held_out = capacity.uninformed, [loss for _, loss in capacity.held_out]
    if known is None or len(held_out) < 2 or not capacity.training:  # noqa: PLR2004 - a rise
        return False
    latest = [loss for _, loss in capacity.training[-3:]]
    rising = all(later > earlier for earlier, later in pairwise(held_out[-3:]))
    return max(latest) < memorised * known and held_out[-1] > known and rising
