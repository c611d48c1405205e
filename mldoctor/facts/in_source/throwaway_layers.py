"""Layers and dropout that a forward makes anew at every call."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.module import Module, argument, dotted, inside, text_of

WEIGHTED = re.compile(
    r"torch\.nn\.(Linear|Bilinear|Conv(Transpose)?[123]d|Embedding(Bag)?|LSTM|GRU|RNN"
    r"|(LSTM|GRU|RNN)Cell|MultiheadAttention|Transformer\w*)$"
)
DROPOUT = re.compile(r"torch\.nn\.(AlphaDropout|Dropout[123]?d?)$")
FUNCTIONAL = re.compile(r"torch\.nn\.functional\.(alpha_dropout|dropout[123]?d?)$")
MEANT = re.compile(r"monte.?carlo|\bmc\b|mc_?dropout|bayes|uncertain", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Throwaway:
    """One layer or dropout.

    Attributes:
        kind: "layer" with weights, "dropout" as a module, "functional" dropout.
        code: as it is written; model: the class whose forward it stands in.
    """

    kind: str
    code: str
    model: str
    location: Location


@dataclass(frozen=True, slots=True)
class ThrowawayLayers:
    """Every one that is used at once and kept nowhere."""

    rows: tuple[Throwaway, ...]


@fact(Cost.SOURCE)
def throwaway_layers(sources: Sources) -> ThrowawayLayers:
    """Read the forwards of all modules."""
    rows = []
    for module in sources.modules():
        for name, around in module.classes.items():
            if MEANT.search(name) or MEANT.search(ast.get_docstring(around) or ""):
                continue
            for node in around.body:
                if isinstance(node, ast.FunctionDef) and node.name == "forward":
                    rows += [
                        Throwaway(kind, text_of(one), name, module.location(one))
                        for one in inside(node)
                        if isinstance(one, ast.Call) and (kind := _kind(module, one, node))
                    ]
    return ThrowawayLayers(tuple(sorted(set(rows), key=lambda row: row.location.line)))


def _kind(module: Module, call: ast.Call, forward: ast.FunctionDef) -> str:
    whole = module.full(call.func)
    if FUNCTIONAL.match(whole):
        given = argument(call, 2, "training") is not None or any(
            k.arg is None for k in call.keywords
        )
        starred = any(isinstance(one, ast.Starred) for one in call.args)
        return "" if given or starred or not _on(module, call, 1) else "functional"
    if DROPOUT.match(whole) and _on(module, call, 0):
        return "dropout" if _used_at_once(module, call, forward) else ""
    return "layer" if WEIGHTED.match(whole) and _used_at_once(module, call, forward) else ""


def _on(module: Module, call: ast.Call, position: int) -> bool:
    """Whether a dropout has a rate above zero, whatever the mode of the model."""
    rate = argument(call, position, "p")
    if rate is not None:
        if isinstance(rate, ast.Constant):
            if not isinstance(rate.value, float | int) or rate.value <= 0:
                return False
        elif not dotted(rate).startswith("self.") or _set_often(module, dotted(rate)):
            return False  # it may be zero in evaluation
    conditions = [
        text_of(one.test)
        for one in module.around(call, ast.If, ast.IfExp)
        if isinstance(one, ast.If | ast.IfExp)
    ]
    return not any("train" in text or "eval" in text or "drop" in text for text in conditions)


def _set_often(module: Module, name: str) -> bool:
    """Whether the file sets an attribute of this name in more than one place."""
    last = name.rpartition(".")[2]
    stored = [
        node
        for node in module.nodes
        if isinstance(node, ast.Attribute) and node.attr == last and isinstance(node.ctx, ast.Store)
    ]
    return len(stored) > 1


def _used_at_once(module: Module, call: ast.Call, forward: ast.FunctionDef) -> bool:
    """Whether the layer is called where it is built, or kept in a local name that is only called."""
    around = module.parent[call]
    while (
        isinstance(around, ast.Attribute)
        and around.attr in ("to", "cuda", "double", "half")
        and isinstance(module.parent[around], ast.Call)
    ):
        call = module.parent[around]  # type: ignore[assignment] # checked in the line above
        around = module.parent[call]
    if isinstance(around, ast.Call):
        return around.func is call
    if not isinstance(around, ast.Assign) or len(around.targets) != 1:
        return False
    target = around.targets[0]
    if not isinstance(target, ast.Name):
        return False
    uses = [
        one
        for one in ast.walk(forward)
        if isinstance(one, ast.Name) and one.id == target.id and one is not target
    ]
    return bool(uses) and all(
        isinstance(caller := module.parent[use], ast.Call) and caller.func is use for use in uses
    )
