"""Hyperparameters: the options of each optimizer, beside the quantities that they act on."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Tape


@dataclass(frozen=True, slots=True)
class Group:
    """One parameter group.

    Attributes:
        betas: decay rates of the first and second moments, where it has them.
        momentum: of SGD and its kin, None where there is none.
        epsilon: what is added to the denominator, None where there is none.
        denominator: median of the square roots of the second moments it is added to, None when
            they are not kept.
        decay: weight decay; `decoupled` when it acts on the weights and not through the gradient.
        matrices: median over its matrices of (norm of decay times weights) / (norm of gradient).
        spread: median root mean square of its matrices, before the first update.
        norms: gains and biases of normalisation layers in it.
        dtypes: of its tensors.
    """

    rate: float
    betas: tuple[float, ...]
    momentum: float | None
    epsilon: float | None
    denominator: float | None
    decay: float
    decoupled: bool
    matrices: float | None
    spread: float | None
    norms: int
    tensors: int
    dtypes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OptimizerOptions:
    """One optimizer that steps, and the clips before its steps.

    Attributes:
        clip_norms: norms that the clips found, without the loss scale; `clip_bound` what they were
            clipped to.
        elements: of all its tensors.
        clipped_step: longest path of a clipped step, its momentum counted, relative to the length of
            the weights; None without a clip or without matrices.
    """

    kind: str
    groups: tuple[Group, ...]
    clip_norms: tuple[float, ...]
    clip_bound: float | None
    elements: int
    built: Location | None
    clipped_step: float | None = None


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """Every optimizer that steps."""

    optimizers: tuple[OptimizerOptions, ...]


DECOUPLED = ("AdamW", "AdamW8bit", "Lion", "Lion8bit", "Adafactor", "Muon", "LAMB", "Lamb")
"""Optimizers that shrink the weights themselves (Loshchilov and Hutter, 2019)."""


@fact(Cost.TAPE)
def hyperparameters(trainee: Trainee) -> Hyperparameters:
    """Read the options of the groups and the state that they act on."""
    tape = trainee.tape
    rows = [_optimizer(trainee, index) for index, steps in enumerate(tape.optimizer_steps) if steps]
    if not rows:
        raise AbsentFact("no optimizer stepped")
    return Hyperparameters(tuple(rows))


def _optimizer(trainee: Trainee, index: int) -> OptimizerOptions:
    tape = trainee.tape
    optimizer = tape.optimizers[index]
    mine = {id(p) for group in optimizer.param_groups for p in group["params"]}
    clips = _clips(tape, index, mine)
    site = tape.optimizer_sites[index]
    gradients = _gradients(tape, index)
    norms = _normalisers(tape)
    lengths = _lengths(trainee, optimizer)
    return OptimizerOptions(
        kind=type(optimizer).__name__,
        groups=tuple(
            _group(optimizer, g, gradients, lengths, sum(id(p) in norms for p in g["params"]))
            for g in optimizer.param_groups
        ),
        clip_norms=tuple(norm for norm, _ in clips),
        clip_bound=clips[-1][1] if clips else None,
        elements=sum(p.numel() for g in optimizer.param_groups for p in g["params"]),
        built=site.location() if site else None,
        clipped_step=_clipped_step(optimizer, lengths, clips[-1][1]) if clips else None,
    )


def _clipped_step(optimizer: Any, lengths: dict[int, float], bound: float) -> float | None:
    """What a gradient of the bound's length moves, as a share of all weights that it may act on."""
    whole = sum(length**2 for length in lengths.values()) ** 0.5
    paths = [
        float(g.get("lr") or 0.0) / max(1e-3, 1 - float(g.get("momentum") or 0.0))
        for g in optimizer.param_groups
    ]
    return max(paths) * bound / whole if whole else None


def _clips(tape: Tape, index: int, mine: set[int]) -> list[tuple[float, float]]:
    """The norm that each clip of its tensors found, without the loss scale, and the bound."""
    found = []
    scale = 1.0
    for event in tape.events:
        if event.kind == "scale" and event.value:
            scale = event.value
        elif event.kind in ("unscale", "step") and event.who == index:
            scale = 1.0
        elif event.kind == "clip" and event.value is not None and mine & event.details["tensors"]:
            found.append((event.value / scale, event.details["bound"]))
    return found


def _gradients(tape: Tape, index: int) -> dict[int, float]:
    """The median gradient norm of each tensor."""
    tensors = [p for g in tape.optimizers[index].param_groups for p in g["params"]]
    seen: dict[int, list[float]] = {}
    for event in tape.of("step"):
        if event.who == index:
            for tensor, norm in zip(tensors, event.details["norms"], strict=False):
                if norm is not None:
                    seen.setdefault(id(tensor), []).append(norm)
    return {key: median(values) for key, values in seen.items()}


def _normalisers(tape: Tape) -> set[int]:
    from torch import nn
    from torch.nn.modules.batchnorm import _BatchNorm

    kinds = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, _BatchNorm)
    return {
        id(p)
        for root in tape.roots
        for m in root.modules()
        if isinstance(m, kinds)
        for p in m.parameters(recurse=False)
    }


def _lengths(trainee: Trainee, optimizer: Any) -> dict[int, float]:
    """The norm of each matrix before the first update: later, decay may have taken it."""
    found = {}
    for group in optimizer.param_groups:
        for tensor in group["params"]:
            if tensor.dim() > 1:
                before = trainee.initial_value(tensor)
                found[id(tensor)] = float((tensor if before is None else before).detach().norm())
    return found


def _group(
    optimizer: Any,
    group: dict[str, Any],
    gradients: dict[int, float],
    lengths: dict[int, float],
    norms: int,
) -> Group:
    kind = type(optimizer).__name__
    tensors = group["params"]
    decay = float(group.get("weight_decay") or 0.0)
    ratios = [
        decay * lengths[id(p)] / gradients[id(p)]
        for p in tensors
        if id(p) in lengths and gradients.get(id(p))
    ]
    spreads = [lengths[id(p)] / p.numel() ** 0.5 for p in tensors if id(p) in lengths]
    momentum = group.get("momentum")
    epsilon = group.get("eps")
    return Group(
        rate=float(group.get("lr", 0.0)),
        betas=tuple(float(b) for b in group.get("betas") or ()),
        momentum=float(momentum) if isinstance(momentum, int | float) else None,
        epsilon=float(epsilon) if isinstance(epsilon, int | float) else None,
        denominator=_denominator(optimizer, group),
        decay=decay,
        decoupled=kind in DECOUPLED or bool(group.get("decoupled_weight_decay")),
        matrices=median(ratios) if ratios else None,
        spread=median(spreads) if spreads else None,
        norms=norms,
        tensors=len(tensors),
        dtypes=tuple(sorted({str(p.dtype).removeprefix("torch.") for p in tensors})),
    )


def _denominator(optimizer: Any, group: dict[str, Any]) -> float | None:
    """The median square root of the second moments, bias corrected where it is Adam's."""
    import torch

    betas = group.get("betas")
    found = []
    for tensor in group["params"]:
        state = optimizer.state.get(tensor, {})
        moment = next((state[n] for n in ("exp_avg_sq", "square_avg") if n in state), None)
        if isinstance(moment, torch.Tensor) and moment.numel():
            steps = float(state.get("step", 0.0)) or 1.0
            scale = 1 - float(betas[1]) ** steps if betas and len(betas) > 1 else 1.0
            values = moment.detach().float().reshape(-1) / max(scale, 1e-12)
            values = values[values > 0]
            if values.numel():
                found.append(float(values.median().sqrt()))
    return median(found) if found else None
