"""What the source alone shows of `missing-zero-grad`."""

from __future__ import annotations

from collections.abc import Iterator

from mldoctor.facts.in_source.uncalled_methods import UncalledMethods
from mldoctor.facts.in_source.uncleared_gradients import UnclearedGradients
from mldoctor.findings import Evidence, Finding, Remedy
from mldoctor.probes.named_only import named_only
from mldoctor.registry import reading


@reading("missing-zero-grad")
def missing_zero_grad(
    uncleared_gradients: UnclearedGradients, uncalled_methods: UncalledMethods
) -> Iterator[Finding]:
    """A loop takes backward and step, and no line of it clears a gradient.

    It speaks of the optimizers of PyTorch that are built before the loop, where nothing that the
    loop calls can clear their gradients; and of `zero_grad` without its parentheses.
    """
    for row in uncleared_gradients.rows:
        yield Finding(
            f"no line of the loop clears the gradients of {row.optimizer}"[:79],
            evidence=(
                Evidence("lines of the loop that clear gradients", "0", "1 or more"),
                Evidence("line of the backward", str(row.backward.line)),
            ),
            location=row.location,
            also=row.backward,
            subject=f"optimizer {row.optimizer}",
            remedy=Remedy(f"call {row.optimizer}.zero_grad() before each backward"),
        )
    yield from named_only(uncalled_methods, "zero_grad")
