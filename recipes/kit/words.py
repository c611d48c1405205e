"""Words to numbers and back, and batches of texts of unequal length."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from torch import Tensor

PAD, UNKNOWN = 0, 1


def split(text: str) -> list[str]:
    """Lower-case words; an apostrophe belongs to its word, punctuation stands alone."""
    return re.findall(r"\w+(?:'\w+)?|[^\w\s]", text.lower())


class Vocabulary:
    """The words of the training texts, most frequent first; 0 pads, 1 stands for the others."""

    def __init__(self, texts: Iterable[str], size: int, fewest: int = 2) -> None:
        counts = Counter(word for text in texts for word in split(text))
        kept = [word for word, count in counts.most_common(size - 2) if count >= fewest]
        self.words = ["<pad>", "<unknown>", *kept]
        self.index = {word: index for index, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, text: str) -> list[int]:
        """The index of every word."""
        return [self.index.get(word, UNKNOWN) for word in split(text)]

    def decode(self, indices: Iterable[int]) -> list[str]:
        """The word of every index, padding left out."""
        return [self.words[index] for index in indices if index != PAD]


class Texts(Dataset[tuple[list[int], int]]):
    """Encoded texts and their classes; texts longer than `longest` words lose their end."""

    def __init__(self, frame: pd.DataFrame, column: str, vocab: Vocabulary, longest: int) -> None:
        encoded = [vocab.encode(text) for text in frame[column]]
        self.shortened = sum(len(row) > longest for row in encoded)
        self.rows = [row[:longest] for row in encoded]
        self.targets = frame.target.tolist()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[list[int], int]:
        return self.rows[index], self.targets[index]


def collate(batch: Sequence[tuple[list[int], int]]) -> tuple[Tensor, Tensor, Tensor]:
    """Word indices `[batch, longest]`, their lengths `[batch]` and the classes `[batch]`."""
    rows, targets = zip(*batch, strict=True)
    ids = pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=PAD)
    return ids, torch.tensor([len(row) for row in rows]), torch.tensor(targets)
