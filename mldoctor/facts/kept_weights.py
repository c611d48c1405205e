"""KeptWeights: state dictionaries that the loop keeps in memory while it goes on training."""

from __future__ import annotations

from dataclasses import dataclass

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee


@dataclass(frozen=True, slots=True)
class Kept:
    """One line that keeps the state of a model.

    Attributes:
        updates: updates that were taken since.
        changed: share of the values looked at, in its largest tensor, that are other ones by now.
        saved: something was written to a file before the next update.
    """

    updates: int
    changed: float
    saved: bool
    site: Location | None


@dataclass(frozen=True, slots=True)
class KeptWeights:
    """Every state dictionary that is still held."""

    rows: tuple[Kept, ...]


@fact(Cost.TAPE)
def kept_weights(trainee: Trainee) -> KeptWeights:
    """Compare what is held with what it was when it was made."""
    from mldoctor.trainee.movement import sampled

    tape = trainee.tape
    if not tape.states:
        raise AbsentFact("the loop took no state_dict between its updates")
    rows = [
        Kept(
            updates=tape.updates - state.update,
            changed=float((sampled(now) != state.before).float().mean()),
            saved=state.update in tape.saves,
            site=state.site.location() if state.site else None,
        )
        for state in tape.states
        if (now := state.widest()) is not None
    ]
    return KeptWeights(tuple(rows))
