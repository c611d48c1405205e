"""TimeVariation: do the features of a sequence model still differ from one time step to the next?

The recorded call of each model is repeated in eval mode. Where a tensor at a module boundary is
the same at every time step although the input is not, two experiments decide whether time was
lost there: (1) swap the samples but keep this tensor: if the output does not notice, everything
the model knows of its input passes through it; (2) shift the input in time: if the tensor hardly
moves, it does not say *where* in time anything was. A recurrent encoder whose last state feeds a
decoder fails (2), and a global feature beside the sequence fails (1): neither is a collapse.
"""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch import Tensor, nn

    from mldoctor.trainee.tape import RootCall

LATEST = 8
"""Tensors before a boundary among which the one that was pooled is looked for."""

SEQUENCE = 3
"""Time steps from which on an axis can be a time axis."""

CONSTANT = 1e-5
"""Largest deviation from the mean over time, relative to the tensor's scale, of a constant one:
some hundred times the rounding error of float32."""

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


@contextmanager
def quiet(module: nn.Module) -> Iterator[None]:
    """Eval mode, with modes, buffers and random state put back bit for bit afterwards."""
    import torch

    from mldoctor.trainee.snapshot import RandomState

    modes = {m: m.training for m in module.modules()}
    buffers = {b: b.detach().clone() for b in module.buffers()}
    state = RandomState.now()
    module.eval()
    try:
        yield
    finally:
        for child, training in modes.items():
            child.training = training
        with torch.no_grad():
            for buffer, value in buffers.items():
                buffer.copy_(value)
        state.restore()


@dataclass(slots=True)
class _Boundary:
    """A tensor that enters or leaves a module."""

    module: nn.Module
    path: str
    entering: bool
    tensor: Tensor
    axis: int
    pooled: bool


def _examine(trainee: Trainee, call: RootCall, name: str) -> SequenceModel | None:
    source = _sequence_input(call)
    if source is None:
        return None
    place, steps_in, axis_in, count = source
    boundaries: list[_Boundary] = []
    output = _main_tensor(_forward(call, collect=boundaries, count=count))
    if output is None:
        return None
    axis_out = _time_axis(output, steps_in, count)
    if axis_out is None:
        return None
    value = _inputs(call)[place]
    varies = _over_time(value.float(), axis_in)
    if varies <= CONSTANT:
        return None
    spread = _over_time(output, axis_out)
    dead = next(iter(boundaries), None)
    passes, effect = False, 1.0
    if dead is not None:
        passes = _passes_all(call, dead, output, count)
        effect = _shift_effect(call, dead, place, axis_in, count) if passes else 1.0
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


def _inputs(call: RootCall) -> dict[Any, Tensor]:
    from torch import Tensor

    named: dict[Any, Any] = dict(enumerate(call.args))
    named.update(call.kwargs)
    return {key: value for key, value in named.items() if isinstance(value, Tensor)}


def _sequence_input(call: RootCall) -> tuple[Any, int, int, int] | None:
    """The argument that is a sequence: its key, time steps, time axis, and the number of samples."""
    for key, value in _inputs(call).items():
        if "mask" in str(key) or "label" in str(key):
            continue
        if not value.is_floating_point() and value.dim() == 2:  # noqa: PLR2004 - ids [batch, time]
            return (key, value.shape[1], 1, value.shape[0]) if value.shape[1] >= SEQUENCE else None
        if value.is_floating_point() and value.dim() == 3 and min(value.shape[1:]) >= 1:  # noqa: PLR2004 - [batch, time, features]
            axis = 1 if value.shape[1] >= SEQUENCE else 2
            return (
                (key, value.shape[axis], axis, value.shape[0])
                if value.shape[axis] >= SEQUENCE
                else None
            )
    return None


