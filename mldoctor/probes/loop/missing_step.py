"""The probe `missing-step`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.parameters import Parameters
from mldoctor.facts.updates import Updates
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("missing-step", Severity.ERROR)
def missing_step(
    updates: Updates, parameters: Parameters, *, min_backwards: int = 20, min_cleared: int = 10
) -> Iterator[Finding]:
    """Losses are back-propagated, and no optimizer ever uses the gradients.

    ## What it finds

    Backward passes without any optimizer step and without any change of a weight by hand; steps of an
    optimizer that holds nothing with a gradient, at a rate above zero; or one optimizer of several
    whose gradients are computed and cleared again and again, and that never steps.

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
    weights are compared with their first values, so that updates written by hand count as steps. One of
    several optimizers is reported when no call of a `step` in the files of the loop is left that was
    not reached, once its gradients were cleared `min_cleared` times.

    ## When it is wrong

    A script that only computes gradients (saliency maps, attribution) and trains nothing.

    ## References

    The loop of PyTorch's optimisation tutorial.
    """
    if updates.backwards < min_backwards or updates.detached == updates.backwards:
        return
    yield from _forgotten(updates, parameters, min_cleared)
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
    if steps and any(o.tensors for o in parameters.optimizers) and _left_out(parameters):
        return  # the wrong tensors were handed over: see optimizer-missing-parameters
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


def _left_out(parameters: Parameters) -> bool:
    """Whether every trainable tensor that a loss reaches is held by no optimizer."""
    reached = [row for row in parameters.rows if row.trainable and row.reached]
    holding = {row.name.split(".")[0] for row in parameters.rows if row.held_by}
    return bool(reached) and all(
        not row.held_by and row.name.split(".")[0] in holding for row in reached
    )


def _forgotten(updates: Updates, parameters: Parameters, min_cleared: int) -> Iterator[Finding]:
    """The optimizers that never step while others do, on weights that a loss reaches each time."""
    stepping = {i for i, o in enumerate(parameters.optimizers) if o.steps}
    told: set[tuple[str, ...]] = set()
    for index, optimizer in enumerate(parameters.optimizers):
        rows = [row for row in parameters.rows if index in row.held_by]
        names = tuple(row.name for row in rows)
        untouched = all(
            row.reached and not row.moved and not stepping & {*row.held_by} for row in rows
        )
        if not (stepping and optimizer.unstepped and rows and untouched) or names in told:
            continue
        if optimizer.cleared < min_cleared or optimizer.strangers:
            continue
        told.add(names)
        yield Finding(
            f"the {optimizer.kind} of {names[0]} is cleared again and again and never steps"[:79],
            evidence=(
                Evidence("times that its gradients were cleared", number(optimizer.cleared)),
                Evidence("steps that it took", "0", "at least 1"),
                Evidence("steps of the other optimizers", number(len(updates.rows))),
                Evidence("its tensors, all reached by a loss", number(len(rows))),
            ),
            location=optimizer.built or updates.backward_site,
            explains=("frozen-model", "frozen-head", "flat-loss", "cannot-overfit"),
            subject=f"optimizer {index}",
            remedy=Remedy("call step() on this optimizer after the backward of its own loss"),
        )
