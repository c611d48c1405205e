"""The probe `evaluating-in-train-mode`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.evaluations import Evaluations
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("evaluating-in-train-mode", Severity.ERROR)
def evaluating_in_train_mode(
    evaluations: Evaluations, *, min_difference: float = 1e-3, max_passes: int = 2
) -> Iterator[Finding]:
    """The evaluation runs with dropout and batch normalisation in train mode.

    ## What it finds

    A model that is in train mode whenever it is evaluated, and that has layers for which this matters.

    ## Why it matters

    Dropout makes the score noisy and too low. Batch normalisation uses the statistics of each
    evaluation batch, so that the score depends on how the batches are made up, and takes the
    evaluation data into its running statistics, which training and every later prediction then use.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    train_loader = DataLoader(TensorDataset(x[:300], y[:300]), batch_size=20, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[300:], y[300:]), batch_size=20)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in val_loader)
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    train_loader = DataLoader(TensorDataset(x[:300], y[:300]), batch_size=20, shuffle=True)
    val_loader = DataLoader(TensorDataset(x[300:], y[300:]), batch_size=20)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        model.train()
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in val_loader)
    ```

    ## How it is measured

    A call evaluates when its batch comes from a loader that no step is taken on or, without such a
    loader, when a loss is computed without gradients on a target that training never used, or when its
    rows stand in another array of the script than those that are trained on (where a loader hands out
    a `TensorDataset`: in none of its rows), at most every other update. All such
    calls of a trained model must be in train mode, with dropout above zero or running statistics in
    train mode at that moment. Where no such layer is registered, the training batch is run in both
    modes: the output must change by `min_difference` of its scale, far above rounding.

    ## When it is wrong

    Statistics that are adapted to the evaluation data on purpose. Monte-Carlo dropout is quiet: it
    runs the same rows more than `max_passes` times, or leaves the model as a whole in eval mode. So
    are models without such layers.

    ## References

    PyTorch documentation, torch.nn.Module.eval and Autograd mechanics (evaluation mode); Gal and
    Ghahramani, Dropout as a Bayesian Approximation, 2016.
    """
    for model in evaluations.models:
        matters = bool(model.layers) or (model.difference or 0.0) > min_difference
        if not model.in_train or model.in_eval or not matters:
            continue
        if model.in_train > max_passes * max(1, model.batches):
            continue
        layers = ", ".join(model.layers[:3]) or "none registered"
        rows = [
            Evidence("evaluating calls in train mode", number(model.in_train), "0"),
            Evidence("evaluating calls in eval mode", "0", number(model.in_train)),
            Evidence("layers for which the mode matters", f"{len(model.layers)}: {layers}"),
        ]
        if model.difference is not None:
            rows.append(
                Evidence("change of the output between the modes", f"{model.difference:.1%}", "0%")
            )
        yield Finding(
            f"{model.name} is evaluated in train mode"[:79],
            evidence=tuple(rows),
            location=model.site,
            explains=("stochastic-evaluation",),
            subject=model.name,
            remedy=Remedy(
                f"call {model.name}.eval() before each evaluation and {model.name}.train() after it"
            ),
        )
