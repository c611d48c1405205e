"""The probe `missing-backward`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.parameters import Parameters
from mldoctor.facts.updates import Updates
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("missing-backward", Severity.ERROR)
def missing_backward(
    updates: Updates, parameters: Parameters, *, min_steps: int = 3, min_lone_steps: int = 10
) -> Iterator[Finding]:
    """The optimizer steps, and no loss that hangs on the model was back-propagated.

    ## What it finds

    Optimizer steps without a backward pass before them; a backward pass of a loss that has no graph (a
    number re-wrapped as a tensor, a detached tensor, a forward pass under `no_grad`); a backward that
    fails for that reason; or one optimizer of several that steps on a whole model and never finds a
    gradient, as that of a generator whose fakes are detached in its own loss.

    ## Why it matters

    No gradient reaches a parameter, so every step does nothing.

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
            value = nn.functional.cross_entropy(model(xb), yb).item()
            loss = torch.tensor(value, requires_grad=True)
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

    Every backward is recorded with the graph of its loss; every step with the gradients that it finds.
    All observed steps must be without a gradient, at least `min_steps` of them, in a model with
    something to train. One of several optimizers must have taken `min_lone_steps` steps, hold a model
    that was called with gradients enabled, as a whole, and never have found a gradient tensor at all:
    gradients that are zero count as gradients.

    ## When it is wrong

    Gradients that are written into `.grad` by hand make a step without a backward meaningful: such
    steps find gradients, and nothing is said.

    ## References

    speechbrain/speechbrain#735 on GitHub; Wuziyi616/multi_part_assembly#4 on GitHub; Humbatova and
    others, Taxonomy of Real Faults in Deep Learning Systems (2020).
    """
    symptoms = (
        "frozen-model",
        "frozen-head",
        "flat-loss",
        "cannot-overfit",
        "single-class-collapse",
        "missing-step",
        "optimizer-missing-parameters",
    )
    remedy = Remedy("call backward() on the loss itself, computed with gradients enabled")
    if not any(row.trainable for row in parameters.rows):
        return  # nothing could be reached: see frozen-model
    if "does not require grad" in updates.backward_error:
        yield Finding(
            "the loss that is back-propagated has no connection to the model",
            evidence=(Evidence("backward raised", updates.backward_error[:100]),),
            location=updates.backward_site,
            explains=symptoms,
            subject="loss",
            remedy=remedy,
        )
        return
    yield from _alone(updates, parameters, min_lone_steps)
    steps = [row for row in updates.rows if not row.with_gradient]
    if len(updates.rows) < min_steps or len(steps) < len(updates.rows):
        return
    if updates.backwards and not updates.detached:
        return
    detached = updates.detached > 0
    yield Finding(
        "the loss that is back-propagated has no connection to the model"
        if detached
        else "the optimizer steps without any backward pass",
        evidence=(
            Evidence("optimizer steps", str(len(updates.rows))),
            Evidence("backward passes", str(updates.backwards), "at least 1 per step"),
            Evidence("of those, on a loss without a graph", str(updates.detached), "0"),
            Evidence("steps that found a gradient", f"0 of {len(updates.rows)}", "all"),
        ),
        location=updates.detached_site or updates.rows[0].site,
        also=updates.forward_site,
        explains=symptoms,
        subject="loss",
        remedy=remedy,
    )


def _alone(updates: Updates, parameters: Parameters, min_steps: int) -> Iterator[Finding]:
    """The optimizers that step on a model no loss reaches, while others find their gradients."""
    stepping = {i for i, o in enumerate(parameters.optimizers) if o.steps}
    models = [row.name.split(".")[0] for row in parameters.rows]
    for index, optimizer in enumerate(parameters.optimizers):
        taken = updates.of(index)
        rows = [row for row in parameters.rows if index in row.held_by]
        mine = {row.name.split(".")[0] for row in rows}
        cut = all(
            row.graded
            and row.trainable
            and not (row.reached or row.moved)
            and row.gradient is None
            and not stepping & {*row.held_by} - {index}
            for row in rows
        )
        if not rows or not cut or optimizer.strangers or len(taken) < min_steps:
            continue
        if any(row.with_gradient for row in taken) or sum(m in mine for m in models) > len(rows):
            continue
        if not any(row.with_gradient for row in updates.rows):
            continue
        yield Finding(
            f"the {optimizer.kind} of {min(mine)} steps and never finds a gradient"[:79],
            evidence=(
                Evidence("steps that it took", str(len(taken))),
                Evidence("of those, with a gradient", "0", "all"),
                Evidence("its tensors that a loss reaches", f"0 of {len(rows)}", "all"),
            ),
            location=taken[0].site,
            also=optimizer.built,
            explains=(
                "frozen-model",
                "frozen-head",
                "unused-parameters",
                "flat-loss",
                "cannot-overfit",
            ),
            subject=f"optimizer {index}",
            remedy=Remedy("compute the loss of this model from its output, without detaching it"),
        )
