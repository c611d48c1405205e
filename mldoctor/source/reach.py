"""Where the value of a name comes from, followed only as far as the source leaves no choice."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from mldoctor.source.module import FUNCTIONS, LOOPS, argument, dotted, pairs

if TYPE_CHECKING:
    from mldoctor.source.module import Module

DEPTH = 12

MOVES = ("to", "cuda", "cpu", "float", "double", "half", "bfloat16", "train", "eval", "compile")
WRAPPERS = (
    "torch.nn.DataParallel",
    "torch.nn.parallel.DataParallel",
    "torch.nn.parallel.DistributedDataParallel",
    "torch.compile",
    "copy.deepcopy",
)


class Value(NamedTuple):
    """An expression and the statement in which it is computed."""

    node: ast.expr
    at: ast.stmt


def origin(module: Module, node: ast.expr) -> Value:
    """The expression that a name stands for; the name itself where that is not certain."""
    return chain(module, node)[-1]


def chain(module: Module, node: ast.expr) -> list[Value]:
    """The expressions on the way from a name to what it stands for."""
    found = [Value(node, module.statement(node))]
    while len(found) < DEPTH:
        inner = _before(module, *found[-1])
        if inner is None:
            break
        found.append(Value(inner, module.statement(inner)))
    return found


def _before(module: Module, node: ast.expr, at: ast.stmt) -> ast.expr | None:
    """The expression that one takes its value from."""
    inner = unwrapped(module, node)
    if inner is not node:
        return inner
    if isinstance(node, ast.Name):
        return _reaching(module, node.id, at)
    name = dotted(node)
    if name.startswith("self.") and name.count(".") == 1:
        return attribute(module, node, name[len("self.") :])
    return None


def unwrapped(module: Module, node: ast.expr) -> ast.expr:
    """A model without what moves or wraps it."""
    while isinstance(node, ast.Call):
        if module.full(node.func) in WRAPPERS and node.args:
            node = node.args[0]
        elif (
            isinstance(node.func, ast.Attribute)
            and node.func.attr in MOVES
            and not module.full(node.func)
        ):
            node = node.func.value
        else:
            break
    return node


def attribute(module: Module, node: ast.AST, name: str) -> ast.expr | None:
    """What the class around a node keeps as `self.name`, where it is set once and for all."""
    around = module.class_around(node)
    if around is None:
        return None
    values = module.attributes(around).get(name, [])
    values = [v for v in values if v is None or not _is_own(module, v, name)]
    return values[0] if len(values) == 1 else None


def _is_own(module: Module, value: ast.expr, name: str) -> bool:
    """Whether `self.name` is only moved: self.name = self.name.to(device)."""
    inner = unwrapped(module, value)
    return inner is not value and dotted(inner).endswith(f".{name}")


def _reaching(module: Module, name: str, at: ast.stmt) -> ast.expr | None:
    """The only value that a name can have when a statement runs."""
    statement: ast.stmt = at
    while True:
        block = module.block(statement)
        for before in reversed(block[: block.index(statement)]):
            if name in module.bound(before):
                return _assigned(module, before, name)
        around = module.parent[statement]
        if isinstance(around, (*LOOPS, ast.Try, ast.ExceptHandler)) and name in module.bound(
            around
        ):
            return None
        if isinstance(around, ast.With | ast.AsyncWith) and any(
            item.optional_vars is not None and name in module.bound(item) for item in around.items
        ):
            return None
        if isinstance(around, FUNCTIONS):
            return _from_outside(module, name, around)
        if isinstance(around, ast.ClassDef | ast.Module):
            return None
        if not isinstance(around, ast.stmt):
            around = module.statement(around)
        statement = around


def _assigned(module: Module, statement: ast.stmt, name: str) -> ast.expr | None:
    """The value of a plain assignment to one name."""
    if isinstance(statement, ast.Assign):
        found = [value for target, value in pairs(statement) if dotted(target) == name]
        return found[0] if len(found) == 1 else None
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.value if statement.target.id == name else None
    if isinstance(statement, ast.With):
        for last in reversed(statement.body):
            if name in module.bound(last):
                return _assigned(module, last, name)
    return None


def _from_outside(module: Module, name: str, function: ast.AST) -> ast.expr | None:
    """The value of a name that a function takes as an argument, or from the file."""
    parameters = getattr(function, "args", None)
    if not isinstance(function, ast.FunctionDef) or not isinstance(parameters, ast.arguments):
        return None
    named = [arg.arg for arg in (*parameters.posonlyargs, *parameters.args)]
    if name in named:
        return _given(module, function, name, named.index(name))
    every = {arg.arg for arg in ast.walk(parameters) if isinstance(arg, ast.arg)}
    if name in every or any(name in module.bound(one) for one in function.body):
        return None
    outer = module.scope(function)
    if isinstance(outer, ast.Module):
        return _only(module, name, outer)
    if isinstance(outer, FUNCTIONS):
        return None
    return _only(module, name, module.tree)  # a method sees the file's names


def _given(module: Module, function: ast.FunctionDef, name: str, position: int) -> ast.expr | None:
    """What the only call of a function in the file gives it."""
    if module.functions.get(function.name) is not function:
        return None
    uses = [
        node for node in module.nodes if isinstance(node, ast.Name) and node.id == function.name
    ]
    if len(uses) != 1:
        return None
    call = module.parent[uses[0]]
    if not isinstance(call, ast.Call) or call.func is not uses[0]:
        return None
    return argument(call, position, name)


def _only(module: Module, name: str, tree: ast.Module) -> ast.expr | None:
    """The value that a name has in the whole file, moved or wrapped as it may be."""
    values: list[ast.expr] = []
    for statement in tree.body:
        if name not in module.bound(statement):
            continue
        found = _assigned(module, statement, name)
        if found is None and isinstance(statement, ast.If):  # if __name__ == "__main__":
            inner = [one for one in statement.body if name in module.bound(one)]
            found = _assigned(module, inner[0], name) if len(inner) == 1 else None
        if found is None:
            return None
        if dotted(unwrapped(module, found)) != name:
            values.append(found)
    return values[0] if len(values) == 1 and name not in module.shared else None
