"""The probe `optimizer-missing-parameters`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from mldoctor.facts.parameters import Parameter, Parameters
from mldoctor.facts.updates import Updates
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe

UNTRAINED = (
    "frozen-head", "frozen-model", "missing-step", "flat-loss", "cannot-overfit",
    "single-class-collapse",
)  # fmt: skip
"""What follows when no tensor that a loss reaches is held by an optimizer."""


@probe("optimizer-missing-parameters", Severity.ERROR)
def optimizer_missing_parameters(
    parameters: Parameters, updates: Updates | None = None
) -> Iterator[Finding]:
    """Trainable parameters that a loss reaches are held by no optimizer.

    ## What it finds

    Parameters that require gradients, lie on the path to a loss that is back-propagated, and are in no
    parameter group of any optimizer; and a whole model of that kind where two optimizers hold the very
    same tensors of another one and take turns (the generator's optimizer was given the discriminator).

    ## Why it matters

    They receive gradients and never move. When it is the head, the model predicts noise; when it is
    a part in the middle, it caps what the rest can learn.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    backbone = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
    head = nn.Linear(32, 2)
    model = nn.Sequential(backbone, head)
    optimizer = torch.optim.Adam(backbone.parameters(), lr=1e-2)
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
    backbone = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
    head = nn.Linear(32, 2)
    model = nn.Sequential(backbone, head)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The tensors in the optimizers' groups are compared by identity with the parameters of the models
    that were called; the autograd graph of the first losses says which of those a loss reaches.
    Parameters that belong to a model of which no parameter is optimised at all (a teacher, a frozen
    network) are left out unless two optimizers hold the same tensors, and so is everything when the
    optimizer holds strangers of the same shapes (see stale-optimizer).

    ## When it is wrong

    Parameters that are left out on purpose without `requires_grad = False` cost memory and time for
    gradients that nobody uses; accept the finding with a reason.

    ## References

    facebookresearch/mmf#620 on GitHub; zjunlp/HVPNeT#5 on GitHub; examples/imdb_collapse.
    """
    groups: dict[str, list[bool]] = {}
    for row in parameters.rows:
        groups.setdefault(row.name.split(".")[0], []).append(bool(row.held_by))
    if any(o.strangers for o in parameters.optimizers):
        return
    left = [r for r in parameters.rows if r.trainable and r.reached and not r.held_by]
    left = [row for row in left if row.moved == 0]
    missing = [row for row in left if any(groups[row.name.split(".")[0]])]
    if left and not missing:
        yield from _handed_twice(parameters, updates, left)
    if not missing or not any(o.steps for o in parameters.optimizers):
        return
    trainable = [row for row in parameters.rows if row.trainable]
    heads = [row for row in parameters.heads() if row in missing]
    named = heads or missing
    built = next((o.built for o in parameters.optimizers if o.steps), None)
    nothing = all(row.held_by == () for row in trainable if row.reached)
    whole = len(heads) == len(parameters.heads()) and heads
    late = sum(row.built_late for row in missing)
    size = sum(row.size for row in missing)
    yield Finding(
        f"the optimizer does not hold {len(missing)} trainable tensors of the model",
        evidence=(
            Evidence(
                "trainable tensors held",
                f"{len(trainable) - len(missing)} of {len(trainable)}",
                "all",
            ),
            Evidence("values left out", number(size), "0"),
            Evidence("for example", ", ".join(row.name for row in named[:3])),
            Evidence("of those, built after the optimizer", str(late), "0"),
        ),
        location=built,
        also=named[0].built,
        explains=UNTRAINED if nothing else ("frozen-head",) if whole else (),
        subject=named[0].name,
        remedy=Remedy("hand the optimizer every trainable parameter, after the model is complete"),
    )


def _take_turns(order: list[int], first: int, second: int) -> bool:
    """Whether each of two optimizers steps again after the other one has."""
    steps = [index for index in order if index in (first, second)]
    return sum(a != b for a, b in pairwise(steps)) > 2  # noqa: PLR2004 - there and back


def _handed_twice(
    parameters: Parameters, updates: Updates | None, left: list[Parameter]
) -> Iterator[Finding]:
    """A model that no optimizer holds, where two that take turns hold the same other tensors."""
    held: dict[frozenset[str], list[int]] = {}
    for index, optimizer in enumerate(parameters.optimizers):
        names = frozenset(row.name for row in parameters.rows if index in row.held_by)
        if names and optimizer.steps:
            held.setdefault(names, []).append(index)
    twice = next((found for found in held.items() if len(found[1]) > 1), None)
    model = left[0].name.split(".")[0]
    mine = [row for row in parameters.rows if row.name.split(".")[0] == model]
    if twice is None or not all(row in left for row in mine):
        return
    order = [row.optimizer for row in updates.rows] if updates is not None else []
    if not _take_turns(order, *twice[1][-2:]):
        return  # one has followed the other
    other = min(twice[0]).split(".")[0]
    yield Finding(
        f"no optimizer holds {model}, and {len(twice[1])} hold {other}"[:79],
        evidence=(
            Evidence(f"tensors of {model} that a loss reaches", number(len(mine))),
            Evidence("of those, held by an optimizer", "0", "all"),
            Evidence(f"optimizers that hold those of {other}", str(len(twice[1])), "1"),
        ),
        location=parameters.optimizers[twice[1][-1]].built,
        also=left[0].built,
        explains=UNTRAINED,
        subject=left[0].name,
        remedy=Remedy(f"hand one of these optimizers the parameters of {model}"),
    )
