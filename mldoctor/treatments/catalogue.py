"""Every treatment: what it does, the cause it points to, and where it could change anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.treatments.balanced_classes import balanced_classes
from mldoctor.treatments.clipped_gradients import clipped_gradients, long_gradients
from mldoctor.treatments.full_precision import full_precision, in_half_precision
from mldoctor.treatments.hold_all_parameters import hold_all_parameters, mostly_frozen
from mldoctor.treatments.last_valid_step import last_valid_step
from mldoctor.treatments.learning_rate import learning_rate
from mldoctor.treatments.lone_optimizer import is_rewritten, lone_optimizer
from mldoctor.treatments.no_regularisation import is_regularised, no_regularisation
from mldoctor.treatments.no_weight_decay import has_decay, no_weight_decay
from mldoctor.treatments.own_labels import own_labels, reordered_labels
from mldoctor.treatments.standardised_inputs import far_from_standard, standardised_inputs
from mldoctor.treatments.strip_normaliser import strip_normaliser
from mldoctor.treatments.train_mode import train_mode
from mldoctor.treatments.usual_options import has_unusual_options, usual_options
from mldoctor.treatments.zero_gradients import zero_gradients

if TYPE_CHECKING:
    from collections.abc import Callable

    from mldoctor.trainee.trainee import Trainee, Treatment

HIGHER = (100.0, 10.0, 1e3, 1e4, 1e5, 1e6)
LOWER = (0.1, 0.01, 1e-3, 1e-4)
"""Multiples of the planned rate, in the order of how common the mistake is."""


@dataclass(frozen=True, slots=True)
class Option:
    """One treatment that a trial may try.

    Attributes:
        name: what is done, in words that follow "with".
        cause: the finding that it points to when it cures.
        applies: whether it could change anything on this trainee.
        factor: what it multiplies the learning rate by.
    """

    name: str
    cause: str
    treat: Treatment
    applies: Callable[[Trainee], bool] = lambda _trainee: True
    factor: float = 1.0


LONE_OPTIMIZER = Option(
    "weights that nothing but the optimizer writes", "lost-updates", lone_optimizer, is_rewritten
)
"""The only one that is tried where something else writes them too: no other could be blamed."""

SPECIFIC = (
    Option("labels in the order of their batch", "uninformative-labels", own_labels,
           reordered_labels),
    Option("float32 in place of half precision", "unsafe-half-precision", full_precision,
           in_half_precision),
    Option("usual epsilon, betas and momentum", "extreme-hyperparameter", usual_options,
           has_unusual_options),
    Option("inputs standardised", "unscaled-input", standardised_inputs, far_from_standard),
    Option("no weight decay", "decay-too-strong", no_weight_decay, has_decay),
    Option("dropout and weight decay at zero", "over-regularised", no_regularisation,
           is_regularised),
)  # fmt: skip
"""Treatments of one part each, tried before the rate: a rate often makes up for another fault."""

AFTER_RATES = (
    Option("gradients clipped at a norm of 1", "exploding-gradients", clipped_gradients,
           long_gradients),
    Option("all parameters unfrozen", "frozen-model", hold_all_parameters, mostly_frozen),
)  # fmt: skip
"""What also makes up for a rate that is wrong, and for a head that needs a higher one."""


def rates(*, higher_first: bool) -> tuple[Option, ...]:
    """Other learning rates, the likelier direction first."""
    higher = [_rate(factor, "learning-rate-too-low") for factor in HIGHER]
    lower = [_rate(factor, "learning-rate-too-high") for factor in LOWER]
    return (*higher, *lower) if higher_first else (*lower, *higher)


def _rate(factor: float, cause: str) -> Option:
    words = f"{factor:,.0f}" if factor >= 1 else f"{factor:g}"
    return Option(f"{words} times the learning rate", cause, learning_rate(factor), factor=factor)


OF_CAUSES: dict[str, tuple[str, Treatment]] = {
    "missing-zero-grad": ("gradients zeroed after every update", zero_gradients),
    "double-softmax": ("the normaliser before the loss taken out", strip_normaliser),
    "training-in-eval-mode": ("train mode in every training call", train_mode),
    "stale-optimizer": ("all parameters in use handed to the optimizer", hold_all_parameters),
    "optimizer-missing-parameters": (
        "all parameters in use handed to the optimizer",
        hold_all_parameters,
    ),
    "frozen-head": ("all parameters unfrozen and handed to the optimizer", hold_all_parameters),
    "frozen-model": ("all parameters unfrozen and handed to the optimizer", hold_all_parameters),
    "padding-sensitive": ("recurrent layers ending at the last valid step", last_valid_step),
    "label-imbalance": ("classes weighed by the inverse of their frequency", balanced_classes),
    **{option.cause: (option.name, option.treat) for option in (*SPECIFIC, LONE_OPTIMIZER)},
}
"""The treatment that takes a cause away which a probe has already found."""
