"""Loops that put the model into evaluation mode and never back, as the source shows."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.module import LOOPS, Module, argument, dotted, inside, method
from mldoctor.source.reach import origin

MODAL = re.compile(r"torch\.nn\.(\w*Dropout\w*|BatchNorm[123]d|SyncBatchNorm)$")
ENDS = (ast.Break, ast.Return, ast.Raise)


@dataclass(frozen=True, slots=True)
class StuckMode:
    """One loop: the model, where it is put into evaluation mode, and where the loop goes on."""

    model: str
    location: Location
    loop: Location
    backward: Location


@dataclass(frozen=True, slots=True)
class StuckModes:
    """Every loop that trains, then evaluates, and trains on in evaluation mode."""

    rows: tuple[StuckMode, ...]


@fact(Cost.SOURCE)
def stuck_modes(sources: Sources) -> StuckModes:
    """Look for `model.eval()` behind the training in a loop without any `train()`."""
    rows = []
    for module in sources.modules():
        if not any(MODAL.match(module.full(call.func)) for call in module.calls):
            continue  # nothing in the file works otherwise in evaluation
        for loop in module.of(*LOOPS):
            if isinstance(loop, LOOPS) and (found := _stuck(module, loop)):
                rows.append(found)
    return StuckModes(tuple(rows))


def _stuck(module: Module, loop: ast.For | ast.AsyncFor | ast.While) -> StuckMode | None:
    every = list(inside(loop))
    if any(method(one)[1] == "train" or isinstance(one, ENDS) for one in every):
        return None
    trained = [one for one in every if method(one)[1] == "backward"]
    steps = [one for one in every if method(one)[1] == "step"]
    if not trained or not steps:
        return None
    at = [number for number, one in enumerate(loop.body) if trained[0] in set(ast.walk(one))]
    for number, statement in enumerate(loop.body):
        call = statement.value if isinstance(statement, ast.Expr) else None
        owner, name = method(call)
        if name != "eval" or not owner or not at or number <= at[-1]:
            continue
        if owner not in {_trained(module, step) for step in steps} or _helped(module, every, owner):
            continue
        return StuckMode(
            owner, module.location(statement), module.location(loop), module.location(trained[0])
        )
    return None


def _trained(module: Module, step: ast.AST) -> str:
    """The model whose parameters the optimizer of a step holds."""
    if not isinstance(step, ast.Call) or not isinstance(step.func, ast.Attribute):
        return ""
    built = origin(module, step.func.value).node
    if not isinstance(built, ast.Call) or not module.full(built.func).startswith("torch.optim."):
        return ""
    owner, name = method(argument(built, 0, "params"))
    return owner if name == "parameters" else ""


def _helped(module: Module, every: list[ast.AST], model: str) -> bool:
    """Whether something that the loop calls with the model may set its mode."""
    for one in every:
        if not isinstance(one, ast.Call):
            continue
        given = [*one.args, *(keyword.value for keyword in one.keywords)]
        if any(dotted(arg) == model for arg in given):
            return True
        name = getattr(one.func, "id", "")
        own = module.functions.get(name)
        if own is not None and any(method(inner)[1] == "train" for inner in ast.walk(own)):
            return True
    return False
