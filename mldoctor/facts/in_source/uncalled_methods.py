"""Methods of models, losses and optimizers that a line names without calling them."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.module import Module, dotted, inside, method
from mldoctor.source.reach import origin

METHODS = ("eval", "train", "backward", "zero_grad", "step")


@dataclass(frozen=True, slots=True)
class Uncalled:
    """A line such as `optimizer.step`, which does nothing.

    Attributes:
        owner: the object as the script names it; method: the method of it.
        of: "optimizer" or "scheduler" for a step, else "".
    """

    owner: str
    method: str
    of: str
    location: Location


@dataclass(frozen=True, slots=True)
class UncalledMethods:
    """Every such line of which the same scope has no twin with parentheses."""

    rows: tuple[Uncalled, ...]


@fact(Cost.SOURCE)
def uncalled_methods(sources: Sources) -> UncalledMethods:
    """Look for statements that are nothing but an attribute of such a name."""
    rows = []
    for module in sources.modules():
        for node in module.of(ast.Expr):
            value = node.value if isinstance(node, ast.Expr) else None
            if not isinstance(value, ast.Attribute) or value.attr not in METHODS:
                continue
            owner = dotted(value.value)
            if not owner or module.full(value) or _called(module, node, owner, value.attr):
                continue
            of = _stepped(module, value.value) if value.attr == "step" else ""
            if value.attr != "step" or of:
                rows.append(Uncalled(owner, value.attr, of, module.location(node)))
    return UncalledMethods(tuple(rows))


def _called(module: Module, node: ast.AST, owner: str, name: str) -> bool:
    """Whether the same scope calls it, too; gradients may be cleared by way of the model as well."""
    scope = module.scope(node)
    calls = [method(one) for one in inside(scope)]
    return any(called == name and (owner == by or name == "zero_grad") for by, called in calls)


def _stepped(module: Module, owner: ast.expr) -> str:
    """What a `step` belongs to; "" for an environment, a simulation and all the rest."""
    value = origin(module, owner).node
    whole = module.full(value.func) if isinstance(value, ast.Call) else ""
    if whole.startswith("torch.optim.lr_scheduler."):
        return "scheduler"
    if whole.startswith("torch.optim."):
        return "optimizer"
    name = dotted(owner).rpartition(".")[2].lower()
    return "scheduler" if "sched" in name else "optimizer" if "optim" in name else ""
