"""The probe `non-differentiable-loss`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.loss_reach import LossReach
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.probes.consequences import UNCONNECTED
from mldoctor.registry import probe


@probe("non-differentiable-loss", Severity.ERROR)
def non_differentiable_loss(reach: LossReach, *, min_steps: int = 3) -> Iterator[Finding]:
    """The loss is computed from something that has no derivative by the weights.

    ## What it finds

    An argmax, a comparison, a rounding, `.item()`, `.detach()` or NumPy between the model and the loss:
    either the loss has no gradient at all, or its gradient is zero everywhere.

    ## Why it matters

    The step that follows changes nothing, however long it is repeated. `loss.requires_grad_()` silences
    the error that PyTorch would raise, and cures nothing.

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
            predicted = model(xb).argmax(dim=1).float()
            loss = nn.functional.mse_loss(predicted, yb.float())
            loss.requires_grad_()
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

    In the first updates the graph of the loss is walked. Reported is (1) a loss that reaches no weight
    although a model was called with gradients, and no loss function of torch was given a prediction
    with one; (2) a graph with a rounding, sign, floor or ceiling in the loss while at least
    `min_steps` steps found no gradient other than zero.

    ## When it is wrong

    A straight-through estimator keeps its gradient and is left alone; so is a loss of torch
    that is computed well and re-wrapped afterwards, which is missing-backward.

    ## References

    PyTorch documentation, Autograd mechanics: "Locally disabling gradient computation" and the gradients
    of non-differentiable functions.
    """
    found = None
    if reach.cut and reach.graded and (reach.refused or reach.detached == reach.backwards):
        first = reach.cut[0]
        if first.part:
            return
        what = "whole numbers" if first.whole else "values without a gradient"
        found = f"{first.function} is given {what}, so that no gradient reaches the model"
        place = first.location
    elif reach.graded and not reach.scored and (reach.refused or reach.detached == reach.backwards):
        found = "the loss is made of values without a gradient: it does not reach the model"
        place = reach.site
    elif reach.stairs and reach.steps >= min_steps and not reach.moving:
        found = f"the loss contains a {reach.stairs[0]}, whose gradient is zero everywhere"
        place = reach.site
    if found is None:
        return
    yield Finding(
        found[:79],
        evidence=(
            Evidence(
                "backward passes that reach a weight",
                f"{reach.backwards - reach.detached} of {reach.backwards}",
                "all",
            ),
            Evidence("steps that found a gradient", f"{reach.moving} of {reach.steps}", "all"),
            Evidence("model calls with gradients enabled", str(reach.graded)),
            *(
                Evidence(
                    f"prediction given to {c.function}",
                    "whole numbers only" if c.whole else "no gradient",
                    "scores with a gradient",
                )
                for c in reach.cut[:2]
            ),
        ),
        location=place,
        also=reach.site,
        explains=UNCONNECTED,
        subject="loss",
        remedy=Remedy(
            "compute the loss from the scores of the model, and keep argmax for the metrics"
        ),
    )
