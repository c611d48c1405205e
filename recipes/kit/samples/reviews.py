"""Reviews with an opinion on several sides of a thing; negation and contrast decide the class."""

from __future__ import annotations

import random

import pandas as pd

PRAISE = """charming clever crisp delightful elegant excellent friendly generous gripping helpful
honest lively lovely polished reliable superb tender thoughtful vivid warm""".split()
BLAME = """awkward bland broken careless clumsy dreadful dull flimsy hollow muddled noisy rude
shallow sloppy sluggish stale tedious tired unfair wooden""".split()
SIDES = """acting battery box camera colour cover delivery dialogue ending fabric handle humour
lens manual music opening packaging picture plot price quality rhythm room scenery score script
service setting shape sound staff story taste waiter""".split()
FILLERS = """actually again anyway apparently certainly frankly honestly indeed maybe nearly often
perhaps probably quite rather really simply somehow still surely though today usually""".split()
OPENINGS = """for what it is|to my mind|after two weeks|on the second day|compared with the last one
|as a gift|against all advice|for once|at this price|in the evening|when it rained|with friends
|because of a voucher|out of habit|on a slow sunday""".replace("\n", "").split("|")

NEGATED = 0.3
CONTRAST = 0.35
MISLABELLED = 0.04
"""People press the wrong button: no model can be right on more than about 96 %."""


def reviews(count: int = 3000, seed: int = 0, *, neutral: float = 0.0) -> pd.DataFrame:
    """Texts with the label `negative` or `positive`, and `neutral` for the given share of them."""
    draw = random.Random(seed)
    rows: dict[str, str] = {}
    while len(rows) < count:
        kind = draw.random()
        rest = (kind - neutral) / (1 - neutral)
        label = "neutral" if kind < neutral else "negative" if rest < 0.465 else "positive"  # noqa: PLR2004
        rows.setdefault(_review(draw, label), _pressed(draw, label, neutral))
    return pd.DataFrame({"text": rows.keys(), "label": rows.values()})


def _pressed(draw: random.Random, label: str, neutral: float) -> str:
    others = ["negative", "positive", *(["neutral"] if neutral else [])]
    others.remove(label)
    return draw.choice(others) if draw.random() < MISLABELLED else label


def _review(draw: random.Random, label: str) -> str:
    """Two or three opinions. What follows "but" counts double; "not" turns a word round."""
    while True:
        signs = [draw.choice((1, -1)) for _ in range(draw.choice((2, 3)))]
        contrast = draw.random() < CONTRAST
        weights = [2 if contrast and at == len(signs) - 1 else 1 for at in range(len(signs))]
        total = sum(sign * weight for sign, weight in zip(signs, weights, strict=True))
        if label == ("neutral" if total == 0 else "positive" if total > 0 else "negative"):
            break
    parts = [_opinion(draw, sign) for sign in signs]
    if contrast:
        parts[-2:] = [f"{parts[-2]} but {parts[-1]}"]
    return ". ".join(parts) + draw.choice((".", "!", ""))


def _opinion(draw: random.Random, sign: int) -> str:
    negated = draw.random() < NEGATED
    word = draw.choice(PRAISE if (sign > 0) != negated else BLAME)
    words = ["the", draw.choice(SIDES), "was", *(["not"] if negated else []), word]
    for _ in range(draw.randint(0, 2)):
        words.insert(draw.choice((0, 2, len(words))), draw.choice(FILLERS))
    if draw.random() < 0.4:  # noqa: PLR2004 - two opinions in five say when or why
        words = [*draw.choice(OPENINGS).split(), *words]
    return " ".join(words)
