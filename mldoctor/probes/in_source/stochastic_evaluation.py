"""What the source alone shows of `stochastic-evaluation`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.throwaway_layers import ThrowawayLayers
from mldoctor.findings import Evidence, Finding, Remedy
from mldoctor.registry import reading


@reading("stochastic-evaluation")
def stochastic_evaluation(throwaway_layers: ThrowawayLayers) -> Iterator[Finding]:
    """Dropout that no mode of the model can switch off.

    Functional dropout without `training=`, and dropout built in the forward. A class whose name or
    docstring speaks of Monte Carlo, Bayes or uncertainty is meant so.
    """
    for row in throwaway_layers.rows:
        if row.kind == "layer":
            continue
        functional = row.kind == "functional"
        yield Finding(
            f"dropout in {row.model}.forward is on in evaluation, too"[:79],
            evidence=(
                Evidence(
                    "dropout" if functional else "dropout that is built in the forward",
                    row.code,
                    "with training=self.training" if functional else "built in __init__",
                ),
            ),
            location=row.location,
            subject=row.model,
            remedy=Remedy("pass training=self.training, or build the dropout layer in __init__"),
        )
