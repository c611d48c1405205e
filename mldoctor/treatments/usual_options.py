"""Bring epsilon, betas and momentum of every optimizer to their usual values."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import torch

    from mldoctor.trainee.trainee import Trainee

EPSILON, BETAS, MOMENTUM = 1e-8, (0.9, 0.999), 0.9
"""Defaults of Adam (Kingma and Ba, 2015), and the momentum of most published recipes."""

LARGE_EPSILON, LARGE_MOMENTUM = 1e-3, 0.95


@contextmanager
def usual_options(trainee: Trainee) -> Iterator[None]:
    """Step with usual options in place of unusual ones; they are put back after each step."""
    kept: dict[int, list[dict[str, Any]]] = {}

    def set_usual(optimizer: torch.optim.Optimizer) -> None:
        kept[id(optimizer)] = [_unusual(group) for group in optimizer.param_groups]
        usual = {"eps": EPSILON, "betas": BETAS, "momentum": MOMENTUM}
        for group, found in zip(optimizer.param_groups, kept[id(optimizer)], strict=True):
            group.update({name: usual[name] for name in found})

    def put_back(optimizer: torch.optim.Optimizer) -> None:
        for group, found in zip(optimizer.param_groups, kept.pop(id(optimizer), ()), strict=False):
            group.update(found)

    with trainee.before_each_step(set_usual), trainee.after_each_step(put_back):
        yield


def _unusual(group: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if (group.get("eps") or 0.0) > LARGE_EPSILON:
        found["eps"] = group["eps"]
    betas = group.get("betas")
    if betas and (betas[0] > LARGE_MOMENTUM or betas[-1] < BETAS[0]):
        found["betas"] = betas
    if (group.get("momentum") or 0.0) > LARGE_MOMENTUM:
        found["momentum"] = group["momentum"]
    return found


def has_unusual_options(trainee: Trainee) -> bool:
    """Whether an optimizer has an option far from its usual value."""
    return any(_unusual(g) for o in trainee.optimizers for g in o.param_groups)
