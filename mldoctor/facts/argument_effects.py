"""Exchange each argument of a recorded call between samples: does the output notice?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.facts import recorded_calls
from mldoctor.facts.recorded_calls import Outcome, repeat

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import RootCall

    Path = tuple[Any, ...]

DIRECT = 2
"""Steps of a path that lead to an argument itself: positional or by name, and which."""

SEVERAL = 2
"""Inputs from which on each is exchanged by itself, too."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a forward, or one part of it.

    Attributes:
        name: as the forward calls it (`image`, `batch.ids`); "" stands for all of them together.
        required: the forward has no default for it.
        part: it stands in a dictionary, tuple or object that is the argument.
        values: "float" or "integer".
        dimensions: number of its axes.
        effect: largest relative change of the output when it was exchanged between samples, then
            along its second axis, then zeroed or, where it holds integers, set to its first one;
            None when it is constant or could not be changed.
    """

    name: str
    required: bool
    values: str
    dimensions: int
    effect: float | None
    part: bool = False


def effects(call: RootCall, base: Outcome) -> list[Argument]:
    """All arguments together, then each of the first four by itself."""
    tensors = {p: t for p, t in recorded_calls.given(call).items() if t.numel() > 1}
    found = []
    everything = _effect(call, base, set(tensors))
    found.append(Argument("", required=True, values="float", dimensions=0, effect=everything))
    if len(tensors) < SEVERAL or everything is None:
        return found
    for path, tensor in list(tensors.items())[:4]:
        name, required = recorded_calls.parameter_of(call, path)
        found.append(
            Argument(
                name=name,
                required=required,
                values="float" if tensor.is_floating_point() else "integer",
                dimensions=tensor.dim(),
                effect=_effect(call, base, {path}),
                part=len(path) > DIRECT,
            )
        )
    return found


def _effect(call: RootCall, base: Outcome, paths: set[Path]) -> float | None:
    """The largest change of the output when these inputs are changed; the first one seen counts.

    A model may draw on an argument only while it trains (teacher forcing), so an argument that
    shows no effect is tried in train mode too.
    """
    import torch

    def along(axis: int) -> recorded_calls.Change:
        def roll(path: Path, tensor: Tensor) -> Tensor:
            return tensor.roll(1, axis) if path in paths and tensor.dim() > axis else tensor

        return roll

    def blank(path: Path, tensor: Tensor) -> Tensor:
        # A bag of one sample's tokens is the same in any order, and not that of one token alone.
        value = 0 if tensor.is_floating_point() else tensor.reshape(-1)[0].item()
        return torch.full_like(tensor, value) if path in paths else tensor

    tensors = [t for p, t in recorded_calls.given(call).items() if p in paths]
    if all(bool((t == t.reshape(-1)[0]).all()) for t in tensors):
        return None
    judged = False
    for change in (along(0), along(1), blank):
        other = repeat(call, change)
        if other is None or not base.same_shapes(other) or not other.finite():
            continue
        judged = True
        effect = recorded_calls.moved(base, other)
        if effect > 0:
            return effect
    if not judged:
        return None
    before = repeat(call, train=True)
    after = repeat(call, along(0), train=True)
    if before is None or after is None or not before.same_shapes(after):
        return None
    if any(not torch.equal(t, after.tensors[p]) for p, t in before.tensors.items()):
        return None
    return 0.0
