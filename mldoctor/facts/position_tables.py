"""PositionTables: a table of one vector for each place that ended a script by being too short."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts import recorded_calls
from mldoctor.facts.script_failure import script_failure
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

MISFIT = re.compile(r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)")
"""How torch says that two tensors do not fit each other along an axis."""


@dataclass(frozen=True, slots=True)
class ShortTable:
    """A parameter or buffer that a longer sequence was to be added to.

    Attributes:
        name: qualified by the user's own name of the model.
        rows: places in it; steps: of the sequence.
        site: the line that raised; built: where its module was built.
    """

    name: str
    rows: int
    steps: int
    site: Location
    built: Location | None


@dataclass(frozen=True, slots=True)
class PositionTables:
    """The tables that were too short; none where the script raised nothing of the kind."""

    short: tuple[ShortTable, ...]


@fact(Cost.TAPE)
def position_tables(trainee: Trainee) -> PositionTables:
    """Look for the table and the sequence whose sizes the script's error names."""
    found = MISFIT.search(str(trainee.failure() or ""))
    if found is None:
        return PositionTables(())
    rows, steps = sorted((int(found[1]), int(found[2])))
    try:
        site = script_failure(trainee).site
    except AbsentFact:
        return PositionTables(())
    tape = trainee.tape
    call = tape.failed
    if call is None or not any(
        steps in tensor.shape[1:] for tensor in recorded_calls.given(call).values()
    ):
        return PositionTables(())
    model = tape.names.get(id(call.module), type(call.module).__name__)
    short = []
    for path, module in _with_table(call.module, rows):
        birth = tape.births.get(id(module))
        built = birth.site.location() if birth and birth.site else None
        short.append(ShortTable(f"{model}.{path}".rstrip("."), rows, steps, site, built))
    return PositionTables(tuple(short[:1]))


def _with_table(root: nn.Module, rows: int) -> Iterator[tuple[str, Any]]:
    """Parameters and buffers [rows, features], with or without an axis of one entry for the batch."""
    for path, module in root.named_modules():
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, tensor in own:
            sizes = [size for size in tensor.shape if size != 1]
            if tensor.is_floating_point() and len(sizes) == 2 and sizes[0] == rows:  # noqa: PLR2004 - [rows, features]
                yield ".".join(part for part in (path, name) if part), module
