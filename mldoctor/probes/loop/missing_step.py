"""The probe `missing-step`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.parameters import Parameters
from mldoctor.facts.updates import Updates
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("missing-step", Severity.ERROR)
def missing_step(
    updates: Updates, parameters: Parameters, *, min_backwards: int = 20
) -> Iterator[Finding]:
    """Losses are back-propagated, and no optimizer ever uses the gradients.

    ## What it finds

    Backward passes without any optimizer step and without any change of a weight by hand; or steps of
    an optimizer that holds nothing with a gradient, at a rate above zero.

    ## Why it matters

    Nothing is learned. The loss moves only because the batches differ.

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
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
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

    Backward passes and steps are counted as they happen, at least `min_backwards` of the former; the
    weights are compared with their first values, so that updates written by hand count as steps.

    ## When it is wrong

    A script that only computes gradients (saliency maps, attribution) and trains nothing.

    ## References

    The loop of PyTorch's optimisation tutorial.
    """
    if updates.backwards < min_backwards or updates.detached == updates.backwards:
        return
    if any(row.moved > 0 for row in parameters.rows):
        return
    steps = len(updates.rows)
    if steps and any(row.with_gradient for row in updates.rows):
        return
    held = sum(o.tensors for o in parameters.optimizers)
    if steps and any(o.strangers for o in parameters.optimizers):
        return
    if steps and not any(row.reached for row in parameters.rows):
        return
    what = "a step of an optimizer without gradients" if steps else "without any optimizer step"
    yield Finding(
        f"{updates.backwards} backward passes, {what}"[:79],
        evidence=(
            Evidence("backward passes", str(updates.backwards)),
            Evidence("optimizer steps", str(steps), "at least 1"),
            Evidence("tensors held by optimizers", number(held)),
            Evidence("weights that changed", f"0 of {len(parameters.rows)}", "most"),
        ),
        location=updates.backward_site,
        explains=(
            "frozen-model",
            "frozen-head",
            "flat-loss",
            "cannot-overfit",
            "single-class-collapse",
            "optimizer-missing-parameters",
        ),
        subject="optimizer",
        remedy=Remedy("call optimizer.step() after the backward, on the optimizer of this model"),
    )
