"""TimeVariation: do the features of a sequence model still differ from one time step to the next?

The recorded call of each model is repeated in eval mode. Where a tensor at a module boundary is
the same at every time step although the input is not, two experiments decide whether time was
lost there: (1) swap the samples but keep this tensor: if the output does not notice, everything
the model knows of its input passes through it; (2) shift the input in time: if the tensor hardly
moves, it does not say *where* in time anything was. A recurrent encoder whose last state feeds a
decoder fails (2), and a global feature beside the sequence fails (1): neither is a collapse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.facts.sequence_axes import (
    CONSTANT,
    inputs,
    main_tensor,
    over_time,
    sequence_input,
    time_axis,
)
from mldoctor.facts.time_boundaries import Boundary, forward, passes_all, shift_effect
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import RootCall

SHIFT_SHARE = 0.25
"""Effect of a shift in time relative to that of another sample, below which a tensor counts as not
telling time; a mean over time leaves a few percent (the borders), a recurrent state well over 0.5."""


@dataclass(frozen=True, slots=True)
class SequenceModel:
    """What was seen of one model whose output is a sequence.

    Attributes:
        steps_in, steps_out: time steps of the input and the output.
        input_variation, output_variation: deviation over time relative to the tensor's scale.
        collapsed_at: name and class of the first module that carries no time any more, with the
            sizes of its time axis before and after.
        passes_all: swapping the samples but keeping that tensor leaves the output as it was.
        shift_effect: effect of a shift in time on that tensor, as a share of that of another sample.
        pooled: that tensor is the mean or the maximum over time of another one.
    """

    name: str
    site: Location | None
    steps_in: int
    steps_out: int
    input_variation: float
    output_variation: float
    collapsed_at: str
    collapsed_class: str
    collapsed_built: Location | None
    size_before: int
    size_after: int
    passes_all: bool
    shift_effect: float
    pooled: bool = False


@dataclass(frozen=True, slots=True)
class TimeVariation:
    """Every model that maps a sequence to a sequence."""

    models: tuple[SequenceModel, ...]


@fact(Cost.FORWARDS)
def time_variation(trainee: Trainee) -> TimeVariation:
    """Repeat the recorded calls and look for a boundary where time has died."""
    import torch

    from mldoctor.trainee.quiet import quiet

    tape = trainee.tape
    rows = []
    for index, call in tape.root_calls.items():
        name = tape.names.get(id(tape.roots[index]), type(tape.roots[index]).__name__)
        with quiet(call.module), torch.no_grad():
            found = _examine(trainee, call, name)
        if found is not None:
            rows.append(found)
    if not rows:
        raise AbsentFact("no model maps a sequence to a sequence")
    return TimeVariation(tuple(rows))


def _examine(trainee: Trainee, call: RootCall, name: str) -> SequenceModel | None:
    source = sequence_input(call)
    if source is None:
        return None
    place, steps_in, axis_in, count = source
    boundaries: list[Boundary] = []
    output = main_tensor(forward(call, collect=boundaries, count=count))
    if output is None:
        return None
    axis_out = time_axis(output, steps_in, count)
    if axis_out is None:
        return None
    value = inputs(call)[place]
    varies = over_time(value.float(), axis_in)
    if varies <= CONSTANT:
        return None
    spread = over_time(output, axis_out)
    dead = next(iter(boundaries), None)
    passes, effect = False, 1.0
    if dead is not None:
        passes = passes_all(call, dead, output, count)
        effect = shift_effect(call, dead, place, axis_in, count) if passes else 1.0
    birth = trainee.tape.births.get(id(dead.module)) if dead else None
    return SequenceModel(
        name=name,
        site=call.site.location() if call.site else None,
        steps_in=steps_in,
        steps_out=output.shape[axis_out],
        input_variation=varies,
        output_variation=spread,
        collapsed_at=f"{name}.{dead.path}" if dead and dead.path else (name if dead else ""),
        collapsed_class=type(dead.module).__name__ if dead else "",
        collapsed_built=birth.site.location() if birth and birth.site else None,
        size_before=steps_in,
        size_after=1,
        passes_all=passes,
        shift_effect=effect,
        pooled=dead is not None and dead.pooled,
    )
