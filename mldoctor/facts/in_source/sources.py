"""Sources: the text of the files that are examined, or that the training loop stands in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mldoctor import sources as files
from mldoctor.registry import Cost, fact
from mldoctor.source.module import Module, module
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Iterator

TORCH = re.compile(r"\b(torch|lightning|transformers|accelerate)\b")
"""A file that names none of these trains nothing that is known here."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file: the path that findings name, and its text."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Sources:
    """The files, in the order of their paths.

    A fact that needs this one alone can be had without a run: that is what `Cost.SOURCE` says.
    """

    files: tuple[SourceFile, ...]

    def modules(self) -> Iterator[Module]:
        """The files about PyTorch that Python can parse; each is parsed once."""
        for file in self.files:
            found = module(file.path, file.text) if TORCH.search(file.text) else None
            if found is not None:
                yield found


@fact(Cost.SOURCE)
def sources(trainee: Trainee) -> Sources:
    """Of a run: the files that its losses are computed and its loaders are built in."""
    tape = trainee.tape
    paths = {site.location().path for c in tape.losses if (site := c.site)}
    paths |= {site.location().path for i in tape.loaders if (site := i.site)}
    return Sources(tuple(SourceFile(path, files.read(Path(path))) for path in sorted(paths)))
