"""The probe `gradients-in-evaluation`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.evaluations import Evaluations
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("gradients-in-evaluation", Severity.NOTE)
def gradients_in_evaluation(evaluations: Evaluations, *, min_calls: int = 2) -> Iterator[Finding]:
    """The evaluation builds a graph for gradients that nobody asks for.

    ## What it finds

    Every evaluating call of a model runs with gradients enabled.

    ## Why it matters

    Activations are kept for a backward that never comes: an evaluation batch needs as much memory as a
    training batch, and a sum of losses that is kept holds on to all of them.

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
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in train_loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
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
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
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

    ## How it is measured

    As for evaluating-in-train-mode: calls on batches of a loader that no step is taken on. At least
    `min_calls` of them, all with gradients enabled.

    ## When it is wrong

    Evaluations that differentiate (forces, attacks) are quiet when torch.autograd.grad is seen.

    ## References

    PyTorch documentation, Autograd mechanics (locally disabling gradient computation).
    """
    for model in evaluations.models:
        calls = model.in_train + model.in_eval
        if model.graded < calls or calls < min_calls or model.derivatives:
            continue
        yield Finding(
            f"{model.name} is evaluated with gradients enabled"[:79],
            evidence=(
                Evidence("evaluating calls with gradients enabled", number(model.graded), "0"),
                Evidence("evaluation batches", number(model.batches)),
            ),
            location=model.site,
            subject=model.name,
            remedy=Remedy("evaluate under torch.no_grad() or torch.inference_mode()"),
        )
