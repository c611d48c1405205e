"""What the source alone shows of `cleared-gradients`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.step_orders import StepOrders
from mldoctor.findings import Evidence, Finding, Remedy
from mldoctor.registry import reading


@reading("cleared-gradients")
def cleared_gradients(step_orders: StepOrders) -> Iterator[Finding]:
    """Gradients are zeroed after the backward and before the step, in lines that always run in a row."""
    for order in step_orders.rows:
        if order.fault != "cleared":
            continue
        yield Finding(
            "gradients are cleared between the backward and the step",
            evidence=(
                Evidence("line of the backward", str(order.backward.line)),
                Evidence("line that clears the gradients", str(order.wrong.line), "before it"),
                Evidence("line of the step", str(order.step.line)),
            ),
            location=order.wrong,
            also=order.step,
            subject=f"optimizer {order.optimizer}",
            remedy=Remedy("call zero_grad before the backward, or after the step"),
        )
