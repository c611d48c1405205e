"""The probe `unscaled-input`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.model_inputs import ModelInputs
from mldoctor.facts.treatment_trial import TreatmentTrial
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.treated import compared
from mldoctor.registry import probe


@probe("unscaled-input", Severity.WARNING)
def unscaled_input(
    inputs: ModelInputs, trial: TreatmentTrial | None = None, *, ratio: float = 1000.0
) -> Iterator[Finding]:
    """The inputs reach the first layer at their raw scale.

    ## What it finds

    Inputs of 0 to 255, or features whose spreads differ a thousandfold, as they enter the first
    linear, convolutional or recurrent layer with no normalisation around it.

    ## Why it matters

    Initialisation and learning rates are made for inputs near one. Large inputs saturate or blow up
    the first steps; a feature in the thousands drowns the ones near one.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randint(0, 256, (400, 64)).float()
    y = (x[:, :32].sum(1) > x[:, 32:].sum(1)).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(10):
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

    The latest training call is repeated and the tensor that enters the first layer with weights is
    read there, so that scaling in the loop, in a transform or in the model counts alike. Non-
    negative values with a mean of 10 and a maximum of 50 or more are raw; so is a spread above 100.
    For feature tables the largest and the smallest standard deviation of a feature are compared; a
    factor of `ratio` is where a step that suits one feature no longer moves the weight of the other
    in a run. Where the loop cannot learn and no cause explains it, it is run again with the inputs
    standardised; if it learns then, that is the finding, whatever the scale.

    ## When it is wrong

    A normalisation layer before or right after the first layer makes the scale harmless, and is
    quiet.

    ## References

    LeCun, Bottou, Orr and Müller, Efficient BackProp (1998), section 4.3; Stack Overflow question
    50762466; Stack Overflow question 53914450.
    """
    cure = trial.cure("unscaled-input") if trial is not None else None
    treated = compared(trial, cure) if trial is not None and cure is not None else ()
    for row in inputs.rows:
        if row.normalised_after and not treated:
            continue
        raw = row.lowest >= 0 and row.highest >= 50 and row.mean >= 10  # noqa: PLR2004 - see the page
        wide = row.spread > 100  # noqa: PLR2004 - see the page
        uneven = (
            row.widest is not None
            and row.narrowest is not None
            and row.widest > ratio * row.narrowest
            and row.widest > 10  # noqa: PLR2004 - small scales drown nothing
        )
        if not (raw or wide or uneven or treated):
            continue
        evidence = [
            Evidence(
                "values that enter the first layer",
                f"{number(row.lowest)} to {number(row.highest)}",
            ),
            Evidence(
                "their mean and standard deviation",
                f"{number(row.mean)} and {number(row.spread)}",
                "near 0 and 1",
            ),
            Evidence("first layer", f"{row.layer} ({row.kind})"),
            *treated,
        ]
        if uneven and row.widest is not None and row.narrowest is not None:
            spreads = f"{number(row.narrowest)} to {number(row.widest)}"
            evidence.insert(
                0,
                Evidence(
                    "standard deviations of the features", spreads, f"within {number(ratio)} times"
                ),
            )
        yield Finding(
            f"{row.model} gets inputs of {number(row.lowest)} to {number(row.highest)}, not scaled",
            evidence=tuple(evidence),
            location=row.site,
            severity=Severity.ERROR if treated else None,
            explains=(
                *(("input-independent-learning",) if treated else ()),
                "flat-loss",
                "oscillating-loss",
                "exploding-gradients",
                "vanishing-gradients",
                "learning-rate-too-low",
                "learning-rate-too-high",
                "wrong-initial-loss",
                "cannot-overfit",
                "single-class-collapse",
            ),
            subject=row.layer,
            remedy=Remedy(
                "divide by 255, or standardise with the mean and spread of the training split"
            ),
        )
