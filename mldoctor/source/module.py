"""One parsed source file: what surrounds a node, and what a name that is imported stands for."""

from __future__ import annotations

import ast
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from mldoctor.findings import Location
from mldoctor.sources import tree as parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
SCOPES = (*FUNCTIONS, ast.ClassDef, ast.Module)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
BLOCKS = ("body", "orelse", "finalbody")

SHORT = {"torch.nn.functional.sigmoid": "torch.sigmoid", "torch.nn.functional.tanh": "torch.tanh"}
HOMES = {
    "torch.nn.modules": "torch.nn",
    "torch.optim.adam": "torch.optim",
    "torch.optim.sgd": "torch.optim",
    "torch.utils.data.dataloader": "torch.utils.data",
}
"""Modules whose names are also to be had from a shorter one."""


class Module:
    """A file that Python can parse."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self.path, self.tree = path, tree
        self.parent: dict[ast.AST, ast.AST] = {}
        self.nodes: list[ast.AST] = []
        self._bound: dict[ast.AST, frozenset[str]] = {}
        self._attributes: dict[ast.ClassDef, dict[str, list[ast.expr | None]]] = {}
        waiting: list[ast.AST] = [tree]
        while waiting:
            node = waiting.pop()
            self.nodes.append(node)
            for child in ast.iter_child_nodes(node):
                self.parent[child] = node
                waiting.append(child)
        self.nodes.reverse()

    def location(self, node: ast.AST, label: str = "") -> Location:
        """Where a node stands."""
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
        return Location(self.path, line, column + 1, label)

    def of(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """Every node of these kinds, in the order of the lines."""
        found = [node for node in self.nodes if isinstance(node, kinds)]
        yield from sorted(found, key=_position)

    @cached_property
    def calls(self) -> list[ast.Call]:
        """Every call, in the order of the lines."""
        return [node for node in self.of(ast.Call) if isinstance(node, ast.Call)]

    def bound(self, node: ast.AST) -> frozenset[str]:
        """The names that get another value when a node runs."""
        if node not in self._bound:
            within = () if isinstance(node, SCOPES) else inside(node, definitions=True)
            found = (name for one in (node, *within) for name in _bound_here(one))
            self._bound[node] = frozenset(found)
        return self._bound[node]

    @cached_property
    def shared(self) -> frozenset[str]:
        """The names that functions declare as global or nonlocal."""
        declared = [n.names for n in self.nodes if isinstance(n, ast.Global | ast.Nonlocal)]
        return frozenset(name for names in declared for name in names)

    def class_around(self, node: ast.AST) -> ast.ClassDef | None:
        """The class that a node stands in, in one of its methods or beside them."""
        while node in self.parent:
            node = self.parent[node]
            if isinstance(node, ast.ClassDef):
                return node
        return None

    def attributes(self, around: ast.ClassDef) -> dict[str, list[ast.expr | None]]:
        """What a class sets its attributes to, by name; None is anything but a plain assignment."""
        if around not in self._attributes:
            kept: dict[str, list[ast.expr | None]] = {}
            for one in ast.walk(around):
                if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
                    statement = self.parent[one]
                    value = statement.value if isinstance(statement, ast.Assign) else None
                    if not isinstance(one.ctx, ast.Load):
                        kept.setdefault(one.attr, []).append(value)
                elif isinstance(one, ast.Name) and one.id == "setattr":
                    kept = {}
                    break
            self._attributes[around] = kept
        return self._attributes[around]

    def scope(self, node: ast.AST) -> ast.AST:
        """The function, class or module that a node stands in."""
        while node in self.parent:
            node = self.parent[node]
            if isinstance(node, SCOPES):
                return node
        return self.tree

    def around(self, node: ast.AST, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """The nodes of these kinds around a node in the same scope, the nearest first."""
        while node in self.parent:
            node = self.parent[node]
            if isinstance(node, kinds):
                yield node
            if isinstance(node, SCOPES):
                return

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement that a node is part of."""
        while not isinstance(node, ast.stmt):
            node = self.parent[node]
        return node

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """The list of statements in which one stands."""
        around = self.parent[statement]
        for name in (*BLOCKS, "handlers"):
            block = getattr(around, name, None)
            if isinstance(block, list) and statement in block:
                return block
        return [statement]

    @cached_property
    def blocks(self) -> list[list[ast.stmt]]:
        """Every list of statements that run one after the other."""
        found = []
        for node in self.nodes:
            for name in BLOCKS:
                block = getattr(node, name, None)
                if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                    found.append(block)
        return sorted(found, key=lambda block: block[0].lineno)

    @cached_property
    def _imports(self) -> dict[str, str]:
        """What the imported names stand for; names that are also bound otherwise are left out."""
        names: dict[str, str] = {}
        bound: set[str] = set()
        for node in self.nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    whole = alias.name if alias.asname else alias.name.split(".")[0]
                    _note(names, bound, alias.asname or whole, whole)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                for alias in node.names:
                    _note(names, bound, alias.asname or alias.name, f"{node.module}.{alias.name}")
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                bound.add(node.id)
            elif isinstance(node, ast.arg):
                bound.add(node.arg)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                bound.add(node.name)
        return {name: whole for name, whole in names.items() if name not in bound}

    def full(self, node: ast.AST | None) -> str:
        """The whole name of something imported (`torch.nn.Linear`), "" for anything else."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self._imports:
            return ""
        whole = ".".join([self._imports[node.id], *reversed(parts)])
        for longer, shorter in HOMES.items():
            if whole.startswith(f"{longer}."):
                whole = f"{shorter}.{whole.rpartition('.')[2]}"
        return SHORT.get(whole, whole)

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """The classes of the file that are torch modules, by name; those of one name are left out."""
        every: dict[str, list[ast.ClassDef]] = {}
        for node in self.nodes:
            if isinstance(node, ast.ClassDef):
                every.setdefault(node.name, []).append(node)
        single = {name: found[0] for name, found in every.items() if len(found) == 1}
        known: dict[str, ast.ClassDef] = {}
        for _ in range(4):  # a class of a class of a class
            for name, node in single.items():
                if any(_is_module(self, base, known) for base in node.bases):
                    known[name] = node
        return known

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """The functions at the top of the file, by name; those of one name are left out."""
        every: dict[str, list[ast.FunctionDef]] = {}
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef) and self.parent[node] is self.tree:
                every.setdefault(node.name, []).append(node)
        return {name: found[0] for name, found in every.items() if len(found) == 1}


MODULE_BASES = ("torch.nn.Module", "lightning.LightningModule", "pytorch_lightning.LightningModule")


def _is_module(module: Module, base: ast.expr, known: dict[str, ast.ClassDef]) -> bool:
    whole = module.full(base)
    if whole in MODULE_BASES or whole.endswith(".LightningModule"):
        return True
    return isinstance(base, ast.Name) and base.id in known


def _bound_here(node: ast.AST) -> list[str]:
    """The names that a node itself binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return [node.id]
    if isinstance(node, ast.alias):
        return [node.asname or node.name.split(".")[0]]
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        return [node.name]
    return list(node.names) if isinstance(node, ast.Global | ast.Nonlocal) else []


