"""The probe `same-dataset-evaluated`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.split_overlap import SplitOverlap
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.split.split_overlap import is_whole
from mldoctor.registry import probe


@probe("same-dataset-evaluated", Severity.ERROR)
def same_dataset_evaluated(overlap: SplitOverlap, *, min_samples: int = 8) -> Iterator[Finding]:
    """The evaluation loader reads the training dataset.

    ## What it finds

    A loader of its own that evaluates, whose samples all stand in the training data: the same dataset
    object, a part of it, or the same contents, while no other evaluation reads anything else.

    ## Why it matters

    The reported score is the training score. Overfitting is invisible, and early stopping never stops.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    validation = DataLoader(TensorDataset(x, y), batch_size=64)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in validation)
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
    loader = DataLoader(TensorDataset(x[:320], y[:320]), batch_size=32, shuffle=True)
    validation = DataLoader(TensorDataset(x[320:], y[320:]), batch_size=32)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in validation)
    ```

    ## How it is measured

    As for split-overlap: by entry and by the hash of the normalised input of every sample. At least
    `min_samples` evaluation samples are needed.

    ## When it is wrong

    Measuring the training score beside a real validation is sound, and quiet as long as the validation
    is seen in the observed steps too.

    ## References

    ChenYichen9527/EV-UAV#25 on GitHub; Luxonis/luxonis-train#213 on GitHub.
    """
    evaluated = [row for row in overlap.rows if row.against is None]
    whole = [row for row in evaluated if is_whole(row)]
    if not whole or len(whole) < len(evaluated) or whole[0].read < min_samples:
        return
    row = whole[0]
    yield Finding(
        "the evaluation reads the training data",
        evidence=(
            Evidence(
                "evaluation samples in the training data", f"{row.shared} of {row.read} read", "0"
            ),
            Evidence("same dataset object", "yes" if row.same_object else "no", "no"),
            Evidence("training samples read", number(row.train_read)),
            Evidence("other evaluation data seen", "none", "a held-out part"),
        ),
        location=row.evaluation.built,
        also=overlap.training.built,
        explains=("split-overlap",),
        subject=f"loader {row.evaluation.index}",
        remedy=Remedy("build the evaluation loader over data that training never reads"),
    )
