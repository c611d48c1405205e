"""Messages with none, one or two of six emotions, none of them in more than a fifth of the texts."""

import random

import torch

SIGNS = {
    "anger": "slammed the door|shouted at me|lied to me|cut in line|broke the deal".split("|"),
    "disgust": "smelled of mould|chewed loudly|was sticky|looked rotten|spat".split("|"),
    "fear": "heard steps behind us|saw a shadow|shook all night|got stuck|ran".split("|"),
    "joy": "won the match|hugged everyone|got the job|danced|passed the exam".split("|"),
    "sadness": "missed her voice|sat in silence|buried the dog|left|lost the match".split("|"),
    "surprise": "gasped|never saw it coming|found money|woke abroad|met a bear".split("|"),
}
SHARES = [0.218, 0.178, 0.148, 0.184, 0.132, 0.141]
LABELS = list(SIGNS)
PEOPLE = "my brother|the neighbour|our teacher|a stranger|she|he|they|anna".split("|")
PLACES = "at work|on the train|last night|in the garden|after lunch|by the lake".split("|")
NOTHING = "read the news|bought some bread|waited|wrote a letter|washed the car|slept".split("|")
SPECIAL = 3  # padding, start, unknown


def message(rng):
    kinds = set(rng.choices(LABELS, SHARES, k=rng.choice((0, 1, 1, 1, 1, 1, 1, 1, 1, 2))))
    shown = [kind if rng.random() < 0.7 else rng.choice(LABELS) for kind in sorted(kinds)]
    parts = [rng.choice(SIGNS[kind]) for kind in shown]
    parts += [rng.choice(NOTHING) for _ in range(rng.randint(1, 2))]
    rng.shuffle(parts)
    text = " and ".join(f"{rng.choice(PEOPLE)} {part} {rng.choice(PLACES)}" for part in parts)
    return text, tuple(float(label in kinds) for label in LABELS)


def messages(count, seed):
    rng = random.Random(seed)
    found = {}
    while len(found) < count:
        text, labels = message(rng)
        found[text] = labels
    return list(found.items())


def word_ids(rows):
    words = sorted({word for text, _ in rows for word in text.split()})
    return {word: index + SPECIAL for index, word in enumerate(words)}


def collator(vocabulary):
    def collate(rows):
        encoded = [
            torch.tensor([1, *(vocabulary.get(word, 2) for word in text.split())])
            for text, _ in rows
        ]
        ids = torch.nn.utils.rnn.pad_sequence(encoded, batch_first=True)
        return {
            "input_ids": ids,
            "attention_mask": (ids != 0).long(),
            "labels": torch.tensor([labels for _, labels in rows]),
        }

    return collate
