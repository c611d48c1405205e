"""Clips of measurements and their transcripts, for networks that are trained with CTC."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from kit.settings import refuse
from kit.tables import Splits, cut, need, read

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

Clip = tuple[torch.Tensor, torch.Tensor]


class Words:
    """The words of the training transcripts, by index and by name; both are made together."""

    BLANK, UNKNOWN = 0, 1

    def __init__(self, transcripts: Iterable[str]) -> None:
        found = sorted({word for text in transcripts for word in text.split()})
        self.words = ["<blank>", "<unknown>", *found]
        self.index = {word: index for index, word in enumerate(self.words)}

    def encode(self, text: str) -> list[int]:
        """The index of every word."""
        return [self.index.get(word, self.UNKNOWN) for word in text.split()]

    def decode(self, indices: Iterable[int] | Tensor) -> list[str]:
        """The word of every index."""
        return [self.words[int(index)] for index in indices]

    def check(self, transcripts: Iterable[str]) -> None:
        """Refuse a vocabulary that does not give back what was put in."""
        for text in transcripts:
            if self.decode(self.encode(text)) != text.split():
                refuse(f"the vocabulary does not give back {text!r}")


def decoded(log_probs: Tensor, steps: Tensor, words: Words) -> list[str]:
    """The best path of each clip, repeats merged and blanks left out."""
    texts = []
    for path, length in zip(log_probs.argmax(-1).T, steps.tolist(), strict=True):
        merged = torch.unique_consecutive(path[:length])
        texts.append(" ".join(words.decode(merged[merged != Words.BLANK])))
    return texts


def sequence_splits(
    settings: Any, sample: pd.DataFrame, steps: Callable[[Tensor], Tensor]
) -> Splits:
    """Clips with their arrays loaded; a sentence stands in one split only.

    Args:
        settings: those of the recipe.
        sample: the embedded rows, used without `--data`.
        steps: output steps of the network for clips with so many input steps.
    """
    frame = sample if settings.data is None else read(settings.data)
    features, text = settings.features_column, settings.text_column
    need(frame, [features, text, settings.group_column, settings.split_column])
    counts = {"rows": len(frame)}
    spoken = frame[text].fillna("").astype(str).str.split().str.join(" ")
    frame = frame.assign(**{text: spoken})[spoken != ""].reset_index(drop=True)
    counts["dropped empty"] = counts["rows"] - len(frame)
    folder = Path() if settings.data is None else settings.data.parent
    frame[features] = [_array(one, folder) for one in frame[features]]
    widths = {one.shape[1] for one in frame[features]}
    if len(widths) > 1:
        refuse(f"clips must have one number of features; there are {sorted(widths)}")

    content = frame[features].map(lambda one: hash(one.tobytes()))
    repeated = content.duplicated()
    counts["dropped repeated"] = int(repeated.sum())
    frame = frame[~repeated]
    # CTC needs a step for each word, and a blank between two equal ones.
    needed = frame[text].map(
        lambda said: len(said.split()) + sum(a == b for a, b in pairwise(said.split()))
    )
    given = steps(torch.tensor([len(one) for one in frame[features]])).numpy()
    counts["dropped as too short for their transcript"] = int((given < needed).sum())
    frame = frame[given >= needed].reset_index(drop=True)
    groups = frame[settings.group_column or text]
    return cut(settings, frame, [], groups, counts)


def _array(given: Any, folder: Path) -> np.ndarray:
    if not isinstance(given, np.ndarray):
        try:
            given = np.load(folder / str(given))
        except (OSError, ValueError) as error:
            refuse(f"the features {given} cannot be read: {error}")
    if given.ndim != 2 or len(given) == 0 or not np.isfinite(given).all():  # noqa: PLR2004 - axes
        refuse("features must be finite arrays [time, features] with at least one step")
    return given.astype(np.float32)


class Clips(Dataset[Clip]):
    """Arrays `[time, features]` and the indices of their words."""

    def __init__(self, frame: pd.DataFrame, settings: Any, words: Words) -> None:
        self.features = [torch.from_numpy(one) for one in frame[settings.features_column]]
        self.targets = [torch.tensor(words.encode(text)) for text in frame[settings.text_column]]

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of each feature; a constant one is left as it is."""
        frames = torch.cat(self.features)
        spread = frames.std(0)
        return frames.mean(0), torch.where(spread > 0, spread, torch.ones_like(spread))

    def scale(self, mean: Tensor, spread: Tensor) -> None:
        """Bring every feature to mean 0 and standard deviation 1."""
        self.features = [(one - mean) / spread for one in self.features]

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int) -> Clip:
        return self.features[index], self.targets[index]


def collate(batch: Sequence[Clip]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features `[batch, time, features]` and their lengths, all words in a row and theirs."""
    features, targets = zip(*batch, strict=True)
    lengths = torch.tensor([len(one) for one in features])
    target_lengths = torch.tensor([len(one) for one in targets])
    return pad_sequence(features, batch_first=True), lengths, torch.cat(targets), target_lengths
