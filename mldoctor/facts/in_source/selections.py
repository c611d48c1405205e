"""Selections: which score the script keeps its best weights by, read from its source."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact

if TYPE_CHECKING:
    from collections.abc import Iterator

TEST = re.compile(r"(^|_)test(_?(loader|dl|set|data|dataset|dataloader|iter|batches|split|x|y))?$")
"""Names of loaders and data that are the test split."""

KEEPS = ("save", "save_pretrained", "save_checkpoint", "save_model", "deepcopy", "state_dict")


@dataclass(frozen=True, slots=True)
class Selected:
    """A comparison with the best score so far that decides what is kept, or when to stop.

    Attributes:
        score: the variable that is compared.
        source: the name of the test data that it comes from, "" for other data.
        action: "keeps the weights" or "stops".
    """

    score: str
    source: str
    action: str
    location: Location


@dataclass(frozen=True, slots=True)
class Selections:
    """Every such comparison in the source."""

    rows: tuple[Selected, ...]


@fact(Cost.SOURCE)
def selections(sources: Sources) -> Selections:
    """Follow the compared scores back to the data that they are computed from."""
    rows = [row for module in sources.modules() for row in _selected(module.tree, module.path)]
    return Selections(tuple(dict.fromkeys(rows)))


def _selected(tree: ast.AST, path: str) -> Iterator[Selected]:
    for loop in ast.walk(tree):
        if not isinstance(loop, ast.For | ast.While):
            continue
        sources = _sources(loop)
        for node in ast.walk(loop):
            if not isinstance(node, ast.If) or not isinstance(node.test, ast.Compare):
                continue
            names = _names(node.test)
            scores = [n for n in names if "best" not in n.lower() and n in sources]
            action = _action(node.body)
            if len(scores) != 1 or not any("best" in n.lower() for n in names) or not action:
                continue
            found = sorted(n for n in sources[scores[0]] if TEST.search(n))
            yield Selected(
                scores[0], found[0] if found else "", action, Location(path, node.lineno)
            )


def _sources(loop: ast.AST) -> dict[str, set[str]]:
    """For every variable set in the loop, the names that its value is computed from."""
    found: dict[str, set[str]] = {}

    def note(target: ast.AST, used: set[str]) -> None:
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                found.setdefault(node.id, set()).update(used)

    def visit(node: ast.AST, around: set[str]) -> None:
        for child in ast.iter_child_nodes(node):
            inside = around
            if isinstance(child, ast.For):
                inside = around | _names(child.iter)
                note(child.target, inside)
            elif isinstance(child, ast.Assign):
                for target in child.targets:
                    note(target, around | _names(child.value))
            elif isinstance(child, ast.AugAssign | ast.AnnAssign) and child.value is not None:
                note(child.target, around | _names(child.value))
            visit(child, inside)

    visit(loop, set())
    for _ in range(4):
        for used in found.values():
            for name in [*used]:
                used.update(found.get(name, ()))
    return found


def _names(node: ast.AST) -> set[str]:
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return names | {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}


def _action(body: list[ast.stmt]) -> str:
    """What the branch of a better score does."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                function = node.func
                name = function.attr if isinstance(function, ast.Attribute) else ""
                name = function.id if isinstance(function, ast.Name) else name
                if name in KEEPS:
                    return "keeps the weights"
            if isinstance(node, ast.Break):
                return "stops"
    counts = {n for s in body if isinstance(s, ast.Assign) for t in s.targets for n in _names(t)}
    waits = ("patience", "wait", "bad", "stale", "no_improve", "counter")
    return "stops" if any(w in n.lower() for n in counts for w in waits) else ""
