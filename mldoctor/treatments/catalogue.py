"""Which treatment removes which cause: what a trial of a found cause applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mldoctor.treatments.hold_all_parameters import hold_all_parameters
from mldoctor.treatments.strip_normaliser import strip_normaliser
from mldoctor.treatments.train_mode import train_mode
from mldoctor.treatments.zero_gradients import zero_gradients

if TYPE_CHECKING:
    from mldoctor.trainee.trainee import Treatment

TREATMENTS: dict[str, tuple[str, Treatment]] = {
    "missing-zero-grad": ("gradients zeroed after every update", zero_gradients),
    "double-softmax": ("normaliser before the loss taken out", strip_normaliser),
    "training-in-eval-mode": ("train mode in every training call", train_mode),
    "stale-optimizer": ("all parameters in use handed to the optimizer", hold_all_parameters),
    "optimizer-missing-parameters": (
        "all parameters in use handed to the optimizer",
        hold_all_parameters,
    ),
    "frozen-head": ("all parameters unfrozen and handed to the optimizer", hold_all_parameters),
    "frozen-model": ("all parameters unfrozen and handed to the optimizer", hold_all_parameters),
}
