"""The probe `frozen-model`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.parameters import Parameters
from mldoctor.facts.treatment_trial import TreatmentTrial
from mldoctor.facts.updates import Updates
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.probes.treated import compared
from mldoctor.registry import probe


@probe("frozen-model", Severity.ERROR)
def frozen_model(
    parameters: Parameters,
    updates: Updates,
    trial: TreatmentTrial | None = None,
    *,
    min_updates: int = 3,
) -> Iterator[Finding]:
    """Nothing, or nothing that carries weight, changes during training.

    ## What it finds

    The optimizer steps, and no parameter of any model in use has another value afterwards; or the only
    ones that changed are biases and norms below a head that stays as it was. Also a backward that fails
    because no parameter requires gradients. And a model of which the larger part is frozen, which does
    not learn its samples until all of it is trained.

    ## Why it matters

    The run burns its whole budget and ends where it began. The loss still wobbles from batch to batch,
    so a log looks like slow training.

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
    for parameter in model.parameters():
        parameter.requires_grad = False
    scale = nn.Parameter(torch.ones(()))
    optimizer = torch.optim.Adam([scale], lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb) * scale, yb)
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

    Every parameter is compared with its value before the first update, bit for bit, after at least
    `min_updates` updates. Where the loop cannot learn its samples, and another rate does not help, all
    parameters are unfrozen and trained from the same state: a cure names the frozen ones.

    ## When it is wrong

    Training only raw tensors outside of any module (an adversarial input, a prompt) on a deliberately
    frozen network changes no module: there the optimizer holds tensors that do move, and nothing is
    said when they are fed to the model as its input.

    ## References

    discuss.pytorch.org/t/84911; examples/imdb_collapse.
    """
    rows = [row for row in parameters.rows if row.graded]
    if rows and not any(row.trainable for row in rows) and updates.backward_error:
        yield _not_one_trainable(parameters, updates)
        return
    if not rows or parameters.updates < min_updates:
        return
    moved = [row for row in rows if row.moved > 0]
    cure = trial.cure("frozen-model") if trial is not None else None
    if trial is not None and cure is not None:
        yield _mostly(parameters, compared(trial, cure))
        return
    if any(len(row.shape) > 1 or row.head for row in moved):
        return
    if not any(row.head for row in rows) and moved:
        return
    trainable = sum(row.trainable for row in rows)
    held = sum(bool(row.held_by) for row in rows)
    rates = [o.rates[1] for o in parameters.optimizers if o.steps]
    built = next((o.built for o in parameters.optimizers if o.steps), None)
    yield Finding(
        "no weight of the model changes during training",
        evidence=(
            Evidence(
                f"tensors that changed in {parameters.updates} updates",
                f"{len(moved)} of {len(rows)}",
            ),
            Evidence("tensors that require gradients", f"{trainable} of {len(rows)}", "most"),
            Evidence("tensors held by an optimizer", f"{held} of {len(rows)}", "all trainable"),
            Evidence("highest learning rate used", number(max(rates, default=0.0)), "above 0"),
        ),
        location=built,
        explains=(
            "frozen-head",
            "flat-loss",
            "cannot-overfit",
            "single-class-collapse",
            "input-independent-learning",
        ),
        subject=rows[0].name.split(".")[0],
        remedy=Remedy(
            "let the weights require gradients and hand them to the optimizer that steps"
        ),
    )


def _not_one_trainable(parameters: Parameters, updates: Updates) -> Finding:
    """The finding on a model of which nothing can have a gradient."""
    rows = [row for row in parameters.rows if row.graded]
    return Finding(
        "no parameter of the model requires gradients, and backward fails",
        evidence=(
            Evidence("tensors that require gradients", f"0 of {len(rows)}", "most"),
            Evidence("backward raised", updates.backward_error[:100]),
        ),
        location=updates.backward_site,
        also=next((o.built for o in parameters.optimizers), None),
        explains=("missing-backward", "frozen-head"),
        subject=rows[0].name.split(".")[0],
        remedy=Remedy("let the weights that shall be trained require gradients"),
    )


def _mostly(parameters: Parameters, shown: tuple[Evidence, ...]) -> Finding:
    """The finding on frozen weights that leave the rest nothing to work with."""
    still = [row for row in parameters.rows if row.graded and row.moved == 0]
    size, whole = sum(r.size for r in still), sum(r.size for r in parameters.rows if r.graded)
    first = next(iter(still), None)
    optimizer = next((o.built for o in parameters.optimizers if o.steps), None)
    built = first.built if first is not None else None
    return Finding(
        "the frozen part of the model leaves the rest nothing to learn from",
        evidence=(
            Evidence("values that never change", f"{number(size)} of {number(whole)}"),
            *shown,
        ),
        location=optimizer or built,
        also=built if optimizer else None,
        explains=UNLEARNABLE,
        subject=first.name.split(".")[0] if first is not None else "model",
        remedy=Remedy(
            "load trained weights into what is frozen, or let it require gradients and hand it to the "
            "optimizer"
        ),
    )
