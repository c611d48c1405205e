"""The probe `over-regularised`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.regularisation import Regularisation
from mldoctor.facts.treatment_trial import TreatmentTrial
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.treated import compared
from mldoctor.registry import probe


@probe("over-regularised", Severity.WARNING)
def over_regularised(trial: TreatmentTrial, options: Regularisation) -> Iterator[Finding]:
    """Dropout and weight decay leave no room to learn.

    ## What it finds

    A loop that cannot memorise a few samples as it is, and does once dropout and weight decay are left
    out, at the same rate, from the same state, on the same samples.

    ## Why it matters

    Every prediction stays near the base rate, and the scores of different models become the same number.
    More training does not help.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 20)
    y = (x[:, 0] * x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    layers = []
    for inner in (20, 64, 64, 64):
        layers += [nn.Linear(inner, 64), nn.ReLU(), nn.Dropout(0.95)]
    model = nn.Sequential(*layers, nn.Linear(64, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
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
    x = torch.randn(400, 20)
    y = (x[:, 0] * x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    layers = []
    for inner in (20, 64, 64, 64):
        layers += [nn.Linear(inner, 64), nn.ReLU(), nn.Dropout(0.2)]
    model = nn.Sequential(*layers, nn.Linear(64, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Only where a symptom stands that no cause explains: the project's own loop memorises its fixed
    samples with every dropout layer and the weight decay of every optimizer at zero. The treated run
    must learn what the untreated control did not.

    ## When it is wrong

    A network that only needs more updates than the trial takes, and that dropout slows down.

    ## References

    Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting (2014), section
    7.3, on the rate of dropout.
    """
    cure = trial.cure("over-regularised")
    if cure is None:
        return
    yield Finding(
        "the regularisation leaves no room to learn",
        evidence=(
            Evidence(
                "strongest dropout", f"{options.dropout:g} (of {options.layers} layers with one)"
            ),
            Evidence("weight decay", number(options.decay)),
            *compared(trial, cure),
        ),
        location=options.built,
        explains=(
            "cannot-overfit",
            "flat-loss",
            "single-class-collapse",
            "input-independent-learning",
            "learning-rate-too-low",
        ),
        subject="regularisation",
        remedy=Remedy("lower the dropout and the weight decay, or widen the layers"),
    )
