"""What the last operation on a value is: softmax, sigmoid, a linear layer, or not to be known."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from mldoctor.source.module import dotted, inside
from mldoctor.source.reach import chain, origin

if TYPE_CHECKING:
    from mldoctor.source.module import Module

DEEPEST = 8

LAYERS = {
    "torch.nn.Softmax": "softmax",
    "torch.nn.Softmax2d": "softmax",
    "torch.nn.LogSoftmax": "log_softmax",
    "torch.nn.Sigmoid": "sigmoid",
    "torch.nn.LogSigmoid": "log_sigmoid",
    "torch.nn.Linear": "linear",
    "torch.nn.LazyLinear": "linear",
    "torch.nn.ReLU": "relu",
}
FUNCTIONS = {
    "torch.softmax": "softmax",
    "torch.nn.functional.softmax": "softmax",
    "torch.log_softmax": "log_softmax",
    "torch.nn.functional.log_softmax": "log_softmax",
    "torch.sigmoid": "sigmoid",
    "torch.nn.functional.logsigmoid": "log_sigmoid",
}
METHODS = ("softmax", "log_softmax", "sigmoid")
SHAPES = (
    "view",
    "reshape",
    "squeeze",
    "unsqueeze",
    "flatten",
    "float",
    "contiguous",
    "to",
    "double",
)
"""Methods of a tensor that leave its values as they are."""
SHAPE_FUNCTIONS = ("torch.squeeze", "torch.flatten", "torch.unsqueeze", "torch.reshape")
GROWS = ("add_module", "append", "extend", "insert", "register_forward_hook")


class End(NamedTuple):
    """The last operation, and the node that applies or declares it."""

    kind: str
    node: ast.AST


def end(module: Module, node: ast.expr, depth: int = 0) -> End | None:
    """What a value ends with."""
    if depth > DEEPEST:
        return None
    node = origin(module, node).node
    if isinstance(node, ast.IfExp):
        return _same([end(module, part, depth + 1) for part in (node.body, node.orelse)])
    if not isinstance(node, ast.Call):
        return None
    if whole := module.full(node.func):
        if whole in SHAPE_FUNCTIONS and node.args:
            return end(module, node.args[0], depth + 1)
        return End(FUNCTIONS[whole], node) if whole in FUNCTIONS else None
    return _of_call(module, node, depth + 1)


def _of_call(module: Module, call: ast.Call, depth: int) -> End | None:
    """What a model, or a method of a tensor, gives."""
    called = call.func
    if isinstance(called, ast.Attribute) and called.attr == "forward":
        called = called.value
    elif isinstance(called, ast.Attribute) and not dotted(called).startswith("self."):
        if called.attr in METHODS:
            return End(called.attr, call)
        return end(module, called.value, depth) if called.attr in SHAPES else None
    return _of_model(module, called, depth)


def _of_model(module: Module, called: ast.expr, depth: int) -> End | None:
    """What the output of a model ends with."""
    if isinstance(called, ast.Name) and called.id == "self":
        around = module.class_around(called)
        known = around is not None and module.classes.get(around.name) is around
        return _of_class(module, around, depth) if around is not None and known else None
    steps = chain(module, called)
    names = {dotted(step.node) for step in steps} - {""}
    if not names or _changed(module, names):
        return None
    return _of_layer(module, steps[-1].node, depth)


def _of_layer(module: Module, node: ast.expr, depth: int) -> End | None:
    """What a layer, as it is built, ends with."""
    if depth > DEEPEST or not isinstance(node, ast.Call):
        return None
    whole = module.full(node.func)
    if whole in LAYERS:
        return End(LAYERS[whole], node)
    if whole == "torch.nn.Sequential":
        last = _last(module, node)
        return None if last is None else _of_layer(module, origin(module, last).node, depth + 1)
    if isinstance(node.func, ast.Name) and node.func.id in module.classes:
        return _of_class(module, module.classes[node.func.id], depth + 1)
    return None


def _last(module: Module, sequential: ast.Call) -> ast.expr | None:
    """The last layer of a Sequential."""
    if sequential.keywords or not sequential.args:
        return None
    last = sequential.args[-1]
    if isinstance(last, ast.Call) and module.full(last.func) == "collections.OrderedDict":
        pairs = last.args[0] if last.args else None
        pair = pairs.elts[-1] if isinstance(pairs, ast.List) and pairs.elts else None
        return pair.elts[-1] if isinstance(pair, ast.Tuple) and pair.elts else None
    return None if isinstance(last, ast.Starred) else last


def _of_class(module: Module, node: ast.ClassDef, depth: int) -> End | None:
    """What every return of a module's forward ends with."""
    if depth > DEEPEST:
        return None
    forward = [
        one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "forward"
    ]
    if len(forward) != 1:
        return None
    returns = [one for one in inside(forward[0]) if isinstance(one, ast.Return)]
    ends = [None if one.value is None else end(module, one.value, depth + 1) for one in returns]
    return _same(ends)


def _same(ends: list[End | None]) -> End | None:
    """The end that all of these have."""
    kinds = {None if one is None else one.kind for one in ends}
    return ends[0] if len(kinds) == 1 else None


def _changed(module: Module, names: set[str]) -> bool:
    """Whether a model that has these names gets other layers after it was built, or may get them."""
    return any(
        dotted(node.value) in names
        and (
            (isinstance(node, ast.Attribute) and node.attr in GROWS)
            or isinstance(node.ctx, ast.Store)
        )
        for node in module.nodes
        if isinstance(node, ast.Attribute | ast.Subscript)
    )
