"""What the source alone shows of `non-differentiable-loss`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.fresh_losses import FreshLosses
from mldoctor.findings import Evidence, Finding, Remedy
from mldoctor.registry import reading


@reading("non-differentiable-loss")
def non_differentiable_loss(fresh_losses: FreshLosses) -> Iterator[Finding]:
    """Backward starts from a tensor that was made anew of the loss: no gradient reaches a weight."""
    for row in fresh_losses.rows:
        yield Finding(
            "backward starts from a new tensor that has no history",
            evidence=(
                Evidence("what backward starts from", row.code, "the loss itself"),
                Evidence("line that makes it", str(row.made.line)),
            ),
            location=row.location,
            also=row.made,
            subject="loss",
            remedy=Remedy("call backward on the loss as it was computed from the model's output"),
        )
