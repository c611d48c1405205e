"""Loaders: which of them train, which evaluate, and whose data they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee


@dataclass(frozen=True, slots=True)
class Loader:
    """One DataLoader.

    Attributes:
        index: its number on the tape.
        role: "training", "evaluation", or "unused" (built, but not read while observed).
        dataset: class of its dataset.
        size: samples in it, None for a stream.
    """

    index: int
    role: str
    built: Location | None
    dataset: str
    size: int | None

    @property
    def split(self) -> str:
        """Its split in words: data files name theirs, a loader that is not yet read evaluates."""
        return "evaluation" if self.role == "unused" else self.role


@dataclass(frozen=True, slots=True)
class Loaders:
    """Every DataLoader of the script."""

    rows: tuple[Loader, ...]

    def of(self, role: str) -> tuple[Loader, ...]:
        """The loaders of one role."""
        return tuple(row for row in self.rows if row.role == role)

    def evaluating(self) -> tuple[Loader, ...]:
        """The loaders that evaluate; where none was read yet, those that were built for later."""
        return self.of("evaluation") or self.of("unused")


@fact(Cost.TAPE)
def loaders(trainee: Trainee) -> Loaders:
    """Tell the roles from what followed each loader's batches."""
    from mldoctor.trainee import samples

    rows = []
    infos = trainee.tape.loaders
    in_use = {id(getattr(i.loader, "dataset", None)) for i in infos if i.trained or i.evaluated}
    for index, info in enumerate(infos):
        if info.loader is None:
            continue  # built, never read, and dropped by the script
        dataset = getattr(info.loader, "dataset", None)
        role = "training" if info.trained else "evaluation" if info.evaluated else "unused"
        if role == "unused" and id(dataset) in in_use:
            continue  # a framework has wrapped this loader in one of its own
        rows.append(
            Loader(
                index=index,
                role=role,
                built=info.site.location() if info.site else None,
                dataset=type(dataset).__name__,
                size=_size(samples.length(info.loader)),
            )
        )
    if not any(row.role == "training" for row in rows):
        raise AbsentFact("the loop reads no DataLoader")
    return Loaders(tuple(rows))


def _size(size: Any) -> int | None:
    return int(size) if size is not None else None
