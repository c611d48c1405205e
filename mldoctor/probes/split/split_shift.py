"""The probe `split-shift`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.channel_order import ChannelOrder
from mldoctor.facts.loaders import Loader
from mldoctor.facts.split_shift import Shift, SplitShift
from mldoctor.findings import Evidence, Finding, Remedy, Severity, number
from mldoctor.registry import probe


@probe("split-shift", Severity.WARNING)
def split_shift(
    shift: SplitShift,
    *,
    min_auc: float = 0.9,
    min_distance: float = 1.0,
    min_ratio: float = 3.0,
    reversed_colours: float = 3.0,
) -> Iterator[Finding]:
    """Training and evaluation inputs are prepared differently.

    ## What it finds

    Evaluation inputs that a classifier tells from training inputs almost without error, and whose
    values lie elsewhere or on another scale; or pictures whose colours come in another order.

    ## Why it matters

    Statistics, a scaler or a transform were applied to one split and not to the other. The model
    meets inputs in evaluation that it never saw.

    ## Example

    ```python
    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x[:, 0] + x[:, 1] > 0).long()
    loader = DataLoader(TensorDataset(x[:320], y[:320]), batch_size=32, shuffle=True)
    validation = DataLoader(TensorDataset(x[320:] * 12 + 40, y[320:]), batch_size=32)
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

    As many samples of each class are taken from both splits, so that a class balance alone tells
    nothing. Trees are cross-validated on the columns of short rows, or on mean, spread, minimum and
    maximum of larger samples. The lower end of the 95 % interval of their AUC must exceed
    `min_auc`, and the means must differ by `min_distance` standard deviations or the spreads by a
    factor of `min_ratio`.

    Of pictures in colour, skewness, kurtosis and roughness of the channels and the correlations
    between them are compared, which do not depend on how channels are scaled. Random halves of the
    training pictures tell how far they differ by chance. The splits must differ `reversed_colours`
    times as much, and with the channels of one reversed at most half of that. Parts of photographs
    measured 0.3 to 0.8 in one order, with noise or brightness drawn at random up to 1.7, and 3.4 to 4.9
    in the other from 200 pictures of 32 by 32 on; two photographs of different scenes, 12 and 17.

    ## When it is wrong

    Evaluation on another domain on purpose. Augmentation of the training split changes values far
    less than the bounds.

    ## References

    Lopez-Paz and Oquab, Revisiting Classifier Two-Sample Tests (2017); Humbatova and others,
    Taxonomy of Real Faults in Deep Learning Systems (2020).
    """
    for row in shift.rows:
        if row.channels is not None and _turned(row.channels, reversed_colours):
            yield _colours(row, row.channels, shift.training)
            continue
        if row.low < min_auc or (row.distance < min_distance and row.ratio < min_ratio):
            continue
        yield Finding(
            "evaluation inputs are on another scale than training inputs",
            evidence=(
                Evidence(
                    "AUC of telling the splits apart",
                    f"{row.auc:.3f} ({row.low:.3f} to {row.high:.3f})",
                    "near 0.5",
                ),
                Evidence(
                    "training inputs",
                    f"mean {number(row.train_mean)}, spread {number(row.train_spread)}",
                ),
                Evidence(
                    "evaluation inputs",
                    f"mean {number(row.other_mean)}, spread {number(row.other_spread)}",
                    "the same",
                ),
                Evidence("what tells them apart best", row.feature),
                Evidence("samples compared", f"{row.train} and {row.other}"),
            ),
            location=row.evaluation.built,
            also=shift.training.built,
            subject=f"loader {row.evaluation.index}",
            remedy=Remedy(
                "fit the preprocessing on the training split and apply it to every split"
            ),
        )


def _turned(channels: ChannelOrder, bound: float) -> bool:
    """Whether the pictures differ as they are, and with reversed channels by no more than by chance."""
    return channels.as_is >= bound and channels.reversed <= bound / 2


def _colours(row: Shift, channels: ChannelOrder, training: Loader) -> Finding:
    return Finding(
        "evaluation pictures have their colour channels in reverse order",
        evidence=(
            Evidence(
                "difference of the channels, in that of halves of the training pictures",
                number(channels.as_is),
                "near 1",
            ),
            Evidence("the same with the channels of one split reversed", number(channels.reversed)),
            Evidence("samples compared", f"{row.train} and {row.other}"),
        ),
        location=row.evaluation.built,
        also=training.built,
        subject=f"loader {row.evaluation.index}",
        remedy=Remedy("read the pictures of every split with one reader, or convert BGR to RGB"),
    )
