"""Precision: half precision, the loss scale, and the steps that it let through."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.tape import Event, Tape


@dataclass(frozen=True, slots=True)
class Precision:
    """How the observed updates dealt with float16.

    Attributes:
        autocast: training forwards under float16 autocast; `forwards` in all.
        scaled: backwards of a scaled loss; `backwards` in all.
        by_hand: the script multiplies its loss itself, by this much; 1 when it does not.
        asked: steps that a scaler was asked for; `skipped` of them it did not take, the latest
            `skipped_last` of them in a row; `first_scale` and `last_scale` of the loss.
        raw: steps on gradients that still had a loss scale above 1.
        half_epsilon: epsilon of an optimizer over float16 weights where float16 rounds it to 0.
        lost: training losses in a row at the end that were not finite and not back-propagated.
    """

    autocast: int
    forwards: int
    scaled: int
    backwards: int
    by_hand: float
    asked: int
    skipped: int
    skipped_last: int
    first_scale: float | None
    last_scale: float | None
    raw: int
    half_epsilon: float | None
    half_kind: str
    lost: int
    site: Location | None
    step_site: Location | None
    built: Location | None


@fact(Cost.TAPE)
def precision(trainee: Trainee) -> Precision:
    """Read the loss scale and the types from the tape."""
    tape = trainee.tape
    forwards = [e for e in tape.of("forward") if e.details["grad"]]
    if not forwards:
        raise AbsentFact("no forward of a module was seen in training")
    backwards = tape.of("backward")
    asked = [e for e in tape.of("scaler_step") if "stepped" in e.details]
    epsilon, kind, built = _half_epsilon(tape)
    lost = _lost(tape)
    site = (backwards or forwards)[0].site
    steps = tape.of("step") or asked
    return Precision(
        autocast=sum(e.details.get("autocast") == "float16" for e in forwards),
        forwards=len(forwards),
        scaled=len(tape.of("scale")),
        backwards=len(backwards),
        by_hand=max((w for c in tape.openings for w in c.weights), default=1.0),
        asked=len(asked),
        skipped=sum(not e.details["stepped"] for e in asked),
        skipped_last=_in_a_row(asked),
        first_scale=asked[0].value if asked else None,
        last_scale=asked[-1].value if asked else None,
        raw=_raw(tape),
        half_epsilon=epsilon,
        half_kind=kind,
        lost=lost,
        site=site.location() if site else None,
        step_site=steps[0].site.location() if steps and steps[0].site else None,
        built=built,
    )


def _in_a_row(asked: list[Event]) -> int:
    count = 0
    for event in reversed(asked):
        if event.details["stepped"]:
            break
        count += 1
    return count


def _raw(tape: Tape) -> int:
    """Steps on gradients whose loss was scaled, with nothing that divides them again."""
    found = 0
    since: dict[int, int] = {}
    for position, event in enumerate(tape.events):
        if event.kind != "step" or event.who is None:
            continue
        window = tape.events[since.get(event.who, -1) + 1 : position]
        since[event.who] = position
        optimizer = tape.optimizers[event.who]
        scale = max((e.value or 1.0 for e in window if e.kind == "scale"), default=1.0)
        unscaled = any(e.kind in ("unscale", "scaler_step") and e.who == event.who for e in window)
        found += scale > 1 and not unscaled and not hasattr(optimizer, "grad_scale")
    return found


def _half_epsilon(tape: Tape) -> tuple[float | None, str, Location | None]:
    import torch

    for index, steps in enumerate(tape.optimizer_steps):
        optimizer = tape.optimizers[index]
        for group in optimizer.param_groups:
            half = any(p.dtype is torch.float16 and p.requires_grad for p in group["params"])
            epsilon = group.get("eps")
            if steps and half and isinstance(epsilon, float):
                rounded = float(torch.tensor(epsilon, dtype=torch.float16))
                site = tape.optimizer_sites[index]
                if rounded == 0:
                    return epsilon, type(optimizer).__name__, site.location() if site else None
    return None, "", None


def _lost(tape: Tape) -> int:
    """Losses in training, at the end, that were not finite while no backward followed them."""
    last = max((e.update for e in tape.of("step")), default=-1)
    count = 0
    for call in reversed([c for c in tape.losses if c.training and c.value is not None]):
        if math.isfinite(call.value or 0.0) or call.update <= last:
            break
        count += 1
    return count
