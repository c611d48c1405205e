"""Layers that are put into a model after an optimizer has taken its parameters."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.module import Module, argument, dotted, inside, method
from mldoctor.source.reach import origin, unwrapped

NEW = ("Linear", "Sequential", "Conv2d", "Conv1d", "Embedding", "LSTM", "GRU", "Bilinear")


@dataclass(frozen=True, slots=True)
class LateLayer:
    """One assignment.

    Attributes:
        target: what is set anew, as the script names it; whole: it is the model itself.
        optimizer: the variable of the optimizer that has the old parameters.
        location: of the assignment; built: where the optimizer is.
    """

    target: str
    whole: bool
    optimizer: str
    location: Location
    built: Location


@dataclass(frozen=True, slots=True)
class LateLayers:
    """Every such assignment before the optimizer is used."""

    rows: tuple[LateLayer, ...]


@fact(Cost.SOURCE)
def late_layers(sources: Sources) -> LateLayers:
    """Read what follows the building of each optimizer in the same row of statements."""
    rows = []
    for module in sources.modules():
        for block in module.blocks:
            for at, statement in enumerate(block):
                built = _optimizer(module, statement)
                if built is not None:
                    rows += _late(module, block[at + 1 :], statement, *built)
    return LateLayers(tuple(rows))


def _optimizer(module: Module, statement: ast.stmt) -> tuple[str, str] | None:
    """Names of an optimizer and of the one model that it is built for."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    name, call = dotted(statement.targets[0]), statement.value
    if not name or not isinstance(call, ast.Call):
        return None
    whole = module.full(call.func)
    if not whole.startswith("torch.optim.") or whole.startswith("torch.optim.lr_scheduler."):
        return None
    given = argument(call, 0, "params")
    owners = {method(one)[0] for one in ast.walk(given or call) if method(one)[1] == "parameters"}
    owner = owners.pop() if len(owners) == 1 else ""
    return (name, owner) if owner and "." not in owner else None


def _late(
    module: Module, after: list[ast.stmt], statement: ast.stmt, optimizer: str, model: str
) -> list[LateLayer]:
    rows: list[LateLayer] = []
    built = module.location(statement)
    after = list(_in_a_row(after, model))
    for at, one in enumerate(after):
        if _mentions(one, optimizer):
            break
        target = one.targets[0] if isinstance(one, ast.Assign) and len(one.targets) == 1 else None
        if target is None or not isinstance(one, ast.Assign):
            if model in module.bound(one):
                break
            continue
        value, name = one.value, dotted(target)
        place = module.location(one)
        if isinstance(target, ast.Name) and target.id == model:
            if not _is_new(module, value) or _mentions(value, model):
                break
            rows.append(
                LateLayer(model, whole=True, optimizer=optimizer, location=place, built=built)
            )
        elif _below(target, model) and _is_layer(module, value):
            name = name or ast.unparse(target)
            rows.append(
                LateLayer(name, whole=False, optimizer=optimizer, location=place, built=built)
            )
        else:
            continue
        if not _used(module, after[at + 1 :], optimizer, model):
            rows.pop()
    return rows


def _in_a_row(after: list[ast.stmt], model: str) -> Iterator[ast.stmt]:
    """The statements, with the body of a loop that makes the model in the place of the loop."""
    for one in after:
        made = isinstance(one, ast.For) and any(
            isinstance(inner, ast.Assign) and dotted(inner.targets[0]) == model
            for inner in one.body
        )
        if made and isinstance(one, ast.For):
            yield from one.body
        else:
            yield one


def _below(target: ast.expr, model: str) -> bool:
    """Whether a target is a part of the model: `model.fc`, `model.classifier[1]`."""
    node: ast.expr = target
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node is not target and isinstance(node, ast.Name) and node.id == model


def _is_layer(module: Module, value: ast.expr) -> bool:
    value = unwrapped(module, value)
    name = module.full(value.func) if isinstance(value, ast.Call) else ""
    return name.startswith("torch.nn.") and name.rpartition(".")[2] in NEW


def _is_new(module: Module, value: ast.expr) -> bool:
    """Whether an expression builds a model."""
    value = unwrapped(module, value)
    if not isinstance(value, ast.Call):
        return False
    name = getattr(value.func, "id", "")
    own = module.functions.get(name)
    returns = [] if own is None else [one for one in inside(own) if isinstance(one, ast.Return)]
    if len(returns) == 1 and returns[0].value is not None:
        returned = origin(module, returns[0].value).node
        return isinstance(returned, ast.Call) and (
            _is_layer(module, returned) or getattr(returned.func, "id", "") in module.classes
        )
    return _is_layer(module, value) or name in module.classes


def _mentions(node: ast.AST, name: str) -> bool:
    return any(dotted(one) == name for one in ast.walk(node))


def _used(module: Module, after: list[ast.stmt], optimizer: str, model: str) -> bool:
    """Whether the optimizer goes on as it is: it steps, and is neither rebuilt nor extended."""
    del module
    stepped = False
    for statement in after:
        for one in (statement, *inside(statement)):
            owner, name = method(one)
            if owner == optimizer and name == "add_param_group":
                return False
            if isinstance(one, ast.Assign) and dotted(one.targets[0]) in (optimizer, model):
                return False
            stepped = stepped or (owner == optimizer and name == "step")
            given = one.args if isinstance(one, ast.Call) else []
            stepped = stepped or any(dotted(arg) == optimizer for arg in given)
    return stepped
