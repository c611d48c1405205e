"""Short letters with a grammar: agreement across a clause, brackets that close, dates that add up."""

from __future__ import annotations

import random

import pandas as pd

NAMES = "Ada Boris Clara Dmitri Elena Farid Greta Hugo Ines Jonas Kira Leo Mona Nils".split()
ONE = "the baker|the old captain|my sister|a quiet guard|the tall painter|our doctor".split("|")
MANY = "the bakers|the old captains|my sisters|two quiet guards|the painters|our doctors".split("|")
WHO = "who lives by the harbour|who came in spring|from the hills|with the grey dogs".split("|")
VERBS = "write sing travel paint dance cook wait".split()
WHEN = "before the rain|on monday|in the long summer|at noon|when the bells ring".split("|")
THINGS = "bread apples candles stamps maps ropes lamps".split()


def letters(count: int = 700, seed: int = 0) -> pd.DataFrame:
    """Column `text`: a greeting, three to five sentences, a name."""
    draw = random.Random(seed)
    rows: dict[str, None] = {}
    while len(rows) < count:
        body = " ".join(_sentence(draw) for _ in range(draw.randint(3, 5)))
        rows[f"Dear {draw.choice(NAMES)}, {body} Yours, {draw.choice(NAMES)}"] = None
    return pd.DataFrame({"text": list(rows)})


def _sentence(draw: random.Random) -> str:
    if draw.random() < 0.3:  # noqa: PLR2004 - three sentences in ten are sums
        first, second = draw.randint(2, 9), draw.randint(2, 9)
        thing = draw.choice(THINGS)
        return (
            f"We had {first} {thing} and bought {second}, so now we have {first + second} {thing}."
        )
    single = draw.random() < 0.5  # noqa: PLR2004
    subject = draw.choice(ONE if single else MANY)
    who = draw.choice(WHO)
    if not single:
        who = who.replace("who lives", "who live")
    verb = draw.choice(VERBS) + ("s" if single else "")
    aside = f" ({draw.choice(WHEN)})" if draw.random() < 0.4 else f" {draw.choice(WHEN)}"  # noqa: PLR2004
    text = f"{subject} {who} {verb}{aside}."
    return text[0].upper() + text[1:]
