"""Take the softmax or sigmoid before a loss out of the account."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from mldoctor.trainee.trainee import Trainee

SMALLEST = 1e-12
"""Probabilities are raised to this before their logarithm, so that it is finite."""


@contextmanager
def strip_normaliser(_trainee: Trainee) -> Iterator[None]:
    """Let the losses take the probabilities they are given as probabilities.

    The cross-entropy of probabilities is computed by their logarithm alone, which is the same as
    taking the softmax before it out: log(softmax(z)) = z - logsumexp(z).
    """
    from torch.nn import functional

    cross_entropy = functional.cross_entropy
    with_logits = functional.binary_cross_entropy_with_logits

    def of_probabilities(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:  # noqa: A002 - torch's name
        result: Tensor = cross_entropy(input.clamp_min(SMALLEST).log(), *args, **kwargs)
        return result

    def of_chances(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:  # noqa: A002 - torch's name
        result: Tensor = with_logits(input.logit(1e-6), *args, **kwargs)
        return result

    functional.cross_entropy = of_probabilities
    functional.binary_cross_entropy_with_logits = of_chances
    try:
        yield
    finally:
        functional.cross_entropy = cross_entropy
        functional.binary_cross_entropy_with_logits = with_logits
