"""Evaluations: in which mode, and with which gradients, each trained model is evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.facts.loader_use import behind
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import nn

    from mldoctor.trainee.tape import Event, LossCall, Tape


@dataclass(frozen=True, slots=True)
class EvaluatedModel:
    """One model that an optimizer trains, on data that no step is taken on.

    Attributes:
        in_train, in_eval: calls in train mode and in eval mode.
        batches: batches of evaluation loaders, losses of held-out tensors, or different rows of
            held-out arrays behind those calls.
        graded: calls with gradients enabled; `derivatives` tells that gradients were asked for.
        layers: layers that compute something else in train mode (`drop Dropout p=0.1`).
        difference: largest relative change of the output between the modes, None when not measured.
        site: the line of the first call in train mode, else of the first call.
    """

    name: str
    in_train: int
    in_eval: int
    batches: int
    graded: int
    derivatives: bool
    layers: tuple[str, ...]
    difference: float | None
    site: Location | None


@dataclass(frozen=True, slots=True)
class Evaluations:
    """Every model that is trained and evaluated."""

    models: tuple[EvaluatedModel, ...]


@fact(Cost.FORWARDS)
def evaluations(trainee: Trainee) -> Evaluations:
    """Find the calls that evaluate, and measure whether the mode matters."""
    from mldoctor.trainee.modes import dependent

    tape = trainee.tape
    rows = []
    for index, root in enumerate(tape.roots):
        if not _trained(tape, root):
            continue
        calls, batches = _evaluating(tape, index)
        if not calls:
            calls, batches = _held_out_rows(trainee, root, index)
        if not calls:
            continue
        in_train = [e for e in calls if e.details["training"]]
        active = [e for e in in_train if e.details["active"]]
        layers = tuple(name for name, _ in dependent(root)) if active else ()
        place = (in_train or calls)[0].site
        rows.append(
            EvaluatedModel(
                name=tape.names.get(id(root), type(root).__name__),
                in_train=len(in_train),
                in_eval=len(calls) - len(in_train),
                batches=batches,
                graded=sum(e.details["grad"] for e in calls),
                derivatives=bool(tape.of("derivative")),
                layers=layers,
                difference=None if layers or not in_train else _difference(tape, root),
                site=place.location() if place else None,
            )
        )
    if not rows:
        raise AbsentFact("no evaluation of a trained model was seen")
    return Evaluations(tuple(rows))


def _trained(tape: Tape, root: nn.Module) -> bool:
    stepped = {e.who for e in tape.of("step") if e.who is not None}
    held = {id(p) for i in stepped for g in tape.optimizers[i].param_groups for p in g["params"]}
    return any(id(p) in held and p.requires_grad for p in root.parameters())


def _evaluating(tape: Tape, index: int) -> tuple[list[Event], int]:
    """The calls of one model that evaluate, and how many batches or losses stand behind them."""
    held_out = {i for i, info in enumerate(tape.loaders) if info.evaluated and not info.trained}
    calls = [(e, i) for i, e in enumerate(tape.events) if e.kind == "forward" and e.who == index]
    found = [e for e, i in calls if (b := behind(tape.events, i)) and b <= held_out]
    if found:
        asked = [e for e in tape.of("batch") if e.who in held_out and not e.details.get("end")]
        return found, len(asked)
    losses = _held_out_losses(tape)
    updates = {call.update for call in losses}
    return [
        e for e, _ in calls if not e.details["grad"] and e.update in updates and e.update > 0
    ], len(losses)


def _held_out_losses(tape: Tape) -> list[LossCall]:
    """Losses without gradients on targets that no training loss had."""
    import torch

    trained = [c.target for c in (*tape.losses, *tape.openings) if c.grad and c.target is not None]
    if not trained:
        return []
    return [
        c
        for c in tape.losses
        if not c.training
        and c.target is not None
        and not any(t.shape == c.target.shape and torch.equal(t, c.target) for t in trained)
    ]


def _held_out_rows(trainee: Trainee, root: nn.Module, index: int) -> tuple[list[Event], int]:
    """The calls on another array of the script than the one that is trained on.

    A call repeats a batch when the same rows are asked for more than once between two updates: the
    batches behind the calls are those that differ.
    """
    from mldoctor.trainee.held_arrays import beside_loaders

    tape = trainee.tape
    sites = {held.site for held in trainee.held_splits()[1:]} | beside_loaders(tape, index)
    sites = {s for s in sites if s in tape.evaluated and tape.evaluated[s][0] is root}
    forwards = [e for e in tape.of("forward") if e.who == index and not e.details["grad"]]
    calls = [e for e in forwards if e.site in sites]
    batches = 0
    for site in sites:
        times = len({e.update for e in calls if e.site == site})
        batches += times * len(tape.asked.get(site, ()))
    return calls, batches


def _difference(tape: Tape, root: nn.Module) -> float | None:
    """How far the output in train mode is from that in eval mode, random state equal."""
    from mldoctor.facts.recorded_calls import moved, repeat

    call = tape.root_calls.get(next(i for i, r in enumerate(tape.roots) if r is root))
    if call is None or not call.training:
        return None
    left, right = repeat(call), repeat(call, train=True)
    if left is None or right is None or not left.same_shapes(right):
        return None
    return moved(left, right)
