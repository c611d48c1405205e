"""The probe `repeated-batch`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.delivery import Delivery
from mldoctor.facts.stream_shares import StreamShares
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("repeated-batch", Severity.ERROR)
def repeated_batch(
    delivery: Delivery, shares: StreamShares | None = None, *, min_passes: int = 8
) -> Iterator[Finding]:
    """Training keeps seeing the same batch, or the same few.

    ## What it finds

    A loop that begins the training loader anew for every batch and so gets the first one each time,
    one that took a single batch and trains on it, or one that leaves every pass after the same
    first few batches. Also, as a warning, a stream that each worker of its loader reads as a whole.

    ## Why it matters

    The model memorises a handful of samples. The training loss falls to zero and nothing else
    improves.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for _ in range(12):
            xb, yb = next(iter(loader))
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

    Passes begun, batches asked for and passes that ended are counted for every loader that does not
    shuffle, over the natural steps. For the first two cases the targets of the updates must also be
    the same, value by value, at least `min_passes` times; for the first one it is enough that the
    latest batches are, where the only loader is begun anew once for each update.

    A stream that several workers read is begun once more by two of them, as the loader starts its own:
    where both give the same samples in the same order, every sample comes once for each worker.

    ## When it is wrong

    A loader that shuffles gives another batch each time it is begun anew: that is slow, and quiet.
    Full-batch training has one batch a pass, and is quiet.

    ## References

    DeepCrime (Humbatova, Jahangirova and Tonella, 2021); the documentation of
    `torch.utils.data.IterableDataset` (several workers).
    """
    yield from _undivided(shares)
    read = sum(row.requests > 0 for row in delivery.rows)
    for row in delivery.rows:
        if (
            row.role == "evaluation"
            or not row.requests
            or (row.batches is not None and row.batches <= 1)
        ):
            continue
        per_pass = row.requests / max(1, row.iterators)
        same = delivery.identical >= min_passes and delivery.identical_values > 1
        # Where the targets say nothing (noise, no loss of torch), the batches themselves are compared.
        each = read == 1 and delivery.latest > 2 and abs(row.iterators - delivery.updates) <= 1  # noqa: PLR2004 - two may agree
        restarted = (
            (same or each) and row.sequential and row.iterators >= min_passes and per_pass <= 1.5  # noqa: PLR2004 - one batch a pass
        )
        cut = (
            row.role == "training"
            and row.sequential
            and row.iterators >= 3  # noqa: PLR2004 - once may be an accident
            and row.ends == 0
            and row.batches is not None
            and per_pass - 1 <= 0.5 * row.batches
        )
        single = row.role == "unread" and row.requests == 1 and same and delivery.updates > 1
        if not (restarted or cut or single):
            continue
        size = row.batch_size or 1
        seen = size if restarted or single else round(per_pass) * size
        yield Finding(
            f"training sees the same {number(seen)} samples over and over",
            evidence=(
                Evidence("passes begun over the training loader", number(row.iterators)),
                Evidence(
                    "batches taken from each",
                    number(per_pass),
                    f"{number(row.batches or 0)} in the loader",
                ),
                Evidence(
                    "order",
                    "the dataset's own" if row.sequential else "one batch was kept",
                    "shuffled",
                ),
                Evidence("updates observed", number(delivery.updates)),
            ),
            location=row.built,
            explains=("uninformative-labels", "single-class-collapse", "suspicious-score"),
            subject=f"loader {row.index}",
            remedy=Remedy(
                "iterate over the loader: for batch in loader, and remove what was left from debugging"
            ),
        )


def _undivided(shares: StreamShares | None) -> Iterator[Finding]:
    """A stream of which every worker gives all samples."""
    for row in shares.rows if shares is not None else ():
        if row.same and row.different > 1:
            yield Finding(
                f"each of {row.workers} workers reads the whole stream",
                evidence=(
                    Evidence(
                        f"first {row.samples} samples of two workers", "the same", "different ones"
                    ),
                    Evidence("times that each sample comes in a pass", str(row.workers), "1"),
                    Evidence("dataset", row.dataset),
                ),
                location=row.built,
                severity=Severity.WARNING,
                subject=f"stream {row.index}",
                remedy=Remedy(
                    "divide the stream by get_worker_info(): its id and the number of workers"
                ),
            )
