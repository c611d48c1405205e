"""The probe `softmax-over-wrong-axis`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.activation_use import Activation, ActivationUse
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe


@probe("softmax-over-wrong-axis", Severity.ERROR)
def softmax_over_wrong_axis(use: ActivationUse, *, min_samples: int = 3) -> Iterator[Finding]:
    """Probabilities are normalised over the samples of the batch.

    ## What it finds

    A softmax or log-softmax in the forward whose axis is the batch: `dim=0`, or no `dim` for three
    axes.

    ## Why it matters

    The samples of a batch compete for one unit of probability. The answer for one depends on its
    neighbours, and a batch of one always answers 1.

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
            self.first = nn.Linear(8, 32)
            self.head = nn.Linear(32, 2)

        def forward(self, x):
            scores = self.head(torch.relu(self.first(x)))
            return torch.log_softmax(scores, dim=0)

    model = Classifier()

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

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(8, 32)
            self.head = nn.Linear(32, 2)

        def forward(self, x):
            scores = self.head(torch.relu(self.first(x)))
            return torch.log_softmax(scores, dim=1)

    model = Classifier()

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.nll_loss(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    Calls of softmax are watched while the recorded call is repeated in eval mode. The number of
    samples must be certain from loader or labels, be at least `min_samples`, and occur only once in
    the shape, so that similarity matrices are quiet. Time is told from the classes by the size of the
    axis that `nll_loss` reads. Attention weights [..., queries, keys] are followed into the product with
    the values, which must sum over the axis that was normalised.

    ## When it is wrong

    Assignments that are balanced over the batch by design (Sinkhorn, SwAV) when they stand in
    `forward`.

    ## References

    `torch.nn.functional.softmax` without `dim` takes axis 0 for three axes and warns.
    """
    for row in use.rows:
        over = "the samples of the batch" if _over_batch(row, min_samples) else row.beside
        if not over:
            continue
        expected = {
            "time": "the classes that the loss reads",
            "queries": "the keys that the product sums over",
        }
        yield Finding(
            f"a {row.function} in {row.model} runs over {over}"[:79],
            evidence=(
                Evidence("shape", " x ".join(map(str, row.shape))),
                Evidence(
                    "normalised axis", over, expected.get(row.beside, "the classes or the keys")
                ),
            ),
            location=row.site,
            explains=("batch-mixing", "cannot-overfit", "flat-loss", "wrong-initial-loss"),
            subject=f"{row.model}.{row.function}",
            remedy=Remedy("give the axis: softmax(..., dim=-1)"),
        )
        return


def _over_batch(row: Activation, min_samples: int) -> bool:
    return row.over_batch and (row.samples or 0) >= min_samples
