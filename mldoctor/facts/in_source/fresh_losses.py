"""Losses that are made into new tensors before backward, so that no gradient reaches the model."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.module import Module, argument, dotted, text_of
from mldoctor.source.reach import origin

FRESH = ("torch.tensor", "torch.autograd.Variable", "torch.autograd.variable.Variable")
CUTS = ("detach", "item", "numpy", "cpu", "tolist")


@dataclass(frozen=True, slots=True)
class FreshLoss:
    """One backward. `code` is what makes the tensor that it starts from, at `made`."""

    code: str
    location: Location
    made: Location


@dataclass(frozen=True, slots=True)
class FreshLosses:
    """Every backward that starts from a tensor without a history."""

    rows: tuple[FreshLoss, ...]


@fact(Cost.SOURCE)
def fresh_losses(sources: Sources) -> FreshLosses:
    """Follow what backward is called on to what made it."""
    rows = []
    for module in sources.modules():
        for call in module.calls:
            if isinstance(call.func, ast.Attribute) and call.func.attr == "backward":
                found = origin(module, call.func.value).node
                if isinstance(found, ast.Call) and _fresh(module, found):
                    rows.append(
                        FreshLoss(text_of(found), module.location(call), module.location(found))
                    )
    return FreshLosses(tuple(dict.fromkeys(rows)))


def _fresh(module: Module, made: ast.Call) -> bool:
    """Whether a call makes a leaf of a value that was computed before."""
    if _method(made) == "requires_grad_":
        inner = made.func.value if isinstance(made.func, ast.Attribute) else None
        return (
            isinstance(inner, ast.Call) and _method(inner) == "detach" and _computed(module, inner)
        )
    if module.full(made.func) not in FRESH or not made.args:
        return False
    wanted = argument(made, 99, "requires_grad")
    given = made.args[0]
    if module.full(made.func) == "torch.tensor":
        return (
            isinstance(wanted, ast.Constant) and wanted.value is True and _computed(module, given)
        )
    # A Variable of a tensor keeps its history; of its data, it does not.
    cut = isinstance(given, ast.Attribute) and given.attr == "data"
    return (cut or _method(given) in CUTS) and _computed(module, given)


def _method(node: ast.AST) -> str:
    is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    return node.func.attr if is_method else ""  # type: ignore[attr-defined] # checked in the line above


def _computed(module: Module, node: ast.expr) -> bool:
    """Whether a value comes from a call: the gradient of a constant is a lesson, not a loss."""
    while isinstance(node, ast.Attribute) or (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and _method(node) in CUTS
    ):
        node = node.value if isinstance(node, ast.Attribute) else node.func.value  # type: ignore[attr-defined] # a method
    found = origin(module, node).node
    return isinstance(found, ast.Call | ast.BinOp) or "loss" in dotted(node).lower()
