"""LossGraphs: what the autograd graphs of the first losses show."""

from __future__ import annotations

from dataclasses import dataclass

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee


@dataclass(frozen=True, slots=True)
class LossGraph:
    """One line that back-propagates a loss.

    Attributes:
        site: that line.
        value: its first loss.
        nodes: operations between the loss and the parameters.
        normalised_twice: (normaliser inside the loss, normaliser that fed it).
    """

    site: Location | None
    value: float | None
    nodes: int
    normalised_twice: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LossGraphs:
    """The graphs of the losses of the first updates, one row per line."""

    rows: tuple[LossGraph, ...]


@fact(Cost.TAPE)
def loss_graphs(trainee: Trainee) -> LossGraphs:
    """Read the graphs that were walked before the first backward passes."""
    rows: dict[object, LossGraph] = {}
    for event in trainee.tape.of("backward"):
        graph = event.details.get("graph")
        if graph is not None and event.site not in rows:
            rows[event.site] = LossGraph(
                event.site.location() if event.site else None,
                event.value,
                graph.nodes,
                graph.normalised_twice,
            )
    if not rows:
        raise AbsentFact("no loss was back-propagated")
    return LossGraphs(tuple(rows.values()))
