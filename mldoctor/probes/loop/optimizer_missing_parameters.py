"""The probe `optimizer-missing-parameters`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.parameters import Parameters
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("optimizer-missing-parameters", Severity.ERROR)
def optimizer_missing_parameters(parameters: Parameters) -> Iterator[Finding]:
    """Trainable parameters that a loss reaches are held by no optimizer.

    ## What it finds

    Parameters that require gradients, lie on the path to a loss that is back-propagated, and are in no
    parameter group of any optimizer.

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
    network) are left out, and so is everything when the optimizer holds strangers of the same shapes
    (see stale-optimizer).

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
    missing = [
        row
        for row in parameters.rows
        if row.trainable
        and row.reached
        and not row.held_by
        and row.moved == 0
        and any(groups[row.name.split(".")[0]])
    ]
    if not missing or not any(o.steps for o in parameters.optimizers):
        return
    trainable = [row for row in parameters.rows if row.trainable]
    heads = [row for row in parameters.heads() if row in missing]
    named = heads or missing
    built = next((o.built for o in parameters.optimizers if o.steps), None)
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
        explains=("frozen-head",) if len(heads) == len(parameters.heads()) and heads else (),
        subject=named[0].name,
        remedy=Remedy("hand the optimizer every trainable parameter, after the model is complete"),
    )
