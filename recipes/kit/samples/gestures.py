"""Sentences in an invented sign language: each word is a movement of sixteen joints."""

from __future__ import annotations

import numpy as np
import pandas as pd

WORDS = "bird bread house night river smile stone teacher water winter".split()
JOINTS = 16
STILL = 0.65
"""Noise of the measurement, against movements of size 1."""


def gestures(count: int = 700, seed: int = 0) -> pd.DataFrame:
    """Column `features`, arrays `[time, 16]`, and column `text`, two to five words."""
    draw = np.random.default_rng(seed)
    shapes = draw.normal(size=(len(WORDS), 3, JOINTS))  # start, middle and end of each movement
    rows: dict[str, np.ndarray] = {}
    while len(rows) < count:
        chosen = draw.integers(len(WORDS), size=draw.integers(2, 6))
        text = " ".join(WORDS[one] for one in chosen)
        if text not in rows:
            rows[text] = _performed(shapes[chosen], draw)
    return pd.DataFrame({"features": rows.values(), "text": rows.keys()})


def _performed(shapes: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Fast or slow, with hands that sink between two words."""
    frames = []
    for start, middle, end in shapes:
        pace = np.linspace(0, 2, draw.integers(12, 21))[:, None]
        first, second = np.clip(pace, 0, 1), np.clip(pace - 1, 0, 1)
        frames.append(start + (middle - start) * first + (end - middle) * second)
        frames.append(np.linspace(0.5, 0, draw.integers(3, 7))[:, None] * end)
    moved = np.concatenate(frames)
    return (moved + STILL * draw.normal(size=moved.shape)).astype(np.float32)
