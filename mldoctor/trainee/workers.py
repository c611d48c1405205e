"""A dataset that gives the same entry again and again: it shows what chance changes in it."""

from __future__ import annotations

from typing import Any

from torch.utils.data import Dataset


class Same(Dataset[Any]):
    """`count` reads of one entry of `dataset`."""

    def __init__(self, dataset: Any, index: int, count: int) -> None:
        self.dataset, self.index, self.count = dataset, index, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, _index: int) -> Any:
        return self.dataset[self.index]


def keep_list(samples: list[Any]) -> list[Any]:
    """A collate function that leaves the samples as they are."""
    return samples
