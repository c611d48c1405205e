"""The probe `starved-loader`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from mldoctor.facts.collated_batches import CollatedBatches
from mldoctor.facts.delivery import Delivery
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("starved-loader", Severity.ERROR)
def starved_loader(
    delivery: Delivery, collated: CollatedBatches | None = None, *, share: float = 0.2
) -> Iterator[Finding]:
    """A loader leaves a good part of its dataset unread in every pass.

    ## What it finds

    A loader that has no batch at all, or that skips the same 20 % or more of its dataset in every
    pass: by `drop_last` on a batch larger than the rest, by a batch sampler that leaves buckets out, by
    a weighted sampler with one weight for each class instead of each sample, or by a collate function
    that hands on one sample of each batch.

    ## Why it matters

    Without a batch the loop does nothing and says nothing. Samples that are skipped in every pass
    are never learned, or never evaluated.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(40, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True, drop_last=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
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

    The lengths of loader and dataset are compared. A batch sampler of the user's own is walked
    twice, with the random state put back, and counts only when it visits the same entries both
    times. A weighted sampler never draws an entry beyond its weights. Where batches of several samples
    come out with one row, the collate function is given a few samples, then one of them: the same
    result means that the others are lost. Up to `share` of the dataset may be left out.

    ## When it is wrong

    Samplers that draw a part on purpose (a `Subset`, `num_samples`, sampling with replacement,
    shuffling with `drop_last`) are quiet.

    ## References

    the documentation of torch.utils.data.DataLoader; Humbatova and others, Taxonomy of Real Faults
    in Deep Learning Systems (2020); the documentation of WeightedRandomSampler.
    """
    yield from _dropped(collated)
    for row in delivery.rows:
        if not row.size:
            continue
        left = 0
        if row.batches == 0:
            left = row.size
        elif row.drop_last and row.sequential and row.batch_size:
            left = row.size % row.batch_size
        elif row.visited is not None:
            left = row.size - row.visited
        if left <= share * row.size:
            continue
        yield Finding(
            "a loader has no batch"
            if row.batches == 0
            else f"a loader never reads {math.floor(100 * left / row.size)}% of its dataset",
            evidence=(
                Evidence(
                    "samples left out in every pass",
                    f"{number(left)} of {number(row.size)}",
                    f"at most {share:.0%}",
                ),
                Evidence("batch size", str(row.batch_size or "set by the batch sampler")),
                Evidence("drop_last", "yes" if row.drop_last else "no"),
            ),
            location=row.built,
            subject=f"loader {row.index}",
            remedy=Remedy(
                "give the sampler one weight for each sample: weights[labels]"
                if row.sampler == "WeightedRandomSampler"
                else "make the batch smaller, keep the last batch, or empty every bucket"
            ),
        )


def _dropped(collated: CollatedBatches | None) -> Iterator[Finding]:
    """A collate function that loses samples."""
    for row in collated.rows if collated is not None else ():
        if row.alone:
            yield Finding(
                f"the collate function keeps one of the {row.batch_size} samples of a batch",
                evidence=(
                    Evidence(f"a batch of {row.samples} samples", "equal to that of one of them"),
                    Evidence("batch size", str(row.batch_size)),
                ),
                location=row.built,
                subject=f"collate {row.index}",
                remedy=Remedy("put all samples of the list that it is given into the batch"),
            )
