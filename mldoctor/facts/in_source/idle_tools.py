"""Optimizers and schedules that are built beside a training loop and never used in it."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.module import LOOPS, Module, dotted, inside, method

KEPT = ("state_dict", "load_state_dict", "param_groups", "zero_grad", "get_last_lr", "defaults")
"""What is read of an optimizer or a schedule without stepping it."""


@dataclass(frozen=True, slots=True)
class IdleTool:
    """One of them.

    Attributes:
        kind: "optimizer" or "scheduler"; name: its variable; built: as code.
        location: where it is built; backward: the loop that trains without it.
    """

    kind: str
    name: str
    built: str
    location: Location
    backward: Location


@dataclass(frozen=True, slots=True)
class IdleTools:
    """Every one that no line of its function steps or hands on."""

    rows: tuple[IdleTool, ...]


@fact(Cost.SOURCE)
def idle_tools(sources: Sources) -> IdleTools:
    """Read every function that builds an optimizer or a schedule and trains."""
    rows = []
    for module in sources.modules():
        for node in module.of(ast.Assign):
            found = _idle(module, node) if isinstance(node, ast.Assign) else None
            if found is not None:
                rows.append(found)
    return IdleTools(tuple(rows))


def _idle(module: Module, assign: ast.Assign) -> IdleTool | None:
    target, call = assign.targets[0], assign.value
    if len(assign.targets) != 1 or not isinstance(target, ast.Name):
        return None
    if not isinstance(call, ast.Call):
        return None
    whole = module.full(call.func)
    if not whole.startswith("torch.optim."):
        return None
    kind = "scheduler" if whole.startswith("torch.optim.lr_scheduler.") else "optimizer"
    scope = module.scope(assign)
    if isinstance(scope, ast.ClassDef) or _handed_on(module, target):
        return None
    trains = [
        one
        for loop in inside(scope)
        if isinstance(loop, LOOPS)
        for one in inside(loop)
        if method(one)[1] == "backward" or (isinstance(one, ast.Call) and _backward(one))
    ]
    if not trains:
        return None
    if kind == "scheduler" and not _steps(trains, scope):
        return None
    place = module.location(assign)
    return IdleTool(kind, target.id, whole.rpartition(".")[2], place, module.location(trains[0]))


def _backward(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr == "backward"


def _steps(trains: list[ast.AST], scope: ast.AST) -> bool:
    """Whether an optimizer steps there: without one, the schedule is not the fault."""
    return bool(trains) and any(method(one)[1] == "step" for one in inside(scope))


def _handed_on(module: Module, target: ast.Name) -> bool:
    """Whether the name is used, anywhere in the file, for more than reading or clearing."""
    for node in module.nodes:
        if isinstance(node, ast.Global | ast.Nonlocal) and target.id in node.names:
            return True
        if isinstance(node, ast.Constant) and node.value == target.id:
            return True  # as in globals()["scheduler"]
        if not isinstance(node, ast.Name) or node.id != target.id or node is target:
            continue
        around = module.parent[node]
        if isinstance(node.ctx, ast.Load) and not (
            isinstance(around, ast.Attribute) and around.attr in KEPT
        ):
            return True
        if not isinstance(node.ctx, ast.Load) and not isinstance(around, ast.Assign):
            return True
    return dotted(target) == ""
