"""A small set of film reviews, made in place: opinions about films, with some noise in them."""

import random

import torch
from torch.utils.data import Dataset

PRAISE = "moving gripping clever tender funny superb honest bold radiant haunting".split()
BLAME = "dull clumsy shallow noisy tired wooden muddled bland hollow tedious".split()
PARTS = "plot acting score dialogue ending camera pacing cast script humour".split()
OPENINGS = ["I thought", "to my mind", "for once", "as ever", "frankly", "in the end", "all in all"]


def review(rng: random.Random) -> tuple[str, int]:
    """One review and whether it is positive; about one opinion in eight goes against the rest."""
    label = rng.randint(0, 1)
    sentences = []
    for _ in range(rng.randint(3, 5)):
        positive = label if rng.random() < 0.88 else 1 - label
        word = rng.choice(PRAISE if positive else BLAME)
        sentences.append(f"{rng.choice(OPENINGS)} the {rng.choice(PARTS)} was {word}")
    return ". ".join(sentences), label


def reviews(count: int, seed: int) -> list[tuple[str, int]]:
    """`count` different reviews."""
    rng = random.Random(seed)
    found = {}
    while len(found) < count:
        text, label = review(rng)
        found[text] = label
    return list(found.items())


class Vocabulary:
    """Words to ids; 0 pads, 1 opens a text, 2 stands for unknown words."""

    def __init__(self, texts: list[str]) -> None:
        words = sorted({word for text in texts for word in self.split(text)})
        self.ids = {word: i + 3 for i, word in enumerate(words)}

    def __len__(self) -> int:
        return len(self.ids) + 3

    @staticmethod
    def split(text: str) -> list[str]:
        return text.lower().replace(".", " ").split()

    def encode(self, text: str) -> list[int]:
        return [1, *(self.ids.get(word, 2) for word in self.split(text))]


class ReviewSet(Dataset):
    """Encoded reviews; `collate` pads a batch to its longest text."""

    def __init__(self, rows: list[tuple[str, int]], vocabulary: Vocabulary) -> None:
        self.rows = [(vocabulary.encode(text), label) for text, label in rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[list[int], int]:
        return self.rows[index]

    @staticmethod
    def collate(rows: list[tuple[list[int], int]]) -> dict[str, torch.Tensor]:
        longest = max(len(ids) for ids, _ in rows)
        return {
            "input_ids": torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in rows]),
            "attention_mask": torch.tensor(
                [[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in rows]
            ),
            "labels": torch.tensor([label for _, label in rows]),
        }
