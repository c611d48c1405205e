"""What customers ask their bank: the request is in the pair of an action and an object."""

from __future__ import annotations

import random

import pandas as pd

ACTIONS = {
    "missing": ["can't find", "lost", "no longer have", "was robbed of", "still wait for"],
    "wanted": ["need", "would like", "want to order", "am asking for", "should get"],
    "wrong": ["was charged twice for", "see an error on", "don't recognise", "complain about"],
}
OBJECTS = {
    "card": ["my card", "the blue card", "a credit card", "the card of my wife", "the debit card"],
    "account": ["my account", "the savings account", "a bank statement", "the joint account"],
}
PLACES = "on the website|at the branch|in the app|abroad|since monday|at the airport|at home".split(
    "|"
)
GREETINGS = "hello|good morning|hi there|dear team|excuse me|please help|urgent|hey".split("|")
ENDS = "thanks|what can i do|please answer soon|is that normal|who can help|kind regards".split("|")
MISLABELLED = 0.04
"""People choose the wrong form: no model can be right on more than about 96 %."""


def requests(count: int = 2400, seed: int = 0) -> pd.DataFrame:
    """Columns `text` and `label`, six classes such as `missing card`."""
    draw = random.Random(seed)
    classes = [f"{action} {thing}" for action in ACTIONS for thing in OBJECTS]
    rows: dict[str, str] = {}
    while len(rows) < count:
        label = draw.choice(classes)
        action, thing = label.split()
        words = [f"i {draw.choice(ACTIONS[action])}", draw.choice(OBJECTS[thing])]
        words.insert(draw.choice((0, 2)), draw.choice(PLACES))
        words.insert(0, f"{draw.choice(GREETINGS)},")
        other = draw.choice(OBJECTS[draw.choice(list(OBJECTS))])
        if draw.random() < 0.5:  # noqa: PLR2004 - half of them mention something else as well
            words.append(f". {other} is fine")
        text = " ".join([*words, "." if draw.random() < 0.5 else "?", draw.choice(ENDS)])  # noqa: PLR2004
        rows.setdefault(text, draw.choice(classes) if draw.random() < MISLABELLED else label)
    return pd.DataFrame({"text": rows.keys(), "label": rows.values()})
