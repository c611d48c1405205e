"""Loops that take backward and step, and clear no gradient."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.module import LOOPS, Module, dotted, inside, method
from mldoctor.source.reach import origin

OWN = ("torch.optim.LBFGS", "torch.optim.lr_scheduler.")
CLEARS = ("zero", "grad", "clear", "reset", "closure", "no_sync", "accumulate")
OTHERS = (
    "clip_grad_norm_", "clip_grad_value_", "enable_grad", "no_grad", "requires_grad_",
    "set_grad_enabled", "zeros", "zeros_", "zeros_like",
)  # fmt: skip
"""Calls with such a word in their names that clear no gradient."""


@dataclass(frozen=True, slots=True)
class Uncleared:
    """One step in a loop: of which optimizer, after which backward."""

    optimizer: str
    location: Location
    backward: Location


@dataclass(frozen=True, slots=True)
class UnclearedGradients:
    """Every such loop; its optimizer is one of PyTorch and was built before it."""

    rows: tuple[Uncleared, ...]


@fact(Cost.SOURCE)
def uncleared_gradients(sources: Sources) -> UnclearedGradients:
    """Look for loops outside of which all lines stand that name a gradient, if there are any."""
    rows: list[Uncleared] = []
    for module in sources.modules():
        clearing = [node for node in module.nodes if _clears(node)]
        for call in module.calls:
            owner, name = method(call)
            if name == "step" and owner and not call.args and not call.keywords:
                rows += _uncleared(module, call, owner, clearing)
    return UnclearedGradients(tuple(rows))


def _clears(node: ast.AST) -> bool:
    """Whether a node names gradients, or calls something that by its name may clear them."""
    if isinstance(node, ast.Attribute) and node.attr in ("grad", "zero_grad", "autograd"):
        return True
    if isinstance(node, ast.Call):
        name = str(getattr(node.func, "attr", getattr(node.func, "id", ""))).lower()
        return name not in OTHERS and any(word in name for word in CLEARS)
    return isinstance(node, ast.Constant) and node.value == "zero_grad"


def _uncleared(
    module: Module, call: ast.Call, owner: str, clearing: list[ast.AST]
) -> list[Uncleared]:
    if not isinstance(call.func, ast.Attribute):
        return []
    value = origin(module, call.func.value)
    whole = module.full(value.node.func) if isinstance(value.node, ast.Call) else ""
    if not whole.startswith("torch.optim.") or whole.startswith(OWN):
        return []
    scope = module.scope(call)
    built = module.scope(value.at)
    if built is not scope and not isinstance(built, ast.Module):
        return []
    for loop in module.around(call, *LOOPS):
        every = list(inside(loop))
        backwards = [one for one in every if _backward(one)]
        if backwards and any(isinstance(one, ast.Break | ast.Return) for one in _body(loop)):
            return []  # one pass, to see whether it works
        if backwards:
            here = set(every)
            if value.at in here or any(
                module.scope(node) is not scope or node in here for node in clearing
            ):
                return []
            return _found(module, call, owner, backwards[0], every)
    if clearing or not isinstance(scope, ast.FunctionDef) or built is scope:
        return []
    backwards = [one for one in inside(scope) if _backward(one)]
    repeated = [c for c in module.calls if getattr(c.func, "id", "") == scope.name]
    if not backwards or not any(True for c in repeated for _ in module.around(c, *LOOPS)):
        return []
    return _found(module, call, owner, backwards[0], list(inside(scope)))


def _body(loop: ast.AST) -> list[ast.stmt]:
    """The statements that every pass of a loop takes."""
    return loop.body if isinstance(loop, ast.For | ast.AsyncFor | ast.While) else []


def _backward(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "backward"
    )


def _found(
    module: Module, call: ast.Call, owner: str, backward: ast.AST, every: list[ast.AST]
) -> list[Uncleared]:
    """The finding, unless something else gets the optimizer and may clear its gradients."""
    for one in every:
        if isinstance(one, ast.Call) and any(dotted(arg) == owner for arg in one.args):
            return []
    return [Uncleared(owner, module.location(call), module.location(backward))]
