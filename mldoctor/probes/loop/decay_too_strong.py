"""The probe `decay-too-strong`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.hyperparameters import Group, Hyperparameters
from mldoctor.facts.treatment_trial import TreatmentTrial
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.probes.treated import compared
from mldoctor.registry import probe


@probe("decay-too-strong", Severity.WARNING)
def decay_too_strong(trial: TreatmentTrial, options: Hyperparameters) -> Iterator[Finding]:
    """Weight decay shrinks the weights faster than the gradients can build them up.

    ## What it finds

    A weight decay under which the loop cannot memorise 20 samples, and without which it can.

    ## Why it matters

    The weights settle near zero, where the model gives the same answer to every input.

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
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1.0)
    for epoch in range(30):
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
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-4)
    for epoch in range(30):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    By treatment: where a symptom stands that no other cause explains, the loop is run from the same
    state on the same samples with a decay of zero. Only a run that learns then is evidence. What decay
    adds to the gradient of each weight matrix is reported relative to the gradient itself; where decay
    is decoupled, relative to the unit length of the optimizer's step.

    ## When it is wrong

    A decay that hurts generalisation alone, or only late in training, is not seen.

    ## References

    Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019; Krogh and Hertz, A Simple Weight
    Decay Can Improve Generalization, 1992.
    """
    cure = trial.cure("decay-too-strong")
    rows = [(_pull(group), group, row) for row in options.optimizers for group in row.groups]
    if cure is None or not rows:
        return
    pull, group, row = max(rows, key=lambda found: found[0])
    yield Finding(
        f"weight decay {group.decay:g} keeps the loop from learning",
        evidence=(
            Evidence("pull of decay, relative to the gradient", number(pull), "far below 1"),
            *compared(trial, cure),
        ),
        location=row.built,
        explains=("over-regularised", "dead-units", "vanishing-gradients", *UNLEARNABLE),
        subject=row.kind,
        remedy=Remedy(f"use a weight decay of 0.01 or less in place of {group.decay:g}"),
    )


def _pull(group: Group) -> float:
    """What decay adds to the gradient, relative to it; relative to a unit step where decoupled."""
    if group.decoupled:
        return group.decay * (group.spread or 0.0)
    return group.matrices or 0.0
