"""How much of the gradient each term of a loss provides.

Two extra backward passes for each term, in two early updates, and only where the values of the terms
differ so much that one can drown the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mldoctor.trainee.tape import LossCall, Tape

UPDATES = (1, 2)
"""Updates that are measured; the one before the first shows whether it is worth it."""

UNLIKE = 0.1
"""A term with a smaller share of the value of the largest is measured."""

FULL_WEIGHT = 0.5
"""A term with a smaller weight was made small on purpose."""

MOST_TERMS = 4
MOST_WEIGHTS = 50_000_000
"""Weights of a model up to which a few copies of its gradient are taken."""


def worth_measuring(tape: Tape, update: int) -> bool:
    """Whether, in the update before, a term of full weight was small beside the others."""
    calls = [
        c for c in tape.openings if c.update == update - 1 and c.weights and c.value is not None
    ]
    total = next((e.value for e in tape.of("backward") if e.update == update - 1), None)
    if not calls or total is None:
        return False
    parts = [(sum(c.weights), sum(c.weights) * (c.value or 0.0)) for c in calls]
    rest = total - sum(value for _, value in parts)
    largest = max(abs(rest), *(abs(value) for _, value in parts))
    full = [full_weight(call) >= FULL_WEIGHT for call in calls]
    return any(f and abs(v) < UNLIKE * largest for f, (_, v) in zip(full, parts, strict=True))


def full_weight(call: LossCall) -> float:
    """The weight of a call in what is back-propagated, as that of a mean over the batch."""
    summed = call.options.get("reduction") == "sum" and call.prediction.dim() > 0
    return sum(call.weights) * (call.prediction.shape[0] if summed else 1)


def gradient_norms(
    loss: Tensor, terms: Sequence[tuple[LossCall, Tensor]], weights: Sequence[Tensor]
) -> list[tuple[LossCall | None, float]]:
    """The norm of the gradient that each term sends to the weights, and the rest (None)."""
    if not 0 < len(terms) <= MOST_TERMS or sum(w.numel() for w in weights) > MOST_WEIGHTS:
        return []
    total = _gradient(loss, weights, torch.ones_like(loss))
    norms: list[tuple[LossCall | None, float]] = []
    for call, value in terms:
        (share,) = torch.autograd.grad(loss, [value], retain_graph=True, allow_unused=True)
        if share is None:
            continue
        mine = _gradient(value, weights, share)
        norms.append((call, _norm(mine)))
        total = [a - b for a, b in zip(total, mine, strict=True)]
    return [*norms, (None, _norm(total))]


def _gradient(output: Tensor, weights: Sequence[Tensor], by: Tensor) -> list[Tensor]:
    found: Any = torch.autograd.grad(
        output, list(weights), grad_outputs=by, retain_graph=True, allow_unused=True
    )
    return [torch.zeros_like(w) if g is None else g for g, w in zip(found, weights, strict=True)]


def _norm(tensors: Sequence[Tensor]) -> float:
    return float(torch.stack([t.detach().float().norm() for t in tensors]).norm())
