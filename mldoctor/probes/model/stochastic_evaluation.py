"""The probe `stochastic-evaluation`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.evaluation_noise import EvaluationNoise
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("stochastic-evaluation", Severity.ERROR)
def stochastic_evaluation(noise: EvaluationNoise, *, difference: float = 1e-4) -> Iterator[Finding]:
    """Two evaluation passes over the same batch differ because dropout stays on.

    ## What it finds

    A model in eval mode that drops values at random: `functional.dropout` without the flag, a dropout
    layer that is built inside `forward`, attention with a fixed `dropout_p`.

    ## Why it matters

    Validation scores carry noise and a bias, the best checkpoint is chosen by luck, and every
    prediction in production is a draw. `model.eval()` does not help.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(8, 64)
            self.head = nn.Linear(64, 2)

        def forward(self, x):
            hidden = torch.relu(self.first(x))
            return self.head(nn.functional.dropout(hidden, 0.2))

    model = Classifier()

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

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(8, 64)
            self.head = nn.Linear(64, 2)

        def forward(self, x):
            hidden = torch.relu(self.first(x))
            return self.head(nn.functional.dropout(hidden, 0.2, training=self.training))

    model = Classifier()

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The recorded call is repeated twice in eval mode under different random states while calls of
    dropout functions are watched. The finding needs both: outputs that differ by more than
    `difference`, relative to their scale, and an active dropout. Sampling from a distribution (a VAE,
    diffusion) is not reported.

    ## When it is wrong

    Monte Carlo dropout that is switched on by hand. A dropout class of your own that overrides
    `train` is taken for that.

    ## References

    `torch.nn.functional.dropout` has `training=True` as its default.
    """
    for model in noise.models:
        if not model.dropouts or model.difference <= difference:
            continue
        name, rate, place = model.dropouts[0]
        yield Finding(
            f"{name} stays on in eval mode: two passes of {model.name} differ"[:79],
            evidence=(
                Evidence(
                    "largest relative difference of two eval passes", f"{model.difference:.1%}", "0"
                ),
                Evidence("dropout that is active in eval mode", f"{name}, p={rate:g}", "none"),
            ),
            location=place or model.site,
            also=model.site if place else None,
            subject=model.name,
            remedy=Remedy("pass training=self.training, or build the dropout layer in __init__"),
        )
