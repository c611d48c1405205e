"""A table of loan requests: numbers on different scales, categories, gaps, and a rule with turns."""

from __future__ import annotations

import numpy as np
import pandas as pd

REGIONS = ["coast", "hills", "north", "plain"]
PURPOSES = ["car", "farm", "home", "study", "trade"]


def loans(count: int = 3000, seed: int = 0) -> pd.DataFrame:
    """Eight columns of features and the column `label`."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": draw.integers(18, 75, count).astype(float),
            "income": draw.lognormal(10.3, 0.5, count).round(),
            "amount": draw.lognormal(9.6, 0.7, count).round(),
            "years": draw.integers(1, 31, count).astype(float),
            "late_payments": draw.poisson(0.8, count).astype(float),
            "savings": draw.lognormal(8.5, 1.2, count).round(),
            "region": draw.choice(REGIONS, count),
            "purpose": draw.choice(PURPOSES, count),
        }
    )
    burden = np.log(frame.amount / frame.years) - np.log(frame.income) + 1.9
    cushion = 0.5 * (np.log(frame.savings) - 8.5) * np.where(frame.purpose == "trade", -1, 1)
    age = -1.2 * np.cos((frame.age - 18) / 9)  # a wave: no straight line follows it
    region = frame.region.map({"coast": 0.4, "hills": -0.6, "north": 0.0, "plain": 0.2})
    risk = 1.2 * burden + 0.8 * frame.late_payments - cushion + age + region - 0.7
    defaults = draw.random(count) < 1 / (1 + np.exp(-2.5 * risk))
    frame["label"] = np.where(defaults, "default", "repaid")
    for column in ("income", "savings", "region"):
        frame.loc[draw.random(count) < 0.05, column] = None  # noqa: PLR2004 - gaps, as in real tables
    return frame
