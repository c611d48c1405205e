"""EmbeddingSpread: how far apart a model that learns from comparisons keeps its samples.

Judged are models without labels to predict: their loss compares their own outputs with each other
(triplets, pairs, two views of a sample, a batch with itself). Each one's latest call is repeated as it
is now and with the weights from before the first update.
"""

from __future__ import annotations

import math
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts import recorded_calls
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from mldoctor.trainee.tape import LossCall, RootCall, Tape

COMPARING = (
    "triplet_margin_loss", "cosine_embedding_loss", "margin_ranking_loss", "hinge_embedding_loss",
)  # fmt: skip
REGRESSION = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")

ROWS = 8
"""Samples from which on their spread means something."""

WIDTH = 4
"""Features from which on an output is a representation rather than a score."""

VIEWS = 2
"""Calls of a model for each backward, or outputs of one call, that can be compared."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How far apart the rows of a representation [samples, features] lie.

    Attributes:
        relative: mean distance of two samples, relative to that of two unrelated directions of the
            same length: 1 for features around zero, 0 where all samples are the same.
        distance: the same distance itself.
        rank: effective rank of the centred rows: the exponential of the entropy of their singular
            values (Roy and Vetterli, 2007).
    """

    relative: float
    distance: float
    rank: float


@dataclass(frozen=True, slots=True)
class Embedding:
    """One model that learns from comparisons.

    Attributes:
        index: its number among the models of the run.
        compared: what compares its outputs: a loss function of torch, or "".
        labelled: labels took part, so that few directions may be enough to tell the classes apart.
        samples, features: size of the representation.
        initial, now: its spread before the first update, and after `updates` of them.
    """

    index: int
    name: str
    site: Location | None
    built: Location | None
    compared: str
    labelled: bool
    samples: int
    features: int
    initial: Spread
    now: Spread
    updates: int


@dataclass(frozen=True, slots=True)
class EmbeddingSpread:
    """Every such model, after the natural steps."""

    models: tuple[Embedding, ...]


@fact(Cost.FORWARDS)
def embedding_spread(trainee: Trainee) -> EmbeddingSpread:
    """Repeat the recorded calls with the weights of now and of the start."""
    tape = trainee.tape
    rows = []
    for call in recorded_calls.trained_calls(tape):
        compared = _compared(trainee, call)
        now = representation(call) if compared is not None else None
        if now is None or compared is None:
            continue
        with _initial(trainee, call.module):
            before = representation(call)
        if before is None or before.shape != now.shape:
            continue
        birth = tape.births.get(id(call.module))
        rows.append(
            Embedding(
                index=next(i for i, root in enumerate(tape.roots) if root is call.module),
                name=tape.names.get(id(call.module), type(call.module).__name__),
                site=call.site.location() if call.site else None,
                built=birth.site.location() if birth and birth.site else None,
                compared=compared,
                labelled=_labelled(trainee),
                samples=now.shape[0],
                features=now.shape[1],
                initial=spread(before),
                now=spread(now),
                updates=tape.updates,
            )
        )
    if not rows:
        raise AbsentFact("no model learns by comparing its outputs with each other")
    return EmbeddingSpread(tuple(rows))


def spread(rows: Tensor) -> Spread:
    """The spread of a representation."""
    import torch

    values = rows.double()
    length = float(values.norm(dim=1).square().mean().sqrt())
    distance = float(torch.pdist(values).mean())
    singular = torch.linalg.svdvals(values - values.mean(0))
    total = float(singular.sum())
    share = singular[singular > 0] / total if total > 0 else singular[:0]
    rank = math.exp(float(-(share * share.log()).sum())) if len(share) else 0.0
    return Spread(distance / (math.sqrt(2) * length) if length else 0.0, distance, rank)


