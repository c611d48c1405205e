"""The probe `label-imbalance`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.class_labels import ClassLabels
from mldoctor.facts.delivery import Delivery
from mldoctor.facts.loss_calls import BINARY_LOSSES, CLASS_LOSSES, LossCall, LossCalls
from mldoctor.facts.target_fit import TargetFit
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe

PLAIN = ("", "RandomSampler", "SequentialSampler", "DistributedSampler", "SeedableRandomSampler")
"""Samplers that do not change how often a class comes up."""


@probe("label-imbalance", Severity.WARNING)
def label_imbalance(
    labels: ClassLabels | None,
    loss_calls: LossCalls,
    fit: TargetFit,
    delivery: Delivery,
    *,
    min_samples: int = 200,
    max_share: float = 0.02,
    ratio: float = 20.0,
    most: int = 100,
    positive_share: float = 0.25,
    most_labels: int = 30,
) -> Iterator[Finding]:
    """A class is so rare that the loss hardly notices it, and nothing answers that.

    ## What it finds

    A class with less than `max_share` of the training samples and less than a twentieth of the
    commonest class, under a loss without class weights, with a sampler that does not balance. A note on
    several labels for each sample of which less than `positive_share` are positive, under a binary
    cross-entropy without positive weights.

    ## Why it matters

    Never choosing that class costs the loss next to nothing. Accuracy looks high while the class
    that mattered is never found.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(2000, 8)
    y = (x[:, 0] > 2.4).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(2):
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
    x = torch.randn(2000, 8)
    y = (x[:, 0] > 2.4).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(2):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb, torch.tensor([1.0, 60.0]))
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The labels of the training samples are counted: at least `min_samples`, of at most `most`
    classes, the commonest `ratio` times as frequent as the rarest. Weights of the loss, a loss that
    is reduced by hand (as focal losses are), a `WeightedRandomSampler` or a sampler of the user's
    own are read from the run, and each makes the finding quiet. Where every sample has several labels,
    up to `most_labels`, the entries of the recorded targets are counted; for how long such a loop
    predicts no label at all depends on its rate as well, so that this alone is a note.

    ## When it is wrong

    A rare class that is easy to tell is learned all the same.

    ## References

    Johnson and Khoshgoftaar, Survey on Deep Learning with Class Imbalance (2019); DeepCrime
    (Humbatova, Jahangirova and Tonella, 2021); examples/ignored_class.
    """
    if labels is None:
        rows = [r for r in loss_calls.rows if _few_positives(r, positive_share, most_labels)]
        yield from (_of_labels(r) for r in rows if sum(r.counts.values()) >= min_samples)
        return
    counts = labels.training.counts
    total = sum(counts.values())
    row = next(
        (r for r in loss_calls.rows if r.counts and r.function in (*CLASS_LOSSES, *BINARY_LOSSES)),
        None,
    )
    if row is None or total < min_samples or len(counts) < 2 or len(counts) > most:  # noqa: PLR2004 - something to compare
        return
    rare, times = min(counts.items(), key=lambda item: item[1])
    common, often = max(counts.items(), key=lambda item: item[1])
    if times >= max_share * total or times * ratio > often:
        return
    sampler = next((d.sampler for d in delivery.rows if d.role == "training"), "")
    answered = row.weighted or sampler not in PLAIN or any(f.first_loss is None for f in fit.rows)
    if answered or len(loss_calls.rows) > 1:
        return
    yield Finding(
        f"class {rare} makes up {times / total:.2%} of the training labels",
        evidence=(
            Evidence(
                f"samples of class {rare}",
                f"{number(times)} of {number(total)}",
                f"{max_share:.0%} or more",
            ),
            Evidence(f"samples of class {common}", number(often)),
            Evidence("class weights in the loss", "none"),
            Evidence("sampler", sampler or "none"),
        ),
        location=row.location,
        explains=("single-class-collapse",),
        subject="labels",
        remedy=Remedy(
            "weight the loss by inverse frequency, or balance with a WeightedRandomSampler",
            recipe="bilstm_attention_text",
        ),
    )


def _few_positives(row: LossCall, share: float, most: int) -> bool:
    """Whether a loss takes several labels for each sample, few of them positive and none weighted."""
    several = len(row.prediction) == 2 and 2 <= row.prediction[1] <= most  # noqa: PLR2004 - [batch, labels]
    if row.function not in BINARY_LOSSES or not several or row.counts.keys() != {"0", "1"}:
        return False
    return not row.weighted and row.counts["1"] < share * sum(row.counts.values())


def _of_labels(row: LossCall) -> Finding:
    """The note on labels that are seldom positive."""
    positive, entries = row.counts["1"], sum(row.counts.values())
    return Finding(
        f"{positive / entries:.0%} of the labels are positive, and the loss does not weight them",
        evidence=(
            Evidence(
                "positive entries of the targets seen", f"{number(positive)} of {number(entries)}"
            ),
            Evidence("labels of each sample", number(row.prediction[1])),
            Evidence("positive weights in the loss", "none"),
            Evidence(
                "weight that would balance them", number((entries - positive) / max(1, positive))
            ),
        ),
        location=row.location,
        severity=Severity.NOTE,
        subject="labels",
        remedy=Remedy(
            "give the loss a pos_weight of negatives over positives for each label, and choose the "
            "threshold of each label on validation data",
            recipe="multilabel_bert",
        ),
    )
