"""The probe `exploding-gradients`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from mldoctor.facts.updates import Updates
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("exploding-gradients", Severity.ERROR, symptom=True)
def exploding_gradients(
    updates: Updates, *, min_updates: int = 8, growth: float = 30.0, spike: float = 100.0
) -> Iterator[Finding]:
    """The gradient norm grows by orders of magnitude, or jumps far above its usual size.

    ## What it finds

    A gradient that is not finite when the optimizer uses it; a median norm of the last third of the
    updates that is `growth` times that of the first third; or, after the first updates, a norm `spike`
    times the median that nothing clips.

    ## Why it matters

    One such update can undo all earlier ones. The loss jumps and often does not come back.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(*[layer for _ in range(6) for layer in (nn.Linear(8, 8), nn.ReLU())])
    model.append(nn.Linear(8, 2))
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=4.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
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

    The L2 norm over all gradients of an optimizer as it steps, before clipping where the loop clips. At
    least `min_updates` updates; the first three may be large (CTC losses begin ten to twenty times
    above their later median), and plain recurrent networks jump to seven times it.

    ## When it is wrong

    A loop that trains through a rare huge batch on purpose. A loss scaler skips steps with infinite
    gradients; those steps never reach the optimizer and do not count.

    ## References

    SageMaker Debugger, rule ExplodingTensor; AutoTrainer (Zhang and others, 2021) takes a ratio of 70
    between gradients. examples/ignored_class.
    """
    for index in sorted({row.optimizer for row in updates.rows}):
        rows = updates.of(index)
        norms = [row.gradient_norm for row in rows]
        wild = [i for i, norm in enumerate(norms) if not math.isfinite(norm)]
        evidence = []
        if wild:
            evidence.append(
                Evidence("first update with a non-finite gradient", str(wild[0] + 1), "none")
            )
        elif len(norms) >= min_updates:
            third = len(norms) // 3
            first, last, usual = median(norms[:third]), median(norms[-third:]), median(norms)
            worst = max(range(3, len(norms)), key=lambda i: norms[i])
            clipped = rows[worst].clip_bound is not None
            if first > 0 and last >= growth * first:
                evidence.append(Evidence("median norm, first third of updates", number(first)))
                evidence.append(
                    Evidence(
                        "median norm, last third", number(last), f"below {growth:g} times that"
                    )
                )
            elif usual > 0 and norms[worst] >= spike * usual and not clipped:
                evidence.append(Evidence("median norm", number(usual)))
                evidence.append(
                    Evidence(
                        f"norm at update {worst + 1}",
                        number(norms[worst]),
                        f"below {spike:g} times that",
                    )
                )
        if evidence:
            yield Finding(
                "the gradient norm explodes during training",
                evidence=tuple(evidence),
                location=rows[0].site,
                subject=f"optimizer {index}",
                remedy=Remedy(
                    "lower the rate, check the initialisation, clip the norm before the step"
                ),
            )
