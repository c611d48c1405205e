"""Layers that a module keeps in a plain list or dictionary, as its source shows."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from mldoctor.facts.in_source.sources import Sources
from mldoctor.facts.in_source.throwaway_layers import WEIGHTED
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.module import Module, dotted

KEPT_OUT = re.compile(r"teacher|frozen|target|refer|^_?ref|ema|oracle|metric|hidden", re.IGNORECASE)
REGISTERS = ("add_module", "register_module", "setattr", "register_parameter")


@dataclass(frozen=True, slots=True)
class PlainList:
    """One attribute.

    Attributes:
        model: the class; name: the attribute; holder: "list" or "dictionary".
        layer: what it holds, as it is built.
    """

    model: str
    name: str
    holder: str
    layer: str
    location: Location


@dataclass(frozen=True, slots=True)
class PlainLists:
    """Every attribute whose layers nothing registers."""

    rows: tuple[PlainList, ...]


@fact(Cost.SOURCE)
def plain_lists(sources: Sources) -> PlainLists:
    """Read the constructors of all modules."""
    rows = []
    for module in sources.modules():
        for name, around in module.classes.items():
            if _registers(around):
                continue
            for node in ast.walk(around):
                if isinstance(node, ast.Assign) and len(node.targets) == 1:
                    found = _held(module, node, name, around)
                    if found is not None:
                        rows.append(found)
    return PlainLists(tuple(rows))


def _registers(around: ast.ClassDef) -> bool:
    """Whether the class registers things by name, or hands its parameters out itself."""
    names = {getattr(n, "attr", getattr(n, "id", "")) for n in ast.walk(around)}
    defined = {n.name for n in ast.walk(around) if isinstance(n, ast.FunctionDef)}
    own = {"parameters", "named_parameters", "named_modules", "children", "_apply"}
    return bool(names & set(REGISTERS)) or bool(defined & own)


def _held(module: Module, assign: ast.Assign, model: str, around: ast.ClassDef) -> PlainList | None:
    target, value = assign.targets[0], assign.value
    path = dotted(target)
    if not path.startswith("self.") or path.count(".") != 1:
        return None
    name = path[len("self.") :]
    elements: list[ast.expr] = []
    if isinstance(value, ast.List | ast.Tuple):
        elements = [*value.elts]
        elements += _appended(module, around, name)
    elif isinstance(value, ast.ListComp):
        elements = [value.elt]
    elif isinstance(value, ast.Dict):
        elements = [*value.values]
    elif isinstance(value, ast.DictComp):
        elements = [value.value]
    alone = len(elements) == 1 and not isinstance(value, ast.ListComp | ast.DictComp)
    if alone or KEPT_OUT.search(name):
        return None  # a list of one is the usual way to keep a teacher out of the parameters
    layers = [one for one in elements if _layer(module, one)]
    if not layers or len(layers) != len(elements) or not _only_read(module, name, assign):
        return None
    holder = "dictionary" if isinstance(value, ast.Dict | ast.DictComp) else "list"
    layer = layers[0]
    said = ast.unparse(layer.func) if isinstance(layer, ast.Call) else ""
    return PlainList(model, name, holder, said, module.location(assign))


def _appended(module: Module, around: ast.ClassDef, name: str) -> list[ast.expr]:
    """What is appended to the list later on."""
    found = []
    for call in module.calls:
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr == "append"
            and dotted(call.func.value) == f"self.{name}"
            and module.class_around(call) is around
        ):
            found += call.args
    return found


def _layer(module: Module, node: ast.expr) -> bool:
    """Whether an expression builds a layer with weights, or a module of the file that has some."""
    if not isinstance(node, ast.Call):
        return False
    if WEIGHTED.match(module.full(node.func)):
        return True
    if module.full(node.func) == "torch.nn.Sequential":
        return any(_layer(module, one) for one in node.args)
    around = module.classes.get(getattr(node.func, "id", ""))
    return around is not None and any(
        isinstance(one, ast.Call) and WEIGHTED.match(module.full(one.func))
        for one in ast.walk(around)
    )


def _only_read(module: Module, name: str, assign: ast.Assign) -> bool:
    """Whether every other use of the attribute, in the whole file, calls, walks or counts it."""
    for node in module.nodes:
        if not isinstance(node, ast.Attribute) or node.attr != name or node is assign.targets[0]:
            continue
        if isinstance(node.ctx, ast.Store) or dotted(node) != f"self.{name}":
            return False
        if not _called_only(module, node):
            return False
    return True


def _called_only(module: Module, node: ast.Attribute) -> bool:
    """Whether the layers are only called, counted, or more of them appended."""
    around = module.parent[node]
    if isinstance(around, ast.Attribute):
        return around.attr == "append"
    if isinstance(around, ast.Subscript) and around.value is node:
        user = module.parent[around]
        return isinstance(user, ast.Call) and user.func is around
    if isinstance(around, ast.Call):
        walker = getattr(around.func, "id", "")
        if walker == "len":
            return True
        loop, position = module.parent[around], {"enumerate": 1, "reversed": None}.get(walker, -1)
        position = around.args.index(node) if walker == "zip" else position
        return position != -1 and _calls(module, loop, around, position)
    return _calls(module, around, node, None)


def _calls(module: Module, loop: ast.AST, walked: ast.AST, position: int | None) -> bool:
    """Whether a loop over the layers does nothing with them but calling them."""
    if not isinstance(loop, ast.For | ast.comprehension) or loop.iter is not walked:
        return False
    target: ast.AST = loop.target
    if position is not None:
        if not isinstance(target, ast.Tuple) or len(target.elts) <= position:
            return False
        target = target.elts[position]
    if not isinstance(target, ast.Name):
        return False
    inside = loop if isinstance(loop, ast.For) else module.parent[loop]
    uses = [
        one
        for one in ast.walk(inside)
        if isinstance(one, ast.Name) and one.id == target.id and one is not target
    ]
    return bool(uses) and all(
        isinstance(caller := module.parent[use], ast.Call) and caller.func is use for use in uses
    )
