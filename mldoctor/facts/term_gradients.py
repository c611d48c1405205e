"""TermGradients: how much of the gradient each term of the loss provides, and whether it learns."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, variance
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import LossCall


@dataclass(frozen=True, slots=True)
class Term:
    """One loss function among the terms of what is back-propagated.

    Attributes:
        weight: derivative of the sum by its value, as that of a mean over the batch.
        share: its gradient over the largest of the other terms, the largest over the measured
            updates.
        measured: updates in which that was measured.
        calls: in the natural steps; falls: its value falls in them beyond its noise.
        rival: what provides the largest gradient: a loss function, or "the rest of the loss".
    """

    function: str
    location: Location | None
    weight: float
    share: float
    measured: int
    calls: int
    falls: bool
    first: float
    last: float
    rival: str


@dataclass(frozen=True, slots=True)
class TermGradients:
    """Every loss function in a sum whose terms are very different in size."""

    rows: tuple[Term, ...]


@fact(Cost.TAPE)
def term_gradients(trainee: Trainee) -> TermGradients:
    """Compare the norms that were taken in the first updates."""
    from mldoctor.trainee.terms import full_weight

    tape = trainee.tape
    found: dict[Any, list[tuple[LossCall, float, str]]] = {}
    for event in tape.of("backward"):
        norms: list[tuple[LossCall | None, float]] = event.details.get("terms") or []
        for call, norm in norms:
            if call is None or call.target is None:
                continue
            others = [
                (n, c.function if c else "the rest of the loss") for c, n in norms if c is not call
            ]
            strongest, rival = max(others)
            share = norm / strongest if strongest else float("inf")
            found.setdefault((call.function, call.site), []).append((call, share, rival))
    if not found:
        raise AbsentFact("the loss is no sum of terms of very different size")
    rows = []
    for key, seen in found.items():
        call, _, rival = seen[0]
        values = [
            c.value for c in tape.losses if (c.function, c.site) == key and c.value is not None
        ]
        third = len(values) // 3
        if third < 3 or not call.weights:  # noqa: PLR2004 - a spread takes a few points
            continue
        first, last = values[:third], values[-third:]
        noise = ((variance(first) + variance(last)) / third) ** 0.5
        rows.append(
            Term(
                function=call.function,
                location=call.site.location() if call.site else None,
                weight=full_weight(call),
                share=max(share for _, share, _ in seen),
                measured=len(seen),
                calls=len(values),
                falls=fmean(first) - fmean(last) > 2 * noise,
                first=fmean(first),
                last=fmean(last),
                rival=rival,
            )
        )
    if not rows:
        raise AbsentFact("too few natural steps to follow the terms of the loss")
    return TermGradients(tuple(rows))
