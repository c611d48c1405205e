"""The probe `too-few-outputs`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.loss_calls import CLASS_LOSSES, LossCalls
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("too-few-outputs", Severity.ERROR)
def too_few_outputs(calls: LossCalls, *, min_dimensions: int = 2) -> Iterator[Finding]:
    """A class loss is given a single output.

    ## What it finds

    `cross_entropy` or `nll_loss` on a prediction with one entry on its class axis.

    ## Why it matters

    The softmax of one score is 1 whatever the score, so the loss and every gradient are exactly zero:
    nothing is ever learned, and nothing fails.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).float().unsqueeze(1)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))

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
    y = (x[:, 0] + x[:, 1] > 0).float().unsqueeze(1)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.binary_cross_entropy_with_logits(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The shapes of the recorded loss calls, of predictions with at least `min_dimensions` axes. Labels
    beyond the classes that the model offers are reported by label-out-of-range.

    ## When it is wrong

    Never for a loss that is meant to teach something.

    ## References

    PyTorch documents that `cross_entropy` takes one score for each class.
    """
    for call in calls.rows:
        if call.function not in CLASS_LOSSES or call.classes != 1:
            continue
        if len(call.prediction) < min_dimensions:
            continue
        target = " x ".join(map(str, call.target))
        yield Finding(
            f"{call.function} is given one output per sample: its loss is always 0"[:79],
            evidence=(
                Evidence("classes that the prediction offers", "1", "one per class, at least 2"),
                Evidence("prediction", " x ".join(map(str, call.prediction))),
                Evidence("target", f"{target} {call.target_dtype}"),
            ),
            location=call.location,
            explains=(
                "missing-step",
                "label-dtype",
                "label-out-of-range",
                "single-class-labels",
                "cannot-overfit",
                "flat-loss",
                "learning-rate-too-low",
                "input-independent-learning",
                "single-class-collapse",
                "vanishing-gradients",
                "frozen-model",
                "frozen-head",
                "target-shape",
            ),
            subject="loss",
            remedy=Remedy(
                "give the model one output per class, or use binary_cross_entropy_with_logits"
            ),
        )
