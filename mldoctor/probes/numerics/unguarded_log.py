"""The probe `unguarded-log`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.singular_operations import SingularOperations
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.registry import probe


@probe("unguarded-log", Severity.WARNING)
def unguarded_log(singular: SingularOperations, *, min_entries: int = 1) -> Iterator[Finding]:
    """A logarithm, root, power or division stands at a point where it has no finite value or slope.

    ## What it finds

    A logarithm of zero, a division by zero, or a square root of zero in the loss or on the way to it,
    at the moment when the loss or its gradient ceases to be finite.

    ## Why it matters

    One such value is enough: the update turns the weights into NaN. A root of zero is the treacherous
    case, because its value is finite and only its slope is not; `torch.where` does not help, because
    the slope of the branch that was not taken is computed too.

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
            scores = model(xb)
            other = torch.randint(len(xb), (len(xb),))
            apart = (scores - scores[other]).square().sum(1)
            far = apart.sqrt() * (yb == yb[other])
            loss = nn.functional.cross_entropy(scores, yb) + 0.1 * far.mean()
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
            scores = model(xb)
            other = torch.randint(len(xb), (len(xb),))
            apart = (scores - scores[other]).square().sum(1)
            far = (apart + 1e-6).sqrt() * (yb == yb[other])
            loss = nn.functional.cross_entropy(scores, yb) + 0.1 * far.mean()
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Before each backward pass the operations between the loss and the first layer are searched for
    saved values at which they have no finite gradient (at least `min_entries`). It counts when a loss
    or a gradient is not finite in the same or the next update. Where none is found, the natural steps
    are repeated and the operations of the script's own lines are watched for the first one that makes
    something that is not finite out of finite operands.

    ## When it is wrong

    An overflow elsewhere in the same update: then the operation named here is one of two.

    ## References

    PyTorch documentation, Autograd mechanics: gradients for non-differentiable functions. Issues 6394
    and 68425 of PyTorch: gradients of sqrt at 0 and of torch.where.
    """
    if singular.entries < max(1, min_entries):
        return
    yield Finding(
        f"a {singular.operation} makes the first {'loss' if singular.bad_loss else 'gradient'}"
        " that is not finite",
        evidence=(
            Evidence(
                "operation",
                f"{singular.operation}, {number(singular.entries)} entries",
                "none there",
            ),
            Evidence("found in update", str(singular.update + 1)),
            Evidence("first update that is not finite", str(singular.before_bad + 1), "none"),
            Evidence(
                "found in", "the graph of the loss" if singular.in_graph else "a repeated run"
            ),
        ),
        location=singular.location,
        explains=(*UNLEARNABLE, "vanishing-gradients", "skipped-updates"),
        subject="loss",
        remedy=Remedy("keep the operand away from the edge: add a small number, or clamp it"),
    )
