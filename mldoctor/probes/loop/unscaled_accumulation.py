"""The probe `unscaled-accumulation`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.accumulation import Accumulated, Accumulation
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("unscaled-accumulation", Severity.WARNING)
def unscaled_accumulation(
    accumulation: Accumulation,
    *,
    tolerance: float = 0.1,
    least: int = 2,
    starved: float = 0.2,
    uneven: float = 2.0,
) -> Iterator[Finding]:
    """Gradients of several batches are added up for one step, and not divided by their number.

    ## What it finds

    A loop that steps after every k-th backward, on the sum of the k mean losses and not on their mean;
    or one that clears what a shorter last group of an epoch has added up; as a note, means over very
    different numbers of labels that weigh the same in one step.

    ## Why it matters

    The gradient is k times as long as that of one large batch. With SGD the rate is k times as high as
    it says, and it changes with k; a norm clip is reached k times as early. Batches whose gradients are
    cleared teach the model nothing. A label of a short batch counts for more than one of a long batch,
    other than in one large batch of both.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(5):
        for i, (xb, yb) in enumerate(loader):
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            if (i + 1) % 4 == 0:
                optimizer.step()
                optimizer.zero_grad()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(5):
        for i, (xb, yb) in enumerate(loader):
            loss = nn.functional.cross_entropy(model(xb), yb) / 4
            loss.backward()
            if (i + 1) % 4 == 0:
                optimizer.step()
                optimizer.zero_grad()
    ```

    ## How it is measured

    Backwards of one line with a batch of their own are counted between two steps. What the loss is
    divided by is read from the gradient that the backward sends to the value of torch's loss function:
    1 within the given `tolerance` when nothing divides it. Gradients count as thrown away when a
    `zero_grad` stands between fewer than k backwards of that line and the next step, `least` times;
    it is a note up to a share of `starved` of all backwards, the bound of starved-loader. The labels
    that a class loss counts must differ by a factor of `uneven` in more than half of the first steps.

    ## When it is wrong

    A rate that was chosen for the sum. Optimizers whose step does not depend on the length of the
    gradient (Adam and its kin) get a note, unless a clip is reached only because of the sum. So do the
    trainers of frameworks: some leave the loss undivided for models that do not say how they average
    it.

    ## References

    PyTorch documentation, Automatic Mixed Precision examples (gradient accumulation); Hugging Face
    Accelerate documentation, Performing gradient accumulation.
    """
    for row in accumulation.rows:
        yield from _dropped(row, least, starved)
        yield from _uneven(row, least, uneven)
        if row.weight is None or abs(row.weight - 1) > tolerance:
            continue
        clipped = _clipped_by_it(row)
        rows = [
            Evidence("backwards for one step", number(row.backwards)),
            Evidence("weight of each batch's mean loss", number(row.weight), f"1/{row.backwards}"),
            Evidence("optimizer", row.kind),
        ]
        if row.norms and row.bound is not None:
            rows.append(
                Evidence(
                    "largest gradient norm, and the bound of the clip",
                    f"{number(max(row.norms))} and {number(row.bound)}",
                )
            )
        yield Finding(
            f"{row.backwards} batches are added up for a step without dividing their losses",
            evidence=tuple(rows),
            location=row.site,
            severity=Severity.NOTE if row.library or (row.scale_free and not clipped) else None,
            explains=("exploding-gradients", "learning-rate-too-high", "oscillating-loss"),
            subject=row.kind,
            remedy=Remedy(
                f"divide each loss by {row.backwards} before the backward", recipe="bert_layerwise"
            ),
        )


def _dropped(row: Accumulated, least: int, starved: float) -> Iterator[Finding]:
    """The batches at the end of an epoch whose gradients are cleared before a step."""
    if len(row.dropped) < least or row.library or max(row.dropped) >= row.backwards:
        return
    count = max(row.dropped)
    yield Finding(
        f"the gradients of {count} batches are cleared before a step uses them"
        if count > 1
        else "the gradients of a batch are cleared before a step uses them",
        evidence=(
            Evidence("backwards for one step", number(row.backwards)),
            Evidence("times that a shorter group was cleared", number(len(row.dropped)), "0"),
            Evidence("share of all backwards", f"{row.share:.0%}", "0%"),
        ),
        location=row.site,
        severity=None if row.share > starved else Severity.NOTE,
        subject=f"{row.kind} remainder",
        remedy=Remedy("step after the last batch of an epoch, too"),
    )


def _uneven(row: Accumulated, least: int, uneven: float) -> Iterator[Finding]:
    """Means over very different numbers of labels that are averaged as if they were of one number."""
    steps = [counts for counts in row.labels if min(counts) > 0]
    apart = [counts for counts in steps if max(counts) >= uneven * min(counts)]
    if len(apart) < least or len(apart) <= len(steps) / 2:
        return
    widest = max(apart, key=lambda counts: max(counts) / min(counts))
    yield Finding(
        f"batches of {min(widest)} and of {max(widest)} labels weigh the same in one step",
        evidence=(
            Evidence("backwards for one step", number(row.backwards)),
            Evidence("labels of each batch in one step", ", ".join(map(str, widest[:8])), "alike"),
            Evidence("steps with such batches", f"{len(apart)} of {len(steps)}", "0"),
        ),
        location=row.site,
        severity=Severity.NOTE,
        subject=f"{row.kind} labels",
        remedy=Remedy("sum the losses of a step and divide by the number of all its labels"),
    )


def _clipped_by_it(row: Accumulated) -> bool:
    """Whether most norms are over the bound, and would not be if the losses were divided."""
    if row.bound is None or not row.norms:
        return False
    over = [n for n in row.norms if n > row.bound]
    divided = [n for n in row.norms if n / row.backwards > row.bound]
    return len(over) > len(row.norms) / 2 > len(divided)
