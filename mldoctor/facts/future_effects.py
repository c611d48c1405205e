"""Exchange the later half of an input that is predicted from its past: do early outputs move?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mldoctor.facts import recorded_calls
from mldoctor.facts.recorded_calls import Outcome, repeat

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import RootCall
    from mldoctor.trainee.trainee import Trainee

    Path = tuple[Any, ...]

SHORTEST = 4
"""Steps from which on "the next step of the input" is no coincidence."""


def future(trainee: Trainee, call: RootCall, base: Outcome) -> tuple[float | None, int, int]:
    """Exchange the later half of an input that the loss shows to be predicted from its past."""
    causal = [
        (path, tensor)
        for path, tensor in recorded_calls.given(call).items()
        if tensor.dim() > 1
        and tensor.shape[1] >= SHORTEST
        and _next_step_is_target(trainee, tensor)
    ]
    if len(causal) != 1:
        return None, 0, 0
    place, tensor = causal[0]
    steps, half = tensor.shape[1], tensor.shape[1] // 2

    def exchange(path: Path, value: Tensor) -> Tensor:
        if path == place:
            value[:, half:] = value[:, half:].flip(0) if len(value) > 1 else value[:, half:].flip(1)
        return value

    other = repeat(call, exchange)
    if other is None or not base.same_shapes(other):
        return None, steps, 0
    found: tuple[float | None, int, int] = (None, steps, 0)
    for path, output in base.tensors.items():
        if output.dim() != 3 or output.shape[:2] != tensor.shape[:2]:  # noqa: PLR2004 - [batch, time, features]
            continue
        change = (other.tensors[path] - output).abs().amax((0, 2))
        behind = float(change[half:].max())
        if behind > 0:
            before = change[:half]
            leaked = int((before > 1e-3 * behind).sum())
            found = (float(before.max()) / behind, steps, leaked)
    return found


def _next_step_is_target(trainee: Trainee, tensor: Tensor) -> bool:
    """Whether a loss compares with this very tensor, one step on."""
    for loss in trainee.tape.losses[-8:]:
        target = loss.target
        if target is None or target.is_floating_point() != tensor.is_floating_point():
            continue
        batch, steps = tensor.shape[:2]
        rest = tensor[0, 0].numel()
        for length in (steps, steps - 1):
            if target.numel() != batch * length * rest:
                continue
            wanted = target.reshape(batch, length, rest)[:, : steps - 1]
            shifted = tensor.detach().reshape(batch, steps, rest)[:, 1:]
            same = wanted == shifted
            if not tensor.is_floating_point():
                same |= wanted == loss.options.get("ignore_index", -100)
            if bool(same.all()) and bool((wanted == shifted).float().mean() > 1 / 4):
                return bool((shifted != tensor.reshape(batch, steps, rest)[:, :-1]).any())
    return False
