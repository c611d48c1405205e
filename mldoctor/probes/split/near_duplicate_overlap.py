"""The probe `near-duplicate-overlap`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.near_duplicates import NearDuplicates
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.coverage import examples, pairs
from mldoctor.registry import probe


@probe("near-duplicate-overlap", Severity.WARNING)
def near_duplicate_overlap(
    near: NearDuplicates, *, min_samples: int = 2, max_within: float = 0.1
) -> Iterator[Finding]:
    """Evaluation samples are almost training samples.

    ## What it finds

    Texts that share most of their 3-word sequences with a training text, or arrays of 64 and more
    values that lie a tenth of the usual distance and less from a training array.

    ## Why it matters

    Copies with a few words changed, re-encoded images or overlapping cuts measure memory nearly as
    much as exact copies do.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 64)
    x[380:] = x[:20] + 0.01 * torch.randn(20, 64)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x[:320], y[:320]), batch_size=32, shuffle=True)
    validation = DataLoader(TensorDataset(x[320:], y[320:]), batch_size=32)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
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
    x = torch.randn(400, 64)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x[:320], y[:320]), batch_size=32, shuffle=True)
    validation = DataLoader(TensorDataset(x[320:], y[320:]), batch_size=32)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
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

    Texts: candidates from a FracMinHash sketch of word 3-grams, verified by exact Jaccard
    similarity (0.4 and more; texts of fewer than ten words are left out). Arrays: the distance to
    the nearest training sample over the median distance between training neighbours. Equal samples
    belong to split-overlap. At least `min_samples` are asked for.

    ## When it is wrong

    Texts made from templates and smooth low-dimensional signals resemble each other by nature:
    where more than `max_within` of the training samples have a near copy among themselves, nothing
    is said. Paraphrases are beyond hashing.

    ## References

    Lee and others, Deduplicating Training Data Makes Language Models Better (2022);
    MakazhanAlpamys/Soup#680 on GitHub; HUST-NingKang-Lab/BGC-Prophet#8 on GitHub.
    """
    for row in near.rows:
        if row.near < min_samples or row.within > max_within:
            continue
        first = "training" if row.against is None else row.against.split
        yield Finding(
            f"{number(row.near)} {row.evaluation.split} samples nearly equal a {first} sample",
            evidence=(
                Evidence(
                    f"{row.evaluation.split} samples with a near copy in {first}",
                    f"{number(row.near)} of {number(row.read)} read",
                    "0",
                ),
                Evidence(
                    f"pairs ({first} index = {row.evaluation.split} index, "
                    + ("similarity)" if row.kind != "arrays" else "relative distance)"),
                    pairs(row.pairs),
                    rows=row.pairs,
                ),
                *examples(row.examples),
                Evidence("training samples with one among themselves", f"{row.within:.1%}"),
                Evidence("training samples read", number(row.train_read)),
            ),
            location=row.evaluation.built,
            also=(row.against or near.training).built,
            subject=f"loader {row.evaluation.index}"
            + (f" and {row.against.index}" if row.against else ""),
            remedy=Remedy("put near copies on one side: group them first, then split by group"),
        )
