"""The probe `wrong-initial-loss`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.initial_loss import InitialLoss
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("wrong-initial-loss", Severity.WARNING, symptom=True)
def wrong_initial_loss(
    initial: InitialLoss, *, ratio: float = 10.0, min_spread: float = 3.0
) -> Iterator[Finding]:
    """The first loss is far above that of a model that knows nothing.

    ## What it finds

    A cross-entropy that starts many times above the logarithm of the number of classes, because the
    scores are large before anything was learned.

    ## Why it matters

    A model that knows nothing should be undecided. The first updates are spent on unlearning wrong
    answers that the model is sure of, with saturated activations behind them.

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
    nn.init.normal_(model[2].weight, std=20.0)
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

    The value of the first mean cross-entropy must be at least `ratio` times the logarithm of the
    number of classes, and the standard deviation of its scores at least `min_spread`. Healthy losses
    start up to half a nat above that logarithm. The largest weight for its number of inputs is named.

    ## When it is wrong

    Scores that are products with an embedding drawn with deviation 1 start high and come down in a few
    updates: a head tied to an embedding, or as wide as one, is left alone. So is a fine-tuned model
    that starts sure of the old classes, unless it is very sure.

    ## References

    Karpathy, A Recipe for Training Neural Networks (2019): verify the first loss.
    """
    for row in initial.rows:
        if row.tied or row.spread < min_spread or not row.value >= ratio * row.uninformed:
            continue
        yield Finding(
            f"the first loss, {number(row.value)}, is far above that of guessing",
            evidence=(
                Evidence("first loss", number(row.value), f"about {number(row.uninformed)}"),
                Evidence("spread of the first scores", number(row.spread), "about 1 and below"),
                Evidence(
                    f"{row.layer}: spread x root of inputs"[:60], number(row.gain), "0.6 to 1.4"
                ),
            ),
            location=row.location,
            subject="loss",
            remedy=Remedy("draw smaller weights for the last layer, and scale the input"),
        )
