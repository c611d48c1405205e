"""Short film comments with a verdict, and the splits a notebook would make of them."""

import random
import re

PRAISE = "moving gripping clever tender funny superb honest bold radiant haunting vivid warm".split()
BLAME = "dull clumsy shallow noisy tired wooden muddled bland hollow tedious stale flat".split()
PARTS = "plot acting score dialogue ending camera pacing cast script humour".split()
OTHERS = "i saw it on sunday with two friends and some popcorn near the old harbour cinema".split()
POSITIVE = 0.564


def comment(rng):
    positive = rng.random() < POSITIVE
    words = []
    for _ in range(rng.randint(2, 4)):
        side = positive if rng.random() < 0.8 else not positive
        words += rng.sample(OTHERS, rng.randint(1, 4))
        words += ["the", rng.choice(PARTS), "was", rng.choice(PRAISE if side else BLAME)]
    return " ".join(words), int(positive)


def comments(count, seed):
    rng = random.Random(seed)
    found = {}
    while len(found) < count:
        text, label = comment(rng)
        found[text] = label
    return list(found.items())


def words_of(text):
    return re.findall("[a-z]+", text.lower())


def encode(text, vocabulary):
    return [vocabulary[word] for word in words_of(text) if word in vocabulary]


def vocabulary_of(rows):
    words = sorted({word for text, _ in rows for word in words_of(text)})
    return {word: index + 1 for index, word in enumerate(words)}
