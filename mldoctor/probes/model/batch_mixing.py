"""The probe `batch-mixing`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.forward_dependence import ForwardDependence
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("batch-mixing", Severity.ERROR)
def batch_mixing(dependence: ForwardDependence, *, share: float = 1e-3) -> Iterator[Finding]:
    """The output for one sample depends on the other samples of its batch.

    ## What it finds

    A model in eval mode whose output for one sample changes when another sample of the batch is
    replaced: a recurrent layer or attention without `batch_first`, a `view` where a `transpose` is
    meant, a softmax or a mean over the batch. Also an output that depends on the place of the sample in
    its batch: positions that are added along the batch axis.

    ## Why it matters

    What is learned is an accident of how batches were put together. Scores change with batch size and
    order, and a single sample gets another answer than in training.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 6, 8)
    y = (x[:, :, 0].mean(1) > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True, drop_last=True)

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(8, 32)
            self.head = nn.Linear(32, 2)

        def forward(self, x):
            return self.head(self.lstm(x)[0].mean(1))

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
    x = torch.randn(400, 6, 8)
    y = (x[:, :, 0].mean(1) > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True, drop_last=True)

    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(8, 32, batch_first=True)
            self.head = nn.Linear(32, 2)

        def forward(self, x):
            return self.head(self.lstm(x)[0].mean(1))

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

    The recorded call is repeated in eval mode with the first sample replaced by the second, then with
    the last replaced by the one before it. The outputs of all other samples must stay: their largest
    change is compared with that of the replaced sample, and `share` is far over rounding. Then all
    samples move on by one place, and their outputs must move along. Nothing is said where the batch axis
    is not certain from loader or labels, or where the output is a matrix over the batch.

    ## When it is wrong

    Attention between samples by design, and routing with a capacity per batch. Contrastive
    similarities, graphs with an adjacency and batch normalisation are quiet.

    ## References

    PyTorch documents `batch_first=False` as the default of `nn.LSTM` and `nn.Transformer`.
    """
    for model in dependence.models:
        mixed = model.mixed is not None and model.mixed > share
        placed = model.placed is not None and model.placed > share
        if not mixed and not placed:
            continue
        others = (model.samples or 1) - 1
        rows = (
            Evidence(
                "change of another sample's output, of that of the changed one",
                number(model.mixed or 0.0),
                f"at most {share:g}",
            ),
            Evidence(
                "other samples whose output changed", f"{model.mixed_samples} of {others}", "0"
            ),
            Evidence(
                "change of the outputs when all samples move on by one place, likewise",
                number(model.placed or 0.0),
                f"at most {share:g}",
            ),
        )
        yield Finding(
            f"samples of a batch change each other's output in {model.name}"[:79]
            if mixed
            else f"the output of {model.name} depends on a sample's place in the batch"[:79],
            evidence=rows[:2] if mixed else rows[2:],
            location=model.built or model.site,
            also=model.site if model.built else None,
            explains=("cannot-overfit", "flat-loss"),
            subject=model.name,
            remedy=Remedy(
                "keep the batch axis apart: check batch_first, view and softmax(dim=...)"
                if mixed
                else "add positions along the time axis and not along the batch: check batch_first"
            ),
        )
