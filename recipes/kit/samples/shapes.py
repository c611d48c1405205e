"""Pictures of one shape among scribbles, in any colour, place and size."""

from __future__ import annotations

import numpy as np
import pandas as pd

SIDE = 32
KINDS = ["circle", "cross", "ring", "square"]


def shapes(count: int = 1600, seed: int = 0) -> pd.DataFrame:
    """Column `image`, bytes `[32, 32, 3]`, and column `label`."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(len(KINDS), size=count)
    images = [_picture(KINDS[label], draw) for label in labels]
    return pd.DataFrame({"image": images, "label": [KINDS[label] for label in labels]})


def _picture(kind: str, draw: np.random.Generator) -> np.ndarray:
    picture = np.ones((SIDE, SIDE, 3)) * draw.uniform(0.2, 0.8, 3)
    y, x = np.mgrid[:SIDE, :SIDE] - draw.uniform(11, 21, 2)[:, None, None]
    size = draw.uniform(6, 10)
    colour = (picture[0, 0] + draw.choice([-1, 1]) * draw.uniform(0.3, 0.5, 3)).clip(0, 1)
    distance, widest = np.hypot(x, y), np.maximum(abs(x), abs(y))
    inside = {
        "circle": distance < size,
        "ring": (distance < size) & (distance > 0.6 * size),
        "square": widest < 0.9 * size,
        "cross": (np.minimum(abs(x), abs(y)) < 0.3 * size) & (widest < size),
    }[kind]
    picture[inside] = colour
    for _ in range(3):  # scribbles: short bars that belong to no shape
        row, column = draw.integers(0, SIDE - 6, 2)
        picture[row : row + draw.integers(1, 6), column : column + draw.integers(1, 6)] = (
            draw.uniform(0, 1, 3)
        )
    picture += 0.15 * draw.normal(size=picture.shape)
    return (255 * picture.clip(0, 1)).astype(np.uint8)