def representation(call: RootCall) -> Tensor | None:
    """What a model says of its samples [samples, features], in the mode it is trained in.

    Of several the one that keeps its samples furthest apart counts. A model that returns nothing of
    this form, such as one that returns its loss, is looked into: the last layer that does counts.
    """
    import torch

    from mldoctor.trainee.quiet import takes_hooks

    inner: list[Tensor] = []

    def note(_module: nn.Module, _args: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor) and _represents(output):
            inner.append(output.detach().clone())

    with ExitStack() as stack:
        for module in call.module.modules():
            if module is not call.module and takes_hooks(module):
                stack.callback(module.register_forward_hook(note).remove)
        outcome = recorded_calls.repeat(call, train=True)
    if outcome is None or not outcome.finite():
        return None
    outer = [t for t in outcome.tensors.values() if _represents(t)]
    if outer:
        return max(outer, key=lambda rows: spread(rows).relative)
    return inner[-1] if inner else None


def again(embedding: Embedding, rows: Tensor, updates: int) -> Embedding:
    """The same model, some updates later."""
    return replace(embedding, now=spread(rows), updates=updates)


def _represents(tensor: Tensor) -> bool:
    two = tensor.is_floating_point() and tensor.dim() == 2  # noqa: PLR2004 - [samples, features]
    return two and tensor.shape[0] >= ROWS and tensor.shape[1] >= WIDTH


def _compared(trainee: Trainee, call: RootCall) -> str | None:
    """What compares this model's outputs with each other, None where they are compared with data."""
    tape = trainee.tape
    losses = [c for c in tape.losses if c.grad]
    for loss in losses:
        if loss.function in COMPARING or _square(loss):
            return loss.function
    if losses and not all(_own_target(trainee, loss) for loss in losses):
        return None
    return "" if _views(tape, call) else None


def _square(loss: LossCall) -> bool:
    """Whether a class loss picks each sample's partner out of the batch."""
    shape = loss.prediction.shape
    if loss.function != "cross_entropy" or len(shape) != 2 or shape[0] < ROWS:  # noqa: PLR2004 - [samples, samples]
        return False
    target = loss.target
    places = target is not None and target.dim() == 1 and len(set(target.tolist())) == len(target)
    return places and abs(shape[0] - shape[1]) <= 1


def _own_target(trainee: Trainee, loss: LossCall) -> bool:
    """Whether the target of a regression is an output of a model and not part of the data."""
    import torch

    from mldoctor.trainee.batches import leaves

    target = loss.target
    if loss.function not in REGRESSION or target is None or not _represents(target):
        return False
    given = [c.args for c in trainee.tape.root_calls.values()]
    return not any(
        isinstance(leaf, torch.Tensor)
        and leaf.numel() == target.numel()
        and torch.equal(leaf.reshape(-1).to(target), target.reshape(-1))
        for _, leaf in leaves((tuple(trainee.latest_batches()), given))
    )


def _views(tape: Tape, call: RootCall) -> bool:
    """Whether a model is called several times for each backward, or returns several views at once."""
    root = next(i for i, known in enumerate(tape.roots) if known is call.module)
    calls = sum(e.who == root and e.details["grad"] for e in tape.of("forward"))
    if calls >= VIEWS * len(tape.of("backward")) > 0:
        return True
    outcome = recorded_calls.repeat(call)
    shapes = [t.shape for t in outcome.tensors.values() if _represents(t)] if outcome else []
    inputs = [t.shape for t in recorded_calls.given(call).values() if t.is_floating_point()]
    return any(shapes.count(s) >= VIEWS for s in shapes) or any(
        inputs.count(s) >= VIEWS and not shapes for s in inputs
    )


def _labelled(trainee: Trainee) -> bool:
    """Whether the batches hold anything like a class for each sample."""
    from mldoctor.trainee.batches import leaves

    return any(
        getattr(leaf, "ndim", 0) == 1 and len(leaf) > len({float(v) for v in leaf})
        for _, leaf in leaves(tuple(trainee.latest_batches())[-1:])
    ) or not any(info.trained for info in trainee.tape.loaders)


@contextmanager
def _initial(trainee: Trainee, module: nn.Module) -> Iterator[None]:
    """The weights and buffers from before the first update, for as long as the context is open."""
    import torch

    tensors = {t: t.detach().clone() for t in (*module.parameters(), *module.buffers())}
    try:
        with torch.no_grad():
            for tensor in tensors:
                first = trainee.initial_value(tensor)
                if first is not None and first.shape == tensor.shape:
                    tensor.copy_(first)
        yield
    finally:
        with torch.no_grad():
            for tensor, value in tensors.items():
                tensor.copy_(value)