def _forward(
    call: RootCall,
    collect: list[_Boundary] | None = None,
    count: int = 0,
    change: Callable[[Any, Tensor], Tensor] | None = None,
    keep: _Boundary | None = None,
) -> Any:
    """Repeat the call, with its inputs changed and one boundary held at its recorded value."""
    from torch import Tensor

    def changed(key: Any, value: Any) -> Any:
        return change(key, value) if change is not None and isinstance(value, Tensor) else value

    args = [changed(i, v) for i, v in enumerate(call.args)]
    kwargs = {k: changed(k, v) for k, v in call.kwargs.items()}
    with ExitStack() as stack:
        if collect is not None:
            latest: deque[Tensor] = deque(maxlen=LATEST)
            for path, module in call.module.named_modules():
                _watch(stack, module, path, collect=collect, latest=latest, count=count)
        if keep is not None:
            _hold(stack, keep)
        return call.module(*args, **kwargs)


def _watch(
    stack: ExitStack,
    module: nn.Module,
    path: str,
    *,
    collect: list[_Boundary],
    latest: deque[Tensor],
    count: int,
) -> None:
    from torch import Tensor

    def entering(mod: nn.Module, args: Any) -> None:
        if args and isinstance(args[0], Tensor):
            _note(collect, mod, path, args[0], latest=latest, count=count, entering=True)
            latest.append(args[0])

    def leaving(mod: nn.Module, _args: Any, out: Any) -> None:
        tensor = out[0] if isinstance(out, tuple) and out else out
        if isinstance(tensor, Tensor):
            _note(collect, mod, path, tensor, latest=latest, count=count, entering=False)
            latest.append(tensor)

    stack.callback(module.register_forward_pre_hook(entering).remove)
    stack.callback(module.register_forward_hook(leaving).remove)


def _note(
    collect: list[_Boundary],
    module: nn.Module,
    path: str,
    tensor: Tensor,
    *,
    latest: deque[Tensor],
    count: int,
    entering: bool,
) -> None:
    """Keep a [batch, ., .] tensor that is constant over an axis but not over the samples."""
    if (
        not tensor.is_floating_point()
        or tensor.dim() != 3  # noqa: PLR2004 - [batch, ., .]
        or count < 2  # noqa: PLR2004 - samples to compare
        or count not in tensor.shape[:2]
    ):
        return
    batch_axis = 0 if tensor.shape[0] == count else 1
    scale = float(tensor.abs().max())
    between = float((tensor - tensor.mean(batch_axis, keepdim=True)).abs().max())
    if scale == 0 or between <= 100 * CONSTANT * scale:
        return
    for axis in {0, 1, 2} - {batch_axis}:
        other = ({0, 1, 2} - {batch_axis, axis}).pop()
        if (
            tensor.shape[other] > 1
            and _over_time(tensor, axis) <= CONSTANT
            and (tensor.shape[axis] >= SEQUENCE or _pools(module, entering=entering))
        ):
            pooled = _is_pooled(tensor.select(axis, 0), latest, batch_axis)
            collect.append(_Boundary(module, path, entering, tensor.detach().clone(), axis, pooled))
            return


def _is_pooled(vectors: Tensor, latest: Iterable[Tensor], batch_axis: int) -> bool:
    """Whether these [batch, features] are the mean or maximum over an axis of a recent tensor."""
    import torch

    for tensor in latest:
        if tensor.dim() != 3:  # noqa: PLR2004 - [batch, ., .]
            continue
        for axis in {0, 1, 2} - {batch_axis}:
            if tensor.shape[axis] < 2:  # noqa: PLR2004 - nothing is pooled of one
                continue
            for value in (tensor.mean(axis), tensor.amax(axis)):
                if value.shape == vectors.shape and torch.allclose(value, vectors, atol=1e-6):
                    return True
    return False


def _pools(module: nn.Module, *, entering: bool) -> bool:
    return not entering and "Pool" in type(module).__name__


def _hold(stack: ExitStack, keep: _Boundary) -> None:
    def enter(_mod: nn.Module, args: Any) -> Any:
        return (keep.tensor, *args[1:])

    def leave(_mod: nn.Module, _args: Any, out: Any) -> Any:
        return (keep.tensor, *out[1:]) if isinstance(out, tuple) else keep.tensor

    hook = (
        keep.module.register_forward_pre_hook(enter)
        if keep.entering
        else keep.module.register_forward_hook(leave)
    )
    stack.callback(hook.remove)


