"""Characters to numbers and back, and windows of texts for a model that reads left to right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from kit.tables import Splits, cut, essence, need, read

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

IGNORED = -100
"""Target of padding, which the loss leaves out."""


class Characters:
    """The characters of the training texts, and three marks."""

    START, END, UNKNOWN = 0, 1, 2

    def __init__(self, texts: Iterable[str]) -> None:
        self.all = ["", "", "\N{REPLACEMENT CHARACTER}", *sorted(set().union(*texts))]
        self.index = {one: index for index, one in enumerate(self.all) if one}

    def __len__(self) -> int:
        return len(self.all)

    def encode(self, text: str) -> list[int]:
        """Start mark, the index of every character, end mark."""
        return [self.START, *(self.index.get(one, self.UNKNOWN) for one in text), self.END]

    def decode(self, indices: Iterable[int]) -> str:
        """The text without its marks."""
        return "".join(self.all[index] for index in indices)


def document_splits(settings: Any, sample: pd.DataFrame) -> Splits:
    """Texts without empty and repeated ones; nothing is known of them but their words."""
    frame = sample if settings.data is None else read(settings.data)
    text, group = settings.text_column, settings.group_column
    need(frame, [text, group, settings.split_column])
    counts = {"rows": len(frame)}
    frame = frame.assign(**{text: frame[text].fillna("").astype(str)})
    content = frame[text].map(essence)
    counts["dropped empty"] = int((content == "").sum())
    repeated = content.duplicated() & (content != "")
    counts["dropped repeated"] = int(repeated.sum())
    frame = frame[(content != "") & ~repeated]
    return cut(settings, frame, [], frame.get(group), counts)


class Windows(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Inputs and what follows each of them; long texts give several windows, one after another."""

    def __init__(self, texts: Iterable[str], characters: Characters, context: int) -> None:
        self.rows = []
        for text in texts:
            ids = torch.tensor(characters.encode(text))
            for start in range(0, len(ids) - 1, context):
                window = ids[start : start + context + 1]
                self.rows.append((window[:-1], window[1:]))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.rows[index]


def collate(batch: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Both `[batch, longest]`; the end mark fills the inputs up, unseen by what stands before."""
    inputs, targets = zip(*batch, strict=True)
    return (
        pad_sequence(inputs, batch_first=True, padding_value=Characters.END),
        pad_sequence(targets, batch_first=True, padding_value=IGNORED),
    )


def counted_bits(train: Iterable[str], test: Iterable[str], characters: Characters) -> float:
    """Bits per character of a model that only counts triples: what a network has to beat."""
    pairs: Counter[tuple[int, ...]] = Counter()
    triples: Counter[tuple[int, ...]] = Counter()
    for text in train:
        ids = [Characters.START, *characters.encode(text)]
        pairs.update(pairwise(ids[:-1]))
        triples.update(zip(ids, ids[1:], ids[2:], strict=False))
    small = 0.02  # what is added to each count, so that nothing is impossible
    bits = []
    for text in test:
        ids = [Characters.START, *characters.encode(text)]
        for first, second, third in zip(ids, ids[1:], ids[2:], strict=False):
            seen = triples[first, second, third] + small
            bits.append(-np.log2(seen / (pairs[first, second] + small * len(characters))))
    return float(np.mean(bits))
