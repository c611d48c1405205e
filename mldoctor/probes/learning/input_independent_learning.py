"""The probe `input-independent-learning`."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from mldoctor.facts.blanked_curve import BlankedCurve
from mldoctor.facts.updates import Updates
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("input-independent-learning", Severity.ERROR, symptom=True)
def input_independent_learning(
    curves: BlankedCurve, updates: Updates, *, tolerance: float = 0.02, min_passes: int = 20
) -> Iterator[Finding]:
    """The loop learns no better from its inputs than from one input for all samples.

    ## What it finds

    The loss on a fixed set ends where it also ends when every sample is given the first sample's input,
    and that is the loss of the best constant answer.

    ## Why it matters

    Whatever the model learns is the average of the labels. The inputs do not reach the answer.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    class Guess(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(8, 2)

        def forward(self, x):
            return self.head(torch.ones_like(x))

    model = Guess()
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

    Both runs start from the same state and use the project's own loop. The second run is made only when
    the first did not learn its samples. The real curve must end within `tolerance` of the blanked one
    and of the best constant answer, and must have stopped falling, after at least `min_passes` passes.

    ## When it is wrong

    A very slow start looks the same for a while; a curve that still falls is not judged.

    ## References

    Karpathy, A Recipe for Training Neural Networks (2019): the input-independent baseline.
    """
    if not curves.needed or curves.uninformed is None or len(curves.real) < min_passes:
        return
    tail = max(3, len(curves.real) // 5)
    real, before = fmean(curves.real[-tail:]), fmean(curves.real[-2 * tail : -tail])
    blanked = fmean(curves.blanked[-max(3, len(curves.blanked) // 5) :])
    margin = tolerance * max(curves.uninformed, 1e-9)
    if (
        real < blanked - margin
        or abs(real - curves.uninformed) > 2 * margin
        or before - real > margin
    ):
        return
    yield Finding(
        "the loop learns no more from its inputs than from one input for all",
        evidence=(
            Evidence(
                "loss on the fixed samples at the end", number(real), f"below {number(blanked)}"
            ),
            Evidence("the same with one input for all samples", number(blanked)),
            Evidence("loss of the best constant answer", number(curves.uninformed)),
        ),
        location=updates.backward_site,
        explains=("flat-loss", "cannot-overfit", "single-class-collapse"),
        subject="inputs",
        remedy=Remedy("follow one input from the batch to the output and find where it is lost"),
    )
