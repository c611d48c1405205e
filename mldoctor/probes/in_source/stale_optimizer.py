"""What the source alone shows of `stale-optimizer`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.late_layers import LateLayers
from mldoctor.findings import Evidence, Finding, Remedy
from mldoctor.registry import reading


@reading("stale-optimizer")
def stale_optimizer(late_layers: LateLayers) -> Iterator[Finding]:
    """A layer is replaced, or the model made anew, after the optimizer has taken its parameters."""
    for row in late_layers.rows:
        what = "model" if row.whole else "layer"
        yield Finding(
            f"{row.target} is made after {row.optimizer} took its parameters"[:79],
            evidence=(
                Evidence("line that builds the optimizer", str(row.built.line)),
                Evidence(f"line that makes the {what}", str(row.location.line), "before it"),
            ),
            location=row.location,
            also=row.built,
            subject=row.target,
            remedy=Remedy("build the optimizer after the model has its final layers"),
        )
