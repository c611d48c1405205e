"""Short messages with none, one or two of six emotions; some words belong to several of them."""

from __future__ import annotations

import random

import pandas as pd

SIGNS = {
    "anger": ["slammed the door", "shouted at me", "lied to me", "cut in line", "broke the deal"],
    "disgust": ["smelled of mould", "chewed loudly", "was sticky", "looked rotten", "spat"],
    "fear": ["heard steps behind us", "saw a shadow", "shook all night", "got stuck", "ran"],
    "joy": ["won the match", "hugged everyone", "got the job", "danced", "passed the exam"],
    "sadness": ["missed her voice", "sat in silence", "buried the dog", "left", "lost the match"],
    "surprise": ["gasped", "never saw it coming", "found money", "woke abroad", "met a bear"],
}
SHARED = [("screamed", "anger", "fear"), ("cried", "joy", "sadness"), ("stared", "fear", "surprise"),
          ("turned away", "disgust", "anger"), ("laughed", "joy", "surprise")]  # fmt: skip
SHARES = {"anger": 0.22, "disgust": 0.17, "fear": 0.15, "joy": 0.18, "sadness": 0.13,
          "surprise": 0.14}  # fmt: skip
PEOPLE = "my brother|the neighbour|our teacher|a stranger|she|he|they|the whole team|anna".split(
    "|"
)
PLACES = "at work|on the train|last night|in the garden|after lunch|by the lake|in june".split("|")
NOTHING = "read the news|bought some bread|waited|wrote a letter|washed the car|slept".split("|")
EMPTY, MIXED, VAGUE, MISSED = 0.04, 0.12, 0.2, 0.03
"""Shares: no emotion, a second one, a sign that two emotions share, a label that was forgotten."""


def emotions(count: int = 1400, seed: int = 0) -> pd.DataFrame:
    """Column `text`, and for each emotion a column of 0 and 1."""
    draw = random.Random(seed)
    rows: dict[str, list[str]] = {}
    while len(rows) < count:
        wanted = 0 if draw.random() < EMPTY else 2 if draw.random() < MIXED else 1
        kinds = list(dict.fromkeys(draw.choices(list(SHARES), list(SHARES.values()), k=wanted)))
        parts = [_sign(draw, kind) for kind in kinds]
        parts += [draw.choice(NOTHING) for _ in range(draw.randint(1, 2))]
        draw.shuffle(parts)
        text = " and ".join(f"{draw.choice(PEOPLE)} {part} {draw.choice(PLACES)}" for part in parts)
        rows.setdefault(text, [kind for kind in kinds if draw.random() > MISSED])
    frame = pd.DataFrame({"text": list(rows)})
    return frame.assign(**{kind: [int(kind in has) for has in rows.values()] for kind in SIGNS})


def _sign(draw: random.Random, kind: str) -> str:
    vague = [word for word, *kinds in SHARED if kind in kinds]
    return draw.choice(vague if draw.random() < VAGUE else SIGNS[kind])
