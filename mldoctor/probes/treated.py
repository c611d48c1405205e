"""What a trial of treatments shows, as evidence: shared by the probes that a cure points to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mldoctor.findings import Evidence, number

if TYPE_CHECKING:
    from mldoctor.facts.treatment_trial import TreatedCurve, TreatmentTrial


def compared(trial: TreatmentTrial, cure: TreatedCurve) -> tuple[Evidence, ...]:
    """The control and the treated run, side by side."""
    control = trial.control
    done = " and ".join(cure.names)
    return (
        Evidence(
            f"loss on the fixed samples after {control.updates} updates, untreated",
            f"{number(control.last)} (from {number(control.first)})",
        ),
        Evidence(
            f"with {done}, after {cure.updates} updates",
            f"{number(cure.losses[-1])} (from {number(cure.losses[0])})",
        ),
        *(
            Evidence(
                f"the same on seed {row.seed}",
                f"{number(row.treated)}, untreated {number(row.control)}",
            )
            for row in trial.seeds[1:]
        ),
    )
