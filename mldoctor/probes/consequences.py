"""What a fault of one kind accounts for: the `explains` that several probes share."""

from __future__ import annotations

UNLEARNABLE = (
    "cannot-overfit", "flat-loss", "single-class-collapse", "input-independent-learning",
    "oscillating-loss", "non-finite-loss", "exploding-gradients", "wrong-initial-loss",
    "learning-rate-too-high", "learning-rate-too-low", "uninformative-labels",
)  # fmt: skip
"""A loss that does not say what the task is: no steps on it can lead anywhere."""

UNCONNECTED = (
    "missing-backward", "missing-step", "frozen-model", "frozen-head", "unused-parameters",
    "optimizer-missing-parameters", "vanishing-gradients", *UNLEARNABLE,
)  # fmt: skip
"""A loss without a way back to the weights."""