def _main_tensor(output: Any) -> Tensor | None:
    """The largest [., ., .] floating tensor of an output of any structure."""
    from mldoctor.trainee.batches import leaves

    found = [
        leaf
        for path, leaf in leaves(output)
        if hasattr(leaf, "is_floating_point")
        and leaf.is_floating_point()
        and leaf.dim() == 3  # noqa: PLR2004 - see above
        and not {"hidden_states", "attentions", "past_key_values"} & set(map(str, path))
    ]
    return max(found, key=lambda t: t.numel(), default=None)


def _time_axis(output: Tensor, steps_in: int, count: int) -> int | None:
    """The axis of the output that runs with the input's time, or None."""
    if count not in output.shape[:2]:
        return None
    batch_axis = 0 if output.shape[0] == count else 1
    for axis in (1 - batch_axis, 2):
        size = output.shape[axis]
        if size >= SEQUENCE and (
            size == steps_in
            or (steps_in % size == 0)
            or abs(steps_in - size) <= 2  # noqa: PLR2004 - a start or end token more or less
            or size % steps_in == 0
        ):
            return axis
    return None


def _over_time(tensor: Tensor, axis: int) -> float:
    values = tensor.detach().float()
    scale = float(values.abs().max())
    if scale == 0:
        return 0.0
    return float((values - values.mean(axis, keepdim=True)).abs().max()) / scale


def _passes_all(call: RootCall, dead: _Boundary, output: Tensor, count: int) -> bool:
    """Swap the samples, keep the boundary: does the output stay what it was?"""
    swapped = _main_tensor(_forward(call, change=_swap(count)))
    kept = _main_tensor(_forward(call, change=_swap(count), keep=dead))
    if swapped is None or kept is None:
        return False
    moved = float((swapped - output).abs().max())
    left = float((kept - output).abs().max())
    return moved > 0 and left <= 1e-3 * moved


def _shift_effect(call: RootCall, dead: _Boundary, place: Any, axis: int, count: int) -> float:
    """How much a shift of the input in time moves the boundary, relative to another sample."""
    value = _inputs(call)[place]
    half = value.shape[axis] // 2

    def shift(key: Any, tensor: Tensor) -> Tensor:
        same = tensor.dim() > axis and tensor.shape[axis] == value.shape[axis]
        return tensor.roll(half, axis) if key == place or same else tensor

    shifted = _boundary_value(call, dead, shift)
    other = _boundary_value(call, dead, _swap(count))
    if shifted is None or other is None:
        return 1.0
    by_sample = float((other - dead.tensor).norm())
    return float((shifted - dead.tensor).norm()) / by_sample if by_sample else 1.0


def _boundary_value(
    call: RootCall, dead: _Boundary, change: Callable[[Any, Tensor], Tensor]
) -> Tensor | None:
    seen: list[Tensor] = []

    def enter(_mod: nn.Module, args: Any) -> None:
        seen.append(args[0].detach().clone())

    def leave(_mod: nn.Module, _args: Any, out: Any) -> None:
        seen.append((out[0] if isinstance(out, tuple) else out).detach().clone())

    hook = (
        dead.module.register_forward_pre_hook(enter)
        if dead.entering
        else dead.module.register_forward_hook(leave)
    )
    try:
        _forward(call, change=change)
    finally:
        hook.remove()
    return seen[0] if seen and seen[0].shape == dead.tensor.shape else None


def _swap(count: int) -> Callable[[Any, Tensor], Tensor]:
    """Give every sample the inputs of its neighbour."""

    def swap(_key: Any, tensor: Tensor) -> Tensor:
        if tensor.dim() and tensor.shape[0] == count:
            return tensor.roll(1, 0)
        if tensor.dim() > 1 and tensor.shape[1] == count:
            return tensor.roll(1, 1)
        return tensor

    return swap
