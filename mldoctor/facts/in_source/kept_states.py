"""Best weights that are kept as the model's own tensors, as the source shows."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from itertools import takewhile

from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.module import LOOPS, Module, dotted, inside, method, pairs

ENDS = (ast.Break, ast.Return, ast.Raise)


@dataclass(frozen=True, slots=True)
class KeptState:
    """One assignment.

    Attributes:
        name: the variable; model: whose state dictionary it holds.
        location: of the assignment; used: where it is loaded again.
    """

    name: str
    model: str
    location: Location
    used: Location


@dataclass(frozen=True, slots=True)
class KeptStates:
    """Every state that is kept in a loop that goes on training, and loaded after it."""

    rows: tuple[KeptState, ...]


@fact(Cost.SOURCE)
def kept_states(sources: Sources) -> KeptStates:
    """Look for `best = model.state_dict()` in training loops."""
    rows = []
    for module in sources.modules():
        for node in module.of(ast.Assign):
            for target, value in pairs(node) if isinstance(node, ast.Assign) else ():
                found = _kept(module, node, dotted(target), value)
                if found is not None:
                    rows.append(found)
    return KeptStates(tuple(rows))


def _kept(module: Module, assign: ast.AST, target: str, value: ast.expr) -> KeptState | None:
    model, name = method(value)
    if name != "state_dict" or not model or not target:
        return None
    choices = takewhile(lambda n: not isinstance(n, LOOPS), module.around(assign, ast.If, *LOOPS))
    if not any(isinstance(one, ast.If) and isinstance(one.test, ast.Compare) for one in choices):
        return None
    if any(isinstance(one, ENDS) for one in module.block(module.statement(assign))):
        return None
    trained = [
        loop
        for loop in module.around(assign, *LOOPS)
        if any(_trains(module, one, model) for one in inside(loop))
    ]
    if not trained or model.split(".")[0] in module.bound(trained[0]):
        return None
    scope = module.scope(assign)
    loads = [
        one
        for one in ast.walk(scope)
        if method(one) == (model, "load_state_dict")
        and isinstance(one, ast.Call)
        and one.args
        and dotted(one.args[0]) == target
        and one.lineno > (trained[-1].end_lineno or 0)  # type: ignore[attr-defined] # loops have lines
    ]
    if not loads or _copied(module, scope, target, assign):
        return None
    return KeptState(target, model, module.location(assign), module.location(loads[0]))


def _trains(module: Module, node: ast.AST, model: str) -> bool:
    """Whether a node is a backward, or a call that trains the model."""
    if method(node)[1] == "backward":
        return True
    if not isinstance(node, ast.Call):
        return False
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    own = module.functions.get(name)
    given = any(dotted(one) == model for one in node.args)
    return given and own is not None and any(method(one)[1] == "backward" for one in inside(own))


def _copied(module: Module, scope: ast.AST, target: str, kept: ast.AST) -> bool:
    """Whether the variable is set to something else after it was kept."""
    for one in ast.walk(scope):
        if not isinstance(one, ast.Assign) or one is kept:
            continue
        for name, value in pairs(one):
            if dotted(name) != target:
                continue
            copied = isinstance(value, ast.Call) and module.full(value.func) == "copy.deepcopy"
            first = isinstance(value, ast.Constant | ast.Dict) or copied
            if one.lineno > getattr(kept, "lineno", 0) or not (
                first or method(value)[1] == "state_dict"
            ):
                return True
    return False
