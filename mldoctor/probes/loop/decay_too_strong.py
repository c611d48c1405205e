"""The probe `decay-too-strong`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.decay_trial import DecayTrial
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.registry import probe


@probe("decay-too-strong", Severity.WARNING)
def decay_too_strong(trial: DecayTrial, *, pull: float = 0.5) -> Iterator[Finding]:
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

    What decay adds to the gradient of each weight matrix is compared with the gradient itself; where
    decay is decoupled, with the unit length of the optimizer's step. When it is at least `pull` times
    as strong and the loop cannot memorise 20 samples, the same updates are taken on the same samples
    with a decay of zero. Only a run that learns then is evidence.

    ## When it is wrong

    A decay that hurts generalisation alone, or only late in training, is not seen.

    ## References

    Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019; Krogh and Hertz, A Simple Weight
    Decay Can Improve Generalization, 1992.
    """
    if not trial.cured or trial.pull < pull:
        return
    yield Finding(
        f"weight decay {trial.decay:g} keeps the loop from learning",
        evidence=(
            Evidence("pull of decay, relative to the gradient", number(trial.pull), "far below 1"),
            Evidence("20 samples with this decay", f"{trial.control}, loss {_end(trial.losses)}"),
            Evidence(
                "20 samples without decay", f"{trial.treated}, loss {_end(trial.treated_losses)}"
            ),
        ),
        location=trial.built,
        explains=("over-regularised", "dead-units", "vanishing-gradients", *UNLEARNABLE),
        subject=trial.kind,
        remedy=Remedy(f"use a weight decay of 0.01 or less in place of {trial.decay:g}"),
    )


def _end(losses: tuple[float, ...]) -> str:
    return f"{number(losses[0])} to {number(losses[-1])}" if losses else "unknown"