def _note(names: dict[str, str], bound: set[str], name: str, whole: str) -> None:
    if names.get(name, whole) != whole:
        bound.add(name)  # imported twice, as different things
    names[name] = whole


def _position(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


@lru_cache(maxsize=8)  # every fact asks for the same file, one after the other
def module(path: str, text: str) -> Module | None:
    """The parsed file, or None for text that Python could not run."""
    tree = parsed(text)
    return None if tree is None else Module(path, tree)


def inside(node: ast.AST, *, definitions: bool = False) -> Iterator[ast.AST]:
    """What stands inside a node and runs with it, in the order of the lines.

    Args:
        node: the node itself is left out.
        definitions: give functions and classes that are defined there, too; never what is in them.
    """
    waiting = [*ast.iter_child_nodes(node)][::-1]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, SCOPES):
            yield one
            waiting += [*ast.iter_child_nodes(one)][::-1]
        elif definitions:
            yield one


def dotted(node: ast.AST | None) -> str:
    """`self.model.head` of the attributes of a name; "" for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def method(node: ast.AST | None) -> tuple[str, str]:
    """Owner and name of the method that a node calls: `("optimizer", "step")`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return "", ""
    return dotted(node.func.value), node.func.attr


def argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    """An argument by position or name; None where it is not given, or hidden behind a star."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    before = call.args[: position + 1]
    if len(before) <= position or any(isinstance(one, ast.Starred) for one in before):
        return None
    return before[position]


def pairs(assign: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    """Target and value of each plain assignment in a statement: `a, b = 1, 2` has two."""
    value = assign.value
    if len(assign.targets) != 1:
        return []
    target = assign.targets[0]
    if not isinstance(target, ast.Tuple):
        return [(target, value)]
    if not isinstance(value, ast.Tuple) or len(value.elts) != len(target.elts):
        return []
    starred = any(isinstance(one, ast.Starred) for one in (*target.elts, *value.elts))
    return [] if starred else list(zip(target.elts, value.elts, strict=True))


def text_of(node: ast.AST) -> str:
    """A node as source, on one line."""
    return " ".join(ast.unparse(node).split())
