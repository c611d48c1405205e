"""Whether the pictures of another split have their colour channels in reverse order.

Readers of pictures differ: OpenCV gives blue, green, red. What is compared does not depend on how each
channel was scaled: skewness, kurtosis, roughness, and how alike neighbouring channels are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

COLOURS = 3
SMALLEST = 8
"""Pixels along a side of a picture."""

FEWEST = 40
"""Pictures of each split from which their figures are known well enough."""

SPLITS = 40
"""Random halves of the training pictures that tell how far figures differ by chance."""


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """How far the figures of two splits differ, in the spread that halves of one split show.

    Attributes:
        as_is: of the pictures as they are; reversed: with the channels of one split reversed. Chance
            gives 1.
    """

    as_is: float
    reversed: float


def channel_order(mine: list[np.ndarray], theirs: list[np.ndarray]) -> ChannelOrder | None:
    """Compare the channels of two splits; None where their samples are no pictures in colour."""
    import numpy as np

    if min(len(mine), len(theirs)) < FEWEST:
        return None
    one, other = _moments(mine), _moments(theirs)
    if one is None or other is None:
        return None
    size = min(len(one) // 2, len(other))
    draw = np.random.default_rng(0)
    apart = []
    for _ in range(SPLITS):
        order = draw.permutation(len(one))
        apart.append(_figures(one[order[:size]]) - _figures(one[order[size : 2 * size]]))
    spread = np.sqrt(np.mean(np.square(apart), axis=0)).clip(1e-6)
    left, right = _figures(one), _figures(other)
    distances = [np.sqrt(np.mean(((left - v) / spread) ** 2)) for v in (right, right[_TURNED])]
    if not np.isfinite(distances).all():
        return None
    return ChannelOrder(float(distances[0]), float(distances[1]))


def _moments(pictures: list[np.ndarray]) -> np.ndarray | None:
    """Means over the pixels of each picture: powers, steps, and products of neighbouring channels."""
    import numpy as np

    rows = []
    for picture in pictures:
        if picture.ndim != 3:  # noqa: PLR2004 - [channels, height, width] in some order
            return None
        if picture.shape[0] == COLOURS:
            colours = picture
        elif picture.shape[-1] == COLOURS:
            colours = picture.transpose(2, 0, 1)
        else:
            return None
        if min(colours.shape[1:]) < SMALLEST:
            return None
        x = colours.astype(np.float64)
        step = np.square(np.diff(x, axis=2)).mean((1, 2))
        powers = [(x**k).mean((1, 2)) for k in (1, 2, 3, 4)]
        pairs = [(x[a] * x[a + 1]).mean() for a in (0, 1)]
        rows.append(np.concatenate([*powers, step, pairs]))
    return np.asarray(rows)


def _figures(rows: np.ndarray) -> np.ndarray:
    """Skewness, log kurtosis and roughness of each channel, and two correlations, of some pictures."""
    import numpy as np

    mean = rows.mean(0)
    one, two, three, four, step = mean[:15].reshape(5, 3)
    variance = (two - one**2).clip(1e-12)
    skewness = (three - 3 * one * two + 2 * one**3) / variance**1.5
    fourth = four - 4 * one * three + 6 * one**2 * two - 3 * one**4
    kurtosis = np.log((fourth / variance**2).clip(1e-6))
    shared = [
        (mean[15 + a] - one[a] * one[a + 1]) / np.sqrt(variance[a] * variance[a + 1])
        for a in (0, 1)
    ]
    return np.concatenate([skewness, kurtosis, step / variance, shared])


_TURNED = [2, 1, 0, 5, 4, 3, 8, 7, 6, 10, 9]
"""The figures of a picture whose channels are reversed."""
