"""Figures about gradients at the two moments that matter: before a step and before a backward."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mldoctor.trainee import graph, retention
from mldoctor.trainee.batches import leaves

if TYPE_CHECKING:
    from collections.abc import Collection

    from mldoctor.trainee.tape import Tape

GRAPH_UPDATES = 3
"""The loss graph is walked in the first updates only: it hardly ever changes after that."""

SIZE_UPDATES = 8
"""Its size is followed longer: a graph that takes in the one before it grows with every update."""


def norms(tensors: list[Tensor | None]) -> list[float | None]:
    """The L2 norm of each tensor, in one transfer per device; None stays None."""
    present = [(i, t) for i, t in enumerate(tensors) if t is not None]
    result: list[float | None] = [None] * len(tensors)
    with torch.no_grad():
        dense = [(i, t) for i, t in present if not t.is_sparse]
        by_kind: dict[Any, list[tuple[int, Tensor]]] = {}
        for i, t in dense:
            by_kind.setdefault((t.device, t.dtype), []).append((i, t.detach()))
        for group in by_kind.values():
            values = torch.stack(torch._foreach_norm([t for _, t in group], 2))  # noqa: SLF001 - what clip_grad_norm_ uses
            for (i, _), value in zip(group, values.float().tolist(), strict=True):
                result[i] = value
        for i, t in present:
            if t.is_sparse:
                result[i] = float(t.detach().coalesce().values().norm())
    return result


def at_step(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Gradient norms and rates as an optimizer is about to use them."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    found = norms([p.grad for p in parameters])
    return {
        "norms": found,
        "rates": [float(group.get("lr", 0.0)) for group in optimizer.param_groups],
        "total": float(sum(n * n for n in found if n is not None) ** 0.5),
    }


def weight_norms(optimizer: torch.optim.Optimizer) -> list[float | None]:
    """The norm of every tensor an optimizer holds: equal lists mean untouched weights."""
    return norms([p for group in optimizer.param_groups for p in group["params"]])


def differ(left: list[float | None], right: list[float | None]) -> bool:
    """Whether two lists of norms differ; a NaN is no difference to a NaN."""
    return len(left) != len(right) or any(
        a != b and not (a is not None and b is not None and math.isnan(a) and math.isnan(b))
        for a, b in zip(left, right, strict=True)
    )


def at_backward(loss: Tensor, tape: Tape, outputs: Collection[Any] = ()) -> dict[str, Any]:
    """What stands in the gradients before a backward, and the graph the loss hangs on.

    `carried` maps an optimizer that has stepped to the share of its parameters whose gradient is
    still there (neither None nor zero) as the next backward begins.
    """
    details: dict[str, Any] = {"carried": {}}
    for index in tape.current():
        optimizer = tape.optimizers[index]
        if tape.optimizer_steps[index]:
            held = [p.grad for group in optimizer.param_groups for p in group["params"]]
            left = sum(1 for n in norms(held) if n)
            details["carried"][index] = left / max(1, len(held))
    if not torch.isfinite(loss.detach()).all():
        details["non_finite_inputs"] = _not_finite(_latest_inputs(tape))
        details["non_finite_weights"] = _not_finite([p for m in tape.roots for p in m.parameters()])
    details["singular"] = graph.singular(loss)
    if tape.updates < SIZE_UPDATES and loss.grad_fn is not None:
        details["nodes"] = retention.size([loss.grad_fn])
    if tape.updates < GRAPH_UPDATES:
        details["graph"] = graph.summary(loss, outputs)
    return details


def present(tape: Tape) -> dict[int, float]:
    """The norm of all gradients that each optimizer holds, where they are finite."""
    found = {}
    for index in tape.current():
        optimizer = tape.optimizers[index]
        held = [p.grad for group in optimizer.param_groups for p in group["params"]]
        total = sum(n * n for n in norms(held) if n is not None) ** 0.5
        if math.isfinite(total):
            found[index] = total
    return found


def _latest_inputs(tape: Tape) -> list[Tensor]:
    return [
        leaf
        for call in tape.root_calls.values()
        for _, leaf in leaves([*call.args, *call.kwargs.values()])
        if isinstance(leaf, Tensor)
    ]


def _not_finite(tensors: list[Tensor]) -> int:
    return sum(int((~torch.isfinite(t.detach())).sum()) for t in tensors if t.is_floating_point())
