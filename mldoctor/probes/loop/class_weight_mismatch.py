"""The probe `class-weight-mismatch`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import fmean, pstdev

from mldoctor.facts.class_weights import ClassWeights, Weights
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("class-weight-mismatch", Severity.WARNING)
def class_weight_mismatch(
    weights: ClassWeights, *, min_ratio: float = 2.0, max_tilt: float = 20.0
) -> Iterator[Finding]:
    """The class weights are inverted, in another order, or of another number than the classes.

    ## What it finds

    Weights that grow with how often a class occurs, inverse frequencies that were put on the wrong
    classes, weights that leave one class nearly all of the loss, or a vector of another length.

    ## Why it matters

    The rare classes, which the weights were meant to help, are ignored more than without any weights.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 1.2).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    share = torch.bincount(y) / len(y)
    weight = share * 2
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb, weight)
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
    y = (x[:, 0] + x[:, 1] > 1.2).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    share = torch.bincount(y) / len(y)
    weight = 1 / share / 2
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(5):
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb, weight)
            loss.backward()
            optimizer.step()
    ```

    ## How it is measured

    The weights of the first calls against the counts of the labels in the training data. Inverted: the
    commonest class is at least `min_ratio` times as common as the rarest, and the logarithms of
    weights and counts rise together. Wrong order: weight times count would be nearly the same for all
    classes if the weights were sorted the other way, and is not as they stand. One-sided: weight times
    count differs between classes by more than a factor of `max_tilt`, and five times more than the
    counts do. Weights of 0, which leave a class out on purpose, are not counted.

    ## When it is wrong

    Costs that are meant to favour the common class, for precision.

    ## References

    PyTorch documentation of CrossEntropyLoss (weight) and BCEWithLogitsLoss (pos_weight: negatives
    divided by positives). King and Zeng, Logistic Regression in Rare Events Data (2001).
    """
    for row in weights.rows:
        message = _fault(row, min_ratio, max_tilt)
        if message is None:
            continue
        yield Finding(
            message,
            evidence=(
                Evidence("weights by class", _listed(row.weights)),
                Evidence(f"labels in {row.source}, by class", _listed(row.counts)),
            )
            if not row.error
            else (
                Evidence("weights", str(len(row.weights)), str(len(row.counts))),
                Evidence("the call raised", row.error[:90]),
            ),
            location=row.location,
            explains=("single-class-collapse", "label-imbalance", "cannot-overfit", "flat-loss"),
            subject="loss",
            remedy=Remedy(
                "weight each class by the inverse of its count, in the order of the indices"
            ),
        )


def _fault(row: Weights, min_ratio: float, max_tilt: float) -> str | None:
    if row.error:
        wrong = "weight tensor should be defined" in row.error
        return f"{len(row.weights)} class weights for {len(row.counts)} classes" if wrong else None
    if row.kind == "pos_weight":
        return _positive(row, min_ratio)
    pairs = [(w, n) for w, n in zip(row.weights, row.counts, strict=False) if w > 0 and n > 0]
    if len(pairs) < 2:  # noqa: PLR2004 - classes to compare
        return None
    counts, products = [n for _, n in pairs], [w * n for w, n in pairs]
    ratio = max(counts) / min(counts)
    if ratio >= min_ratio and _slope(pairs) > 0.3:  # noqa: PLR2004 - a third of the way to proportional
        return "the class weights grow with how often a class occurs"
    matched = [
        w * n
        for w, n in zip(sorted(w for w, _ in pairs), sorted(counts, reverse=True), strict=True)
    ]
    if ratio >= min_ratio and _spread(matched) < 0.15 and _spread(products) > 0.5:  # noqa: PLR2004 - see the page
        return "the class weights are in another order than the classes"
    tilt = max(products) / min(products)
    if tilt > max_tilt and tilt > 5 * ratio:
        return f"the class weights leave one class {max(products) / sum(products):.0%} of the loss"
    return None


def _positive(row: Weights, min_ratio: float) -> str | None:
    negatives, positives = row.counts
    if not negatives or not positives:
        return None
    odds, weight = positives / negatives, row.weights[0]
    skewed = odds <= 1 / min_ratio or odds >= min_ratio
    if skewed and (weight - 1) * (odds - 1) > 0 and 0.5 <= weight / odds <= 2:  # noqa: PLR2004 - the inverse, rounded
        return "pos_weight is positives over negatives, the inverse of what balances"
    return None


def _slope(pairs: list[tuple[float, int]]) -> float:
    """Slope of the logarithm of the weights over that of the counts; 0 where they hardly agree."""
    xs, ys = [math.log(n) for _, n in pairs], [math.log(w) for w, _ in pairs]
    mx, my = fmean(xs), fmean(ys)
    sxx = sum((x - mx) ** 2 for x in xs)
    syy = sum((y - my) ** 2 for y in ys)
    sxy = sum((x - mx) * (y - my) for x, y in zip(xs, ys, strict=True))
    if not sxx or not syy or sxy / (sxx * syy) ** 0.5 < 0.9:  # noqa: PLR2004 - a clear relation
        return 0.0
    return sxy / sxx


def _spread(values: list[float]) -> float:
    return pstdev(values) / fmean(values)


def _listed(values: tuple[float, ...] | tuple[int, ...]) -> str:
    shown = ", ".join(number(v) for v in values[:6])
    return f"{shown}, ..." if len(values) > 6 else shown  # noqa: PLR2004 - what fits on a line
