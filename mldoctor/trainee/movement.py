"""What one optimizer step changed: a few elements of every tensor, looked at before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

ELEMENTS = 256
"""Elements looked at per tensor: a share of them is known to some percent."""

STEPS = 8
"""Steps of each optimizer that are looked at."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One tensor in one step.

    Attributes:
        tensor: its position among the tensors of the optimizer.
        dtype: "float32", "bfloat16" and so on.
        rate: the rate of its group.
        fed: elements looked at whose gradient was finite and not zero.
        still: elements among those that the step left at their value.
        gradient: root mean square of the gradient over the elements that were fed.
        weight: root mean square of their values.
    """

    tensor: int
    dtype: str
    rate: float
    fed: int
    still: int
    gradient: float
    weight: float


class Look:
    """The elements as they are before a step."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._rows: list[tuple[int, Tensor, float, Tensor, Tensor]] = []
        position = 0
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                gradient = parameter.grad
                if gradient is not None and _plain(parameter) and _plain(gradient):
                    row = sampled(parameter), sampled(gradient)
                    self._rows.append((position, parameter, float(group.get("lr", 0.0)), *row))
                position += 1

    def moved(self) -> list[Movement]:
        """What the step has done to them."""
        found = []
        for position, parameter, rate, before, gradient in self._rows:
            fed = (gradient != 0) & gradient.isfinite()
            still = fed & (sampled(parameter) == before)
            count = int(fed.sum())
            if count:
                found.append(
                    Movement(
                        position,
                        str(parameter.dtype).removeprefix("torch."),
                        rate,
                        count,
                        int(still.sum()),
                        _rms(gradient[fed]),
                        _rms(before[fed]),
                    )
                )
        return found


def sampled(tensor: Tensor, count: int = ELEMENTS) -> Tensor:
    """A copy of evenly spaced elements."""
    with torch.no_grad():
        flat = tensor.detach().reshape(-1)
        return flat[:: max(1, flat.numel() // count)][:count].clone()


def _plain(tensor: Tensor) -> bool:
    return tensor.layout is torch.strided and tensor.numel() > 0 and not tensor.is_complex()


def _rms(values: Tensor) -> float:
    return float(values.float().square().mean().sqrt())
