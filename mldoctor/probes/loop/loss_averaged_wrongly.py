"""The probe `loss-averaged-wrongly`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.loss_scale import LossScale, Scale
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.probes.consequences import UNLEARNABLE
from mldoctor.registry import probe


@probe("loss-averaged-wrongly", Severity.WARNING)
def loss_averaged_wrongly(
    scale: LossScale, *, min_batch: int = 16, precision: float = 0.01
) -> Iterator[Finding]:
    """The loss is averaged twice, or summed where the mean is meant.

    ## What it finds

    A mean that is divided by the batch size or by the number of batches once more; a sum over the
    batch that the rate was not made for; `kl_div` with the reduction "mean", which also divides by the
    classes.

    ## Why it matters

    The length of a step then depends on the size of the batch: twice averaged the loop crawls, summed
    it diverges, and a term beside others gets another weight than the one that was written.

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
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb) / len(xb)
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
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The derivative of what is back-propagated by the value of each loss function is recorded. Averaged
    twice: it is one over the rows of the batch (at least `min_batch`), or over the batches of an
    epoch, within `precision`, in every call, in a loop that steps after each backward pass, and there
    is no other term. Summed: with an optimizer whose steps grow with the loss, the fixed set is not
    learned, and is learned once the rate is divided by the rows or the entries of the batch. An
    optimizer such as Adam does not notice the scale of the loss: then a second average is a note.

    ## When it is wrong

    A weight of a term that happens to be one over the batch size.

    ## References

    PyTorch documentation of CrossEntropyLoss (reduction) and KLDivLoss (reduction "mean" does not
    return the true divergence value, use "batchmean").
    """
    for row in scale.rows:
        twice = _twice(row, scale, min_batch, precision)
        if twice:
            yield Finding(
                f"the mean of {row.function} is divided by {twice} once more"[:79],
                evidence=(
                    Evidence("reduction", row.reduction),
                    Evidence("weight of the loss", number(row.weights[0]), "1"),
                    Evidence("rows of the batch", str(row.batches[0])),
                    Evidence("batches of an epoch", str(row.epoch)),
                ),
                location=row.location,
                explains=(
                    "learning-rate-too-low",
                    "cannot-overfit",
                    "flat-loss",
                    "single-class-collapse",
                ),
                severity=Severity.NOTE if scale.scale_free else None,
                subject="loss",
                remedy=Remedy("divide once: the reduction of the loss has done it"),
            )
        elif row.function == "kl_div" and (_diluted(row, scale) or _alone(row, scale)):
            yield Finding(
                f"kl_div is averaged over its {row.classes} classes too",
                evidence=(
                    Evidence("reduction", row.reduction, "batchmean"),
                    Evidence("weight of the loss", number(row.weights[0])),
                    Evidence(
                        "weight that is left of the divergence",
                        number(row.weights[0] / row.classes),
                    ),
                ),
                location=row.location,
                severity=None if _diluted(row, scale) else Severity.NOTE,
                subject="loss",
                remedy=Remedy("use reduction='batchmean'"),
            )
    summed = next((r for r in scale.rows if r.reduction == "sum"), None)
    if summed is not None and scale.cured:
        yield Finding(
            f"{summed.function} is summed over the batch, and its rate is made for the mean"[:79],
            evidence=(
                Evidence("20 samples as the loop stands", scale.control, "learned"),
                Evidence(f"20 samples at a rate divided by {scale.divisor}", scale.treated),
                Evidence("weight of the sum", number(summed.weights[0]), f"1/{scale.divisor}"),
            ),
            location=summed.location,
            explains=(*UNLEARNABLE, "dead-units"),
            subject="loss",
            remedy=Remedy("use the mean, or divide the sum by the number of samples"),
        )


def _twice(row: Scale, scale: LossScale, min_batch: int, precision: float) -> str:
    """What a mean was divided by, an empty text where it was not."""
    if row.reduction != "mean" or len(scale.rows) > 1 or scale.backwards > 1.5:  # noqa: PLR2004 - accumulated
        return ""

    def everywhere(numbers: tuple[int, ...]) -> bool:
        return all(
            n >= min_batch and abs(w * n - 1) < precision
            for w, n in zip(row.weights, numbers, strict=False)
        )

    if everywhere(row.batches) or everywhere((row.batch_size or 0,) * len(row.weights)):
        return "the size of the batch"
    if row.epoch is not None and everywhere((row.epoch,) * len(row.weights)):
        return "the number of batches"
    return ""


def _alone(row: Scale, scale: LossScale, few: int = 10) -> bool:
    """Whether steps that grow with the loss are shorter by the classes, ten or more."""
    undivided = row.reduction == "mean" and min(row.weights) > 1 / 2
    return undivided and len(scale.rows) == 1 and not scale.scale_free and row.classes >= few


def _diluted(row: Scale, scale: LossScale) -> bool:
    """Whether the division by the classes takes away a weight like that of the other terms."""
    others = [max(r.weights) for r in scale.rows if r is not row]
    if row.reduction != "mean" or not others or row.classes < 2:  # noqa: PLR2004 - classes to divide by
        return False
    return max(row.weights) >= max(others) / 2 and max(row.weights) / row.classes < max(others) / 5
