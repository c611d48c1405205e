"""The probe `loss-input-mismatch`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.loss_inputs import LossInput, LossInputs
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNCONNECTED
from mldoctor.registry import probe


@probe("loss-input-mismatch", Severity.ERROR)
def loss_input_mismatch(inputs: LossInputs, *, share: float = 0.05) -> Iterator[Finding]:
    """The loss is given scores or probabilities where it is defined for their logarithms.

    ## What it finds

    `nll_loss` or `kl_div` on the raw scores of a layer or on probabilities, where both are defined for
    logarithms of probabilities; a target of `kl_div` in the wrong form; prediction and target swapped;
    binary cross-entropy on scores outside [0, 1]; scores `[batch, time, classes]` that were reshaped to
    `[batch, classes, time]`, which mixes classes and positions.

    ## Why it matters

    The value is then no likelihood and no divergence: it has no lower bound, so that the weights grow
    without end, or its slope is the wrong one. Nothing raises an error except `binary_cross_entropy`.

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
            loss = nn.functional.nll_loss(model(xb), yb)
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
            loss = nn.functional.nll_loss(model(xb).log_softmax(1), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The values of the first calls, and the operation of the autograd graph that made the prediction. A
    logarithm of a probability is never above 0: a prediction that comes straight from a layer and has at
    least a `share` of its entries above 0 is made of scores, one that sums to one of probabilities.
    Swapped arguments show by the gradient, which the target has and the prediction has not. A reshape
    shows by the sizes that autograd keeps of what a linear layer gave.

    ## When it is wrong

    A hand-written weighting of log-probabilities (focal loss through `nll_loss`) comes from another
    operation and is left alone. An objective of expected accuracy, `nll_loss` of probabilities on
    purpose, is reported.

    ## References

    PyTorch documentation of NLLLoss ("the input is expected to contain log-probabilities") and of
    KLDivLoss ("this function expects the argument input in log-space").
    """
    remedy = Remedy("give the loss what it is defined for: see the row of evidence")
    for row in inputs.rows:
        fault = _fault(row, share)
        if fault is None:
            continue
        message, expected = fault
        yield Finding(
            message,
            evidence=(
                Evidence("what made the prediction", row.origin or "no operation with a gradient"),
                Evidence("entries of the prediction above 0", f"{row.above_zero:.0%}", expected),
                Evidence("entries of the target below 0", f"{row.target_below_zero:.0%}"),
                Evidence(
                    "first loss", number(row.value) if row.value is not None else row.error[:80]
                ),
            ),
            location=row.location,
            explains=(
                *UNCONNECTED,
                "inverted-loss",
                "non-differentiable-loss",
                "loss-ignores-input",
            ),
            subject="loss",
            remedy=remedy,
        )


_MADE_OF_SCORES = ("layer", "relu", "tanh", "sigmoid", "ReluBackward0", "TanhBackward0")


def _fault(row: LossInput, share: float) -> tuple[str, str] | None:
    """The message and what was expected, or None for a sound call."""
    name = row.function
    if row.swapped and (row.hard or (name == "kl_div" and row.distribution)):
        wrong_way = name != "kl_div" or (row.target_below_zero > share and not row.log_target)
        return (f"{name} is given its arguments in the wrong order", "") if wrong_way else None
    if name == "binary_cross_entropy" and "between 0 and 1" in row.error:
        return "binary_cross_entropy is given values outside [0, 1]", "all within [0, 1]"
    if row.error:
        return None
    if row.reshaped and name in ("cross_entropy", "nll_loss"):
        return f"the classes of {name} were moved by a reshape, not by a transpose", ""
    if name in ("nll_loss", "kl_div"):
        if row.distribution:
            return f"{name} is given probabilities where it wants their logarithms", "0%"
        if row.origin in _MADE_OF_SCORES and row.above_zero >= share:
            return f"{name} is given scores where it wants log-probabilities", "0%"
    if name == "kl_div" and not row.log_target and row.target_below_zero > share:
        return "kl_div is given a target that is no probability", ""
    if name == "kl_div" and row.log_target and row.target_distribution:
        return "kl_div is told that its target holds logarithms, but it holds probabilities", ""
    return None
