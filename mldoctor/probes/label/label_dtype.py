"""The probe `label-dtype`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.label_place import LabelPlace
from mldoctor.facts.loss_calls import BINARY_LOSSES, CLASS_LOSSES, REGRESSION_LOSSES, LossCalls
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("label-dtype", Severity.ERROR)
def label_dtype(loss_calls: LossCalls, place: LabelPlace) -> Iterator[Finding]:
    """The target has a type the loss cannot use, or lost its fraction on the way to it.

    ## What it finds

    A class loss given floats where it wants indices, or one-hot rows of integers; a binary or regression
    loss that fails on integers; and regression targets that were whole numbers when the loss got them
    while the batch, or the dataset that made it, held fractions.

    ## Why it matters

    Most of these raise, in words that name a type and not the mistake. The last one is silent: the model
    learns a staircase.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    loader = DataLoader(TensorDataset(x, y.float()), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
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

    The types and shapes are read as the loss function gets them, and whether it raised. For regression
    the target is compared with the part of the batch that it was made from, and with the arrays of
    fractions that the dataset keeps.

    ## When it is wrong

    Class probabilities as targets are sound and have the shape of the prediction. Rounding a regression
    target on purpose is a loss of information all the same.

    ## References

    the documentation of torch.nn.CrossEntropyLoss; Humbatova and others, Taxonomy of Real Faults in
    Deep Learning Systems (2020).
    """
    for row in loss_calls.rows:
        expected = ""
        if row.error and row.function in CLASS_LOSSES:
            same_shape = row.target == row.prediction
            if row.integer_target and same_shape:
                expected = "class indices of shape [batch], or one-hot rows as floats"
            elif not row.integer_target and not same_shape:
                expected = "class indices (int64)"
        elif (
            row.error
            and row.integer_target
            and row.function in (*BINARY_LOSSES, *REGRESSION_LOSSES)
        ):
            expected = "floats of the prediction's type"
        elif row.function in REGRESSION_LOSSES and place.truncated:
            expected = "the fractions that the data holds"
        if not expected:
            continue
        evidence = [
            Evidence("target", f"{row.target_dtype} {list(row.target)}", expected),
            Evidence("prediction", f"{list(row.prediction)}"),
            Evidence("loss function", row.function),
        ]
        if row.error:
            evidence.append(Evidence("it raised", row.error.splitlines()[0][:100]))
        if row.lowest is not None and row.highest is not None:
            evidence.append(Evidence("target values", f"{row.lowest:g} to {row.highest:g}"))
        yield Finding(
            "regression targets lose their fractions before the loss"
            if place.truncated and not row.error
            else f"{row.function} is given a target of type {row.target_dtype}",
            evidence=tuple(evidence),
            location=row.location,
            subject=row.function,
            remedy=Remedy(f"give the loss {expected}"),
        )
