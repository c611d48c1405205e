"""What the source alone shows of `aliased-best-weights`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.kept_states import KeptStates
from mldoctor.findings import Evidence, Finding, Remedy
from mldoctor.registry import reading


@reading("aliased-best-weights")
def aliased_best_weights(kept_states: KeptStates) -> Iterator[Finding]:
    """The best `state_dict()` is kept without a copy while training goes on, and loaded at the end."""
    for row in kept_states.rows:
        yield Finding(
            f"{row.name} holds the tensors of {row.model} itself, not a copy"[:79],
            evidence=(
                Evidence("what is kept", f"{row.model}.state_dict()", "a deep copy of it"),
                Evidence("line that loads it again", str(row.used.line)),
            ),
            location=row.location,
            also=row.used,
            subject=row.name,
            remedy=Remedy(f"keep copy.deepcopy({row.model}.state_dict())"),
        )
