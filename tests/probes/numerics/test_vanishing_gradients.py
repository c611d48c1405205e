"""`vanishing-gradients` on plain facts."""

from __future__ import annotations

import pytest

from mldoctor.facts.gradient_flow import Flow, GradientFlow
from mldoctor.registry import probes


@pytest.mark.parametrize(
    ("gradients", "fires"),
    [
        ((1e-9, 1e-6, 1e-3, 1.0), True),
        ((2e-6, 1e-6, 1e-3, 1.0), False),  # above the threshold
        ((0.0, 1e-6, 1e-3, 1.0), False),  # exactly zero has other reasons
        ((1e-9, 1e-3, 1.0), False),  # too few layers
        ((1.0, 1e-3, 1e-6, 1e-9), False),  # the first layer gets most
    ],
)
def test_the_first_quarter_decides(gradients, fires):
    rows = tuple(Flow(f"model.{i}", "model", g, None) for i, g in enumerate(gradients))
    assert bool(list(probes()["vanishing-gradients"].judge(GradientFlow(rows, 5)))) is fires
