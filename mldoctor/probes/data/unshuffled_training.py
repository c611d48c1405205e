"""The probe `unshuffled-training`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.batch_order import BatchOrder
from mldoctor.facts.delivery import Delivery
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import probe

PURE = 0.6
"""Where classes meet a batch is mixed even in sorted data: two in five, when a class fills 2.5."""

BY_CHANCE = 0.2

MOSTLY = 0.9
"""Where classes meet, neighbours differ even in sorted data."""


@probe("unshuffled-training", Severity.ERROR)
def unshuffled_training(
    order: BatchOrder | None, delivery: Delivery | None = None, *, min_updates: int = 8
) -> Iterator[Finding]:
    """Training batches come in the order of their labels, or in one order in every epoch.

    ## What it finds

    Batches that hold one class each although the data has several: a dataset sorted by label that
    the loader, or the loop's own batching, does not shuffle. Also, as a warning, a sampler for
    distributed training that shuffles by the number of the epoch and is never told it.

    ## Why it matters

    The model is trained on one class after another and forgets the earlier ones. Each batch is
    solved by a constant answer, so the training loss looks fine.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    order = y.argsort()
    x, y = x[order], y[order]
    loader = DataLoader(TensorDataset(x, y), batch_size=20)
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

    The class labels that the loss was given are looked at update by update: at least `min_updates`
    of them, six in ten of a single class, where the same labels in random order would give less than
    two in ten. Where only one class was met, a loader that keeps the order of the dataset leads
    there: nine in ten neighbours in it must then have the same label. Rows of a file are taken in
    batches of 32, and the finding is a note: whoever reads the file may shuffle.

    A `DistributedSampler` that shuffles is walked twice: its order depends on its `epoch` alone. It is
    reported where that was never set while the loop was observed, and the script's own files do not
    speak of `set_epoch`.

    ## When it is wrong

    Curricula and class-incremental training do this on purpose. Adversarial losses use one label
    per call and both per update, and are quiet.

    ## References

    Bengio, Practical Recommendations for Gradient-Based Training (2012), section 3.3;
    Deci-AI/super-gradients#416 on GitHub; open-mmlab/mmdetection#1649 on GitHub; the documentation of
    `torch.utils.data.distributed.DistributedSampler` (`set_epoch`).
    """
    yield from _same_every_epoch(delivery)
    if order is None:
        return
    if order.labelled < min_updates or order.pure < PURE * order.labelled:
        return
    sorted_data = (
        order.sequential and order.dataset_classes > 1 and order.runs >= MOSTLY > order.expected
    )
    shuffled = order.classes <= 1 or order.expected_pure > BY_CHANCE * order.labelled
    if shuffled and not sorted_data:
        return
    evidence = [
        Evidence(
            "updates whose labels were all one class", f"{order.pure} of {order.labelled}", "few"
        ),
        Evidence("classes over all updates", str(order.classes)),
        Evidence("order", f"{order.sampler or 'the loop itself'}", "random"),
    ]
    if order.dataset_classes:
        evidence.append(
            Evidence(
                "neighbours in the dataset with the same label",
                f"{order.runs:.0%}",
                f"{order.expected:.0%} in random order",
            )
        )
    if order.file:
        yield Finding(
            "the rows stand in the order of their labels",
            evidence=(
                Evidence(
                    "batches of 32 neighbours of one class",
                    f"{order.pure} of {order.labelled}",
                    "few",
                ),
                *evidence[-1:],
            ),
            location=order.built,
            severity=Severity.NOTE,
            subject="order",
            remedy=Remedy("shuffle while reading, and before a part is cut off"),
        )
        return
    yield Finding(
        "training batches come in the order of their labels",
        evidence=tuple(evidence),
        location=order.built or order.site,
        explains=(
            "single-class-collapse",
            "oscillating-loss",
            "uninformative-labels",
            "flat-loss",
            "exploding-gradients",
        ),
        subject="order",
        remedy=Remedy("shuffle: DataLoader(..., shuffle=True), or permute the indices every epoch"),
    )


def _same_every_epoch(delivery: Delivery | None) -> Iterator[Finding]:
    """A sampler that waits to be told the epoch."""
    for row in delivery.rows if delivery is not None else ():
        if row.role == "training" and row.same_order:
            yield Finding(
                "every epoch reads the training data in the same order",
                evidence=(
                    Evidence("two passes of the sampler", "the same order", "different ones"),
                    Evidence("order", row.sampler),
                    Evidence("calls of set_epoch", "0", "1 before each epoch"),
                ),
                location=row.built,
                severity=Severity.WARNING,
                subject=f"loader {row.index}",
                remedy=Remedy("call sampler.set_epoch(epoch) at the beginning of every epoch"),
            )
