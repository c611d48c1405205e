"""The probe `non-finite-input`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mldoctor.facts.input_parts import InputParts
from mldoctor.facts.non_finite_fed import NonFiniteFed
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("non-finite-input", Severity.ERROR)
def non_finite_input(parts: InputParts, fed: NonFiniteFed) -> Iterator[Finding]:
    """NaN or Inf stands in the training data.

    ## What it finds

    Training samples with values that are not finite, in their inputs or their targets, which the
    loop does not handle.

    ## Why it matters

    One such value makes the loss NaN, the update after it makes every weight NaN, and nothing is
    learned from then on.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    x[17, 3] = float('nan')
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

    Every value of every sample that is read is tested. A batch with one of the samples found is
    then fed to the project's own loop: only a loss that is not finite makes it a finding. Where the
    loop cannot be driven, a natural step must have met such a value.

    ## When it is wrong

    Missing values that the loop masks or replaces itself give a finite loss, and are quiet.

    ## References

    UMLAUT (Schoop, Huang and Hartmann, 2021).
    """
    split = parts.rows[0]
    lost = fed.natural or (fed.loss is not None and not math.isfinite(fed.loss))
    if not split.non_finite or not lost:
        return
    yield Finding(
        f"{number(split.non_finite)} training samples hold NaN or Inf",
        evidence=(
            Evidence(
                "samples with NaN or Inf",
                f"{number(split.non_finite)} of {number(split.kept)} read",
                "0",
            ),
            Evidence("part of the sample", split.non_finite_part),
            Evidence("dataset index", ", ".join(map(str, split.non_finite_index[:5]))),
            Evidence("loss of the loop on such a batch", "not finite", "finite"),
        ),
        location=split.loader.built,
        explains=("non-finite-loss", "cannot-overfit", "flat-loss"),
        subject=f"loader {split.loader.index}",
        remedy=Remedy("replace or drop the values that are not finite, or mask them in the loss"),
    )
