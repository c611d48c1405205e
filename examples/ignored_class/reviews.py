"""Reviews of medicines in three classes, the neutral one rare and between the others."""

import random

import torch

GOOD = "relief calm better steady wonderful painless helped restful".split()
BAD = "nausea worse rash dizzy awful sleepless headache useless".split()
OTHERS = "i took it for weeks my doctor said to try half a pill each day at night with food".split()
SHARES = {"negative": 0.404, "neutral": 0.132, "positive": 0.464}
CLASSES = list(SHARES)
WORDS = {word: i + 1 for i, word in enumerate(dict.fromkeys(GOOD + BAD + OTHERS))}


def review(rng):
    label = rng.choices(CLASSES, list(SHARES.values()))[0]
    good = {"negative": 0.2, "neutral": 0.5, "positive": 0.8}[label]
    words = rng.choices(OTHERS, k=rng.randint(6, 14))
    for _ in range(6):
        side = GOOD if rng.random() < good else BAD
        words.insert(rng.randrange(len(words) + 1), rng.choice(side))
    return " ".join(words), CLASSES.index(label)


def reviews(count, seed):
    rng = random.Random(seed)
    found = {}
    while len(found) < count:
        text, label = review(rng)
        found[text] = label
    return list(found.items())


def collate(rows):
    encoded = [torch.tensor([WORDS[word] for word in text.split()]) for text, _ in rows]
    ids = torch.nn.utils.rnn.pad_sequence(encoded, batch_first=True)
    return ids, torch.tensor([label for _, label in rows])
