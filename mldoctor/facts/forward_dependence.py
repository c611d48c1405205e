"""ForwardDependence: what the output of each model depends on, found by changing its inputs.

The latest recorded call of each trained model is repeated in eval mode: twice as it was, with one
sample replaced by its neighbour, with each argument exchanged, and, for a model that is trained on
the next step of its own input, with the later half of that input exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts import recorded_calls
from mldoctor.facts.recorded_calls import Outcome, repeat
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import Tensor

    from mldoctor.trainee.tape import RootCall

    Path = tuple[Any, ...]

SQUARE = 2
SHORTEST = 4
"""Steps from which on "the next step of the input" is no coincidence."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a forward, or one part of it.

    Attributes:
        name: as the forward calls it (`image`, `batch.ids`); "" stands for all of them together.
        required: the forward has no default for it.
        values: "float" or "integer".
        dimensions: number of its axes.
        effect: largest relative change of the output when it was exchanged between samples, then
            along its second axis, then zeroed; None when it is constant or could not be changed.
    """

    name: str
    required: bool
    values: str
    dimensions: int
    effect: float | None


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
        mixed, mixed_samples, samples = _mixing(trainee, call, base)
        future, steps, leaked = _future(trainee, call, base)
        rows.append(
            ModelDependence(
                name=tape.names.get(id(call.module), type(call.module).__name__),
                kind=type(call.module).__name__,
                site=call.site.location() if call.site else None,
                built=birth.site.location() if birth and birth.site else None,
                samples=samples,
                mixed=mixed,
                mixed_samples=mixed_samples,
                arguments=tuple(_arguments(call, base)),
                future=future,
                steps=steps,
                leaked_steps=leaked,
            )
        )
    if not rows:
        raise AbsentFact("no call of a trained model could be repeated")
    return ForwardDependence(tuple(rows))


# -- samples -----------------------------------------------------------------------------------


def _mixing(
    trainee: Trainee, call: RootCall, base: Outcome
) -> tuple[float | None, int, int | None]:
    """Replace the first sample by the second, then the last by the one before it."""
    counted = recorded_calls.sample_count(trainee, call)
    if counted is None:
        return None, 0, None
    count, axes = counted
    if count <= SQUARE or _shares_samples(call, count):
        return None, 0, count
    share, others, judged = 0.0, 0, False
    for changed, source in ((0, 1), (count - 1, count - 2)):

        def replace(
            path: Path, tensor: Tensor, changed: int = changed, source: int = source
        ) -> Tensor:
            axis = axes.get(path)
            if axis is not None:
                tensor.select(axis, changed).copy_(tensor.select(axis, source).clone())
            return tensor

        other = repeat(call, replace)
        if other is None or not base.same_shapes(other):
            continue
        own, strangers, number = _by_sample(base, other, count, changed)
        if own > 0:
            judged = True
            if strangers / own > share:
                share, others = strangers / own, number
    return (share if judged else None), others, count


def _shares_samples(call: RootCall, count: int) -> bool:
    """Whether the model lets samples interact by design.

    An adjacency among its samples, or batch statistics that it keeps using in eval mode.
    """
    from torch import Tensor
    from torch.nn.modules.batchnorm import _BatchNorm

    for module in call.module.modules():
        held = [*vars(module).values(), *module.buffers(recurse=False)]
        if any(isinstance(t, Tensor) and list(t.shape).count(count) >= SQUARE for t in held):
            return True
        if isinstance(module, _BatchNorm) and module.running_mean is None:
            return True
    return False


def _by_sample(base: Outcome, other: Outcome, count: int, changed: int) -> tuple[float, float, int]:
    """Change of the changed sample's output, largest change of another's, and how many moved."""
    import torch

    own = strangers = 0.0
    number = 0
    for path, tensor in base.tensors.items():
        shape = list(tensor.shape)
        if shape.count(count) != 1 or shape.index(count) >= SQUARE:
            continue
        axis = shape.index(count)
        rows = (other.tensors[path] - tensor).abs().movedim(axis, 0).reshape(count, -1).amax(1)
        scale = float(tensor.abs().max()) or 1.0
        own = max(own, float(rows[changed]) / scale)
        rest = torch.cat([rows[:changed], rows[changed + 1 :]]) / scale
        strangers = max(strangers, float(rest.max()))
        number = max(number, int((rest > 1e-3 * float(rows[changed]) / scale).sum()))
    return own, strangers, number


# -- arguments ---------------------------------------------------------------------------------


def _arguments(call: RootCall, base: Outcome) -> list[Argument]:
    tensors = {p: t for p, t in recorded_calls.given(call).items() if t.numel() > 1}
    found = []
    everything = _effect(call, base, set(tensors))
    found.append(Argument("", required=True, values="float", dimensions=0, effect=everything))
    if len(tensors) < SQUARE or everything is None:
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

    def zero(path: Path, tensor: Tensor) -> Tensor:
        return tensor.zero_() if path in paths and tensor.is_floating_point() else tensor

    tensors = [t for p, t in recorded_calls.given(call).items() if p in paths]
    if all(bool((t == t.reshape(-1)[0]).all()) for t in tensors):
        return None
    judged = False
    for change in (along(0), along(1), zero):
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


# -- time --------------------------------------------------------------------------------------


def _future(trainee: Trainee, call: RootCall, base: Outcome) -> tuple[float | None, int, int]:
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
