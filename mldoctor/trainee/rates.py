"""The learning rate a loop plans to use, as opposed to the one its warm-up has reached."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

HORIZON = 1000
"""Scheduler steps that are looked ahead: longer than nearly every warm-up."""


def planned(
    optimizer: torch.optim.Optimizer, constructed: Sequence[float], schedulers: Sequence[Any]
) -> list[float]:
    """The highest rate of each parameter group within the next `HORIZON` scheduler steps.

    A schedule is played forward on a stand-in optimizer; the script's own objects do not move.
    Without a schedule it is the rate the optimizer was built with (a loop may set a lower one by
    hand while it warms up), or the current one if that is higher.
    """
    current = [float(group.get("lr", 0.0)) for group in optimizer.param_groups]
    mine = [
        s
        for s in schedulers
        if getattr(s, "optimizer", None) is optimizer
        and not isinstance(s, torch.optim.lr_scheduler.ReduceLROnPlateau)
    ]
    if not mine:
        known = list(constructed) + current[len(constructed) :]
        return [max(now, built) for now, built in zip(current, known, strict=False)]
    peaks = current
    for scheduler in mine:
        peaks = [max(a, b) for a, b in zip(peaks, _peak(scheduler, optimizer), strict=False)]
    return peaks


def _peak(scheduler: Any, optimizer: torch.optim.Optimizer) -> list[float]:
    ahead = played(scheduler, optimizer, HORIZON)
    return [max(column) for column in zip(*ahead, strict=True)]


def played(scheduler: Any, optimizer: torch.optim.Optimizer, calls: int) -> list[list[float]]:
    """The rates of every group now, and after each of up to `calls` further steps of a schedule.

    The list is shorter where the schedule refuses to go on: at its end, or for want of a metric.
    """
    groups = [
        {k: copy.deepcopy(v) for k, v in group.items() if k != "params"}
        | {"params": [torch.nn.Parameter(torch.zeros(()))]}
        for group in optimizer.param_groups
    ]
    stand_in = torch.optim.SGD(groups, lr=0.0)
    for group, real in zip(stand_in.param_groups, optimizer.param_groups, strict=True):
        group.update({k: copy.deepcopy(v) for k, v in real.items() if k != "params"})
    twin = _detached(scheduler, stand_in)
    found = [[float(group["lr"]) for group in stand_in.param_groups]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for _ in range(calls):
                twin.step()
                found.append([float(group["lr"]) for group in stand_in.param_groups])
        except Exception:  # noqa: BLE001 - a schedule that needs a metric, or is at its end
            return found
    return found


def _detached(scheduler: Any, stand_in: torch.optim.Optimizer) -> Any:
    """A copy of the schedule that moves only the stand-in."""
    twin = copy.copy(scheduler)
    twin.optimizer = stand_in
    for name, value in vars(scheduler).items():
        if isinstance(value, list) and value and hasattr(value[0], "optimizer"):
            setattr(twin, name, [_detached(child, stand_in) for child in value])
        elif isinstance(value, list | dict):
            setattr(twin, name, copy.copy(value))
    return twin
