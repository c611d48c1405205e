"""The probe `wrong-initial-loss`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.first_loss import FirstLoss
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("wrong-initial-loss", Severity.WARNING, symptom=True)
def wrong_initial_loss(
    first: FirstLoss, *, times: float = 2.0, nats: float = 1.0
) -> Iterator[Finding]:
    """The first loss is far above that of a model that knows nothing.

    ## What it finds

    A class loss before the first update far above ln C, the loss of equal scores for all classes.

    ## Why it matters

    The model begins by being sure of wrong answers. The first updates are spent on making it unsure,
    with gradients that may throw the other layers off.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)

    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
    nn.init.normal_(model[2].weight, std=3.0)

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

    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The first recorded call of cross_entropy or nll_loss, without class weights and smoothing. Half a
    nat above ln C is sound; a finding needs `times` ln C and `nats` more.

    ## When it is wrong

    Fine-tuning of a model on data that it is wrong about.

    ## References

    A. Karpathy, A Recipe for Training Neural Networks: verify the loss at initialisation.
    """
    bound = times * first.uninformed + nats
    if first.value <= bound:
        return
    yield Finding(
        f"the first loss is {number(first.value)}, that of guessing {number(first.uninformed)}",
        evidence=(
            Evidence(
                "first loss",
                number(first.value),
                f"about {number(first.uninformed)}, at most {number(bound)}",
            ),
            Evidence(
                "loss of equal scores for all classes, ln C",
                f"{number(first.uninformed)}, C = {first.classes}",
            ),
            Evidence(
                "standard deviation of the scores over the classes",
                number(first.scale),
                "about 1 or less",
            ),
        ),
        location=first.site,
        subject="loss",
        remedy=Remedy("start the last layer with small weights, and scale the input"),
    )
