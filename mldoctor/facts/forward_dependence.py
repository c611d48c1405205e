"""ForwardDependence: what the output of each model depends on, found by changing its inputs.

The latest recorded call of each trained model is repeated in eval mode: twice as it was, with one
sample replaced by its neighbour, with the samples in other places, with each argument exchanged, and,
for a model that is trained on the next step of its own input, with the later half of that input
exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

from mldoctor.errors import AbsentFact
from mldoctor.facts import recorded_calls
from mldoctor.facts.argument_effects import Argument, effects
from mldoctor.facts.future_effects import future
from mldoctor.facts.recorded_calls import repeat
from mldoctor.facts.sample_mixing import mixing
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee


@dataclass(frozen=True, slots=True)
class ModelDependence:
    """The experiments on one model.

    Attributes:
        samples: samples in the call, None when that could not be told.
        mixed: largest change of another sample's output, relative to that of the sample that was
            changed; None when it was not measured.
        mixed_samples: other samples whose output changed.
        arguments: what each argument does.
        future: largest change of the output before the change of the input, relative to that
            behind it; None unless it is trained on the next step of its input.
        placed: change of the outputs when every sample moves on by one place in the batch, likewise.
        steps: time steps of that input; leaked_steps: output steps before the change that moved.
    """

    name: str
    kind: str
    site: Location | None
    built: Location | None
    samples: int | None
    mixed: float | None
    mixed_samples: int
    arguments: tuple[Argument, ...]
    future: float | None
    steps: int
    leaked_steps: int
    placed: float | None = None


@dataclass(frozen=True, slots=True)
class ForwardDependence:
    """Every trained model whose call could be repeated."""

    models: tuple[ModelDependence, ...]


@fact(Cost.FORWARDS)
def forward_dependence(trainee: Trainee) -> ForwardDependence:
    """Repeat the recorded calls with changed inputs."""
    tape = trainee.tape
    rows = []
    for call in recorded_calls.trained_calls(tape):
        base = repeat(call)
        if base is None or not base.tensors or not base.finite():
            continue
        birth = tape.births.get(id(call.module))
        mixed = mixing(trainee, call, base)
        seen, steps, leaked = future(trainee, call, base)
        rows.append(
            ModelDependence(
                name=tape.names.get(id(call.module), type(call.module).__name__),
                kind=type(call.module).__name__,
                site=call.site.location() if call.site else None,
                built=birth.site.location() if birth and birth.site else None,
                samples=mixed.samples,
                mixed=mixed.share,
                mixed_samples=mixed.others,
                arguments=tuple(effects(call, base)),
                future=seen,
                steps=steps,
                leaked_steps=leaked,
                placed=mixed.placed,
            )
        )
    if not rows:
        raise AbsentFact("no call of a trained model could be repeated")
    return ForwardDependence(tuple(rows))
