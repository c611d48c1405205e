"""The probe `doubly-optimised-parameters`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.optimizer_lives import OptimizerLives
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("doubly-optimised-parameters", Severity.WARNING)
def doubly_optimised_parameters(lives: OptimizerLives, *, min_times: int = 3) -> Iterator[Finding]:
    """One backward moves the same parameters twice.

    ## What it finds

    Two optimizers that hold the same tensors and both step after the same backward, or one that holds a
    tensor twice.

    ## Why it matters

    The shared tensors move at twice the rate, and weight decay acts on them twice, while the others
    move as planned. A shared encoder under two heads becomes unstable at rates that suit each head.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    body = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
    head = nn.Linear(32, 2)
    first = torch.optim.Adam(body.parameters(), lr=1e-2)
    second = torch.optim.Adam([*body.parameters(), *head.parameters()], lr=1e-2)
    for epoch in range(6):
        for xb, yb in loader:
            first.zero_grad()
            second.zero_grad()
            loss = nn.functional.cross_entropy(head(body(xb)), yb)
            loss.backward()
            first.step()
            second.step()
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
    body = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
    head = nn.Linear(32, 2)
    first = torch.optim.Adam(body.parameters(), lr=1e-2)
    second = torch.optim.Adam(head.parameters(), lr=1e-2)
    for epoch in range(6):
        for xb, yb in loader:
            first.zero_grad()
            second.zero_grad()
            loss = nn.functional.cross_entropy(head(body(xb)), yb)
            loss.backward()
            first.step()
            second.step()
    ```

    ## How it is measured

    Steps of different optimizers with neither a backward nor a zero_grad between them, at least
    `min_times`, and the tensors that both hold.

    ## When it is wrong

    Two optimizers that take turns, each with a backward of its own, are quiet.

    ## References

    PyTorch documentation, torch.optim (per-parameter options).
    """
    for row in lives.shared:
        if row.times < min_times:
            continue
        yield Finding(
            f"{row.tensors} tensors are moved twice after each backward",
            evidence=(
                Evidence("optimizers that hold them", " and ".join(row.kinds), "one, once"),
                Evidence("tensors that are held twice", number(row.tensors), "0"),
                Evidence("steps that moved them again", number(row.times), "0"),
            ),
            location=row.built or row.site,
            also=row.site if row.built else None,
            explains=("learning-rate-too-high", "oscillating-loss"),
            subject=" ".join(row.kinds),
            remedy=Remedy("let each tensor be held by one optimizer, once"),
        )
