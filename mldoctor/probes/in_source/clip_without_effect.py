"""What the source alone shows of `clip-without-effect`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.step_orders import StepOrders
from mldoctor.findings import Evidence, Finding, Remedy, Severity
from mldoctor.registry import reading

SAID = {
    "clipped late": "gradients are clipped after the step",
    "clipped early": "gradients are clipped before the backward",
    "clipped scaled": "gradients are clipped before they are unscaled",
}


@reading("clip-without-effect")
def clip_without_effect(step_orders: StepOrders) -> Iterator[Finding]:
    """Gradients are clipped after the step, before the backward, or before they are unscaled."""
    for order in step_orders.rows:
        if order.fault == "cleared":
            continue
        scaled = order.fault == "clipped scaled"
        yield Finding(
            SAID[order.fault],
            evidence=(
                Evidence("line of the backward", str(order.backward.line)),
                Evidence(
                    "line of the clipping",
                    str(order.wrong.line),
                    "after scaler.unscale_" if scaled else "between the other two",
                ),
                Evidence("line of the step", str(order.step.line)),
            ),
            location=order.wrong,
            also=order.step,
            severity=Severity.WARNING if scaled else None,
            subject=f"optimizer {order.optimizer}",
            remedy=Remedy(
                "call scaler.unscale_(optimizer) before the clip"
                if scaled
                else "clip between the backward and the step"
            ),
        )
