"""Sentences of an invented sign language: every word is a movement of twelve joints."""

import numpy as np
import torch

WORDS = "bread house night river smile stone winter".split()
JOINTS = 12


def performed(shapes, draw):
    frames = []
    for start, end in shapes:
        pace = np.linspace(0, 1, draw.integers(10, 16))[:, None]
        frames += [start + (end - start) * pace, draw.normal(size=(3, JOINTS)) * 0.1]
    moved = np.concatenate(frames)
    return torch.tensor(moved + 0.3 * draw.normal(size=moved.shape), dtype=torch.float32)


def clips(count, seed):
    """Features `[time, 12]` and the words that were signed."""
    draw = np.random.default_rng(seed)
    shapes = draw.normal(size=(len(WORDS), 2, JOINTS))
    found = {}
    while len(found) < count:
        chosen = draw.integers(len(WORDS), size=draw.integers(2, 6))
        found.setdefault(tuple(chosen), performed(shapes[chosen], draw))
    return [(clip, [WORDS[word] for word in chosen]) for chosen, clip in found.items()]


def collator(vocabulary):
    def collate(rows):
        features = [clip for clip, _ in rows]
        targets = [torch.tensor(vocabulary.encode(words)) for _, words in rows]
        return (
            torch.nn.utils.rnn.pad_sequence(features, batch_first=True),
            torch.tensor([len(clip) for clip in features]),
            torch.cat(targets),
            torch.tensor([len(words) for words in targets]),
        )

    return collate


def edits(said, meant):
    row = list(range(len(meant) + 1))
    for i, word in enumerate(said, 1):
        corner, row[0] = row[0], i
        for j, other in enumerate(meant, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (word != other))
    return row[-1]
