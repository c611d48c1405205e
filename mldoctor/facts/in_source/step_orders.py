"""The order of backward, clipping, step and zero_grad in lines that always run in a row."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from itertools import pairwise

from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.module import LOOPS, Module, argument, dotted, inside, method, text_of
from mldoctor.source.reach import origin

CLIPS = ("torch.nn.utils.clip_grad_norm_", "torch.nn.utils.clip_grad_value_")
CLIPPERS = ("clip_grad_norm_", "clip_grad_value_")
HARMLESS = (
    "append", "close", "debug", "detach", "extend", "float", "format", "info", "int", "item",
    "len", "log", "max", "min", "print", "range", "round", "set_description", "set_postfix", "sum",
    "update", "write",
)  # fmt: skip
"""Calls that neither fill gradients nor need them."""


@dataclass(frozen=True, slots=True)
class Event:
    """One call: "backward", "clip", "step" or "zero", and the optimizer or model that it is of."""

    kind: str
    owner: str
    location: Location


@dataclass(frozen=True, slots=True)
class Order:
    """Backward, what came at the wrong time, and the step.

    Attributes:
        fault: "cleared", "clipped late", "clipped early", "clipped scaled".
        optimizer: as the script names it.
    """

    fault: str
    optimizer: str
    backward: Location
    wrong: Location
    step: Location


@dataclass(frozen=True, slots=True)
class StepOrders:
    """Every order that cannot be meant."""

    rows: tuple[Order, ...]


@fact(Cost.SOURCE)
def step_orders(sources: Sources) -> StepOrders:
    """Read every block in which backward and step stand side by side."""
    rows: list[Order] = []
    for module in sources.modules():
        for block in module.blocks:
            events = [(at, e) for at, one in enumerate(block) if (e := _event(module, one))]
            kinds = [event.kind for _, event in events]
            if "backward" in kinds and "step" in kinds:
                rows += _cleared(module, block, events)
                rows += _clipped(module, block, events)
    return StepOrders(tuple(dict.fromkeys(rows)))


def _event(module: Module, statement: ast.stmt) -> Event | None:
    value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    if not isinstance(value, ast.Call):
        return None
    place = module.location(statement)
    if module.full(value.func) in CLIPS:
        bound = argument(value, 1, "max_norm") or argument(value, 1, "clip_value")
        measures = bound is not None and "inf" in text_of(bound)  # the norm is wanted, no clipping
        return None if measures else Event("clip", "", place)
    if not isinstance(value.func, ast.Attribute) or module.full(value.func):
        return None
    owner, name = dotted(value.func.value), value.func.attr
    if name == "backward":
        return Event("backward", "", place)
    if name == "step" and isinstance(statement, ast.Expr):
        scaled = bool(value.args) and "scaler" in owner.lower()
        if scaled or not (value.args or value.keywords):
            return Event("step", dotted(value.args[0]) if scaled else owner, place)
    return Event("zero", owner, place) if name == "zero_grad" and owner else None


def _cleared(module: Module, block: list[ast.stmt], events: list[tuple[int, Event]]) -> list[Order]:
    """Backward, then zero_grad, then the step of the same optimizer, and nothing else between."""
    found = []
    for (at, back), (cleared, zero) in pairwise(
        [pair for pair in events if pair[1].kind in ("backward", "zero", "step")]
    ):
        if (back.kind, zero.kind) != ("backward", "zero") or _steps(block[at + 1 : cleared]):
            continue
        for stepped, step in events:
            if stepped <= cleared or step.kind != "step":
                continue
            names = {step.owner, _model_of(module, block[stepped])}
            between = block[cleared + 1 : stepped]
            if zero.owner in names - {""} and all(_harmless(module, one) for one in between):
                found.append(
                    Order("cleared", step.owner, back.location, zero.location, step.location)
                )
            break
    return found


def _steps(statements: list[ast.stmt]) -> bool:
    """Whether a step is hidden deeper in these statements."""
    return any(method(one)[1] == "step" for s in statements for one in (s, *inside(s)))


def _model_of(module: Module, statement: ast.stmt) -> str:
    """The model whose parameters the optimizer of a step holds."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return ""
    built = origin(module, call.func.value).node
    if isinstance(built, ast.Call) and module.full(built.func).startswith("torch.optim."):
        owner, name = method(argument(built, 0, "params"))
        return owner if name == "parameters" else ""
    return ""


def _harmless(module: Module, statement: ast.stmt) -> bool:
    """Whether a statement leaves gradients alone."""
    for node in (statement, *inside(statement)):
        if isinstance(node, ast.Attribute) and node.attr in ("grad", "backward"):
            return False
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if module.full(node.func) not in CLIPS and name not in HARMLESS:
                return False
    return True


def _clipped(module: Module, block: list[ast.stmt], events: list[tuple[int, Event]]) -> list[Order]:
    """One backward, one step, gradients cleared, and the clipping not between the first two."""
    at: dict[str, list[int]] = {"backward": [], "clip": [], "step": [], "zero": []}
    named = dict(events)
    for number, event in events:
        at[event.kind].append(number)
    owners = {named[zero].owner for zero in at["zero"]}
    at["step"] = [step for step in at["step"] if named[step].owner in owners]  # no schedules
    if any(len(at[kind]) != 1 for kind in ("backward", "clip", "step")):
        return []
    if not isinstance(module.parent[block[0]], LOOPS):
        return []  # of a function, what runs between two of its calls is not known
    others = [s for number, s in enumerate(block) if number not in named]
    for one in (node for s in others for node in (s, *inside(s))):
        name = method(one)[1]
        if name in ("backward", "step", *CLIPPERS) or getattr(one, "attr", "") == "grad":
            return []
    (backward,), (clip,), (step,) = at["backward"], at["clip"], at["step"]
    if not backward < step:
        return []
    if backward < clip < step:
        if not _scaled(module, block, backward, step):
            return []
        fault = "clipped scaled"
    else:
        if clip > step and not any(zero > clip or zero < backward for zero in at["zero"]):
            return []
        fault = "clipped late" if clip > step else "clipped early"
    return [
        Order(
            fault,
            named[step].owner,
            named[backward].location,
            named[clip].location,
            named[step].location,
        )
    ]


def _scaled(module: Module, block: list[ast.stmt], backward: int, step: int) -> bool:
    """Whether a loss scaler multiplies the gradients, and no line of the file takes that back."""
    if any(getattr(node, "attr", "") == "unscale_" for node in module.nodes):
        return False
    call = getattr(block[backward], "value", None)
    scaler, scales = method(call.func.value if isinstance(call, ast.Call) else None)  # type: ignore[attr-defined] # an event is the call of an attribute
    steps = getattr(block[step], "value", None)
    if scales != "scale" or method(steps) != (scaler, "step") or not isinstance(steps, ast.Call):
        return False
    owner = steps.func.value if isinstance(steps.func, ast.Attribute) else steps.func
    built = origin(module, owner).node
    return isinstance(built, ast.Call) and module.full(built.func).endswith(".GradScaler")
