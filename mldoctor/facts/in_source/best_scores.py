"""Best scores that are set back in the loop that compares with them, read from the source."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mldoctor.facts.in_source.selections import KEEPS
from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.module import FUNCTIONS, LOOPS, Module, dotted, pairs, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


@dataclass(frozen=True, slots=True)
class ResetScore:
    """One best score.

    Attributes:
        name: of the score; start: what it is set to at the beginning of every epoch, as code.
        test: the comparison with it that keeps the weights, as code; at `used`.
    """

    name: str
    start: str
    test: str
    location: Location
    used: Location


@dataclass(frozen=True, slots=True)
class BestScores:
    """Every best score that no earlier epoch has a part in."""

    rows: tuple[ResetScore, ...]


@fact(Cost.SOURCE)
def best_scores(sources: Sources) -> BestScores:
    """Look for a start value and its comparison in one pass of an epoch loop."""
    rows: list[ResetScore] = []
    for module in sources.modules():
        for loop in module.of(*LOOPS):
            if isinstance(loop, ast.For | ast.While) and _counts_epochs(loop):
                rows += _reset(module, loop)
    return BestScores(tuple(rows))


def _counts_epochs(loop: ast.For | ast.While) -> bool:
    head = [loop.target, loop.iter] if isinstance(loop, ast.For) else [loop.test]
    return any("epoch" in text_of(part).lower() for part in head)


def _reset(module: Module, loop: ast.For | ast.While) -> Iterator[ResetScore]:
    for place, statement in enumerate(loop.body):
        for target, value in pairs(statement) if isinstance(statement, ast.Assign) else ():
            name = dotted(target)
            if not name or not _is_start(module, value):
                continue
            for test in _compared(loop.body[place + 1 :], name):
                sets = [n for n in ast.walk(loop) if _binds(n, name)]
                own = [n for part in test.body for n in ast.walk(part) if _binds(n, name)]
                if own and len(sets) == len(own) + 1 and _keeps(test.body):
                    yield ResetScore(
                        name,
                        text_of(value),
                        text_of(test.test),
                        module.location(statement),
                        module.location(test),
                    )


def _is_start(module: Module, value: ast.expr) -> bool:
    """Whether a value is a number, or infinity, that no epoch has a part in."""
    if isinstance(value, ast.UnaryOp):
        value = value.operand
    if isinstance(value, ast.Constant):
        return isinstance(value.value, int | float) and not isinstance(value.value, bool)
    if isinstance(value, ast.Call) and dotted(value.func) == "float" and len(value.args) == 1:
        return isinstance(value.args[0], ast.Constant)
    return module.full(value) in ("math.inf", "numpy.inf", "torch.inf")


def _compared(statements: list[ast.stmt], name: str) -> Iterator[ast.If]:
    """Comparisons of a changing value with the score, once in each pass of the loop."""
    waiting: list[ast.AST] = [*statements]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (*LOOPS, *FUNCTIONS, ast.ClassDef)):
            continue
        waiting += ast.iter_child_nodes(node)
        test = node.test if isinstance(node, ast.If) else None
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ORDERS):
            sides = [test.left, test.comparators[0]]
            others = [side for side in sides if dotted(side) != name]
            if len(others) == 1 and not isinstance(others[0], ast.Constant):
                assert isinstance(node, ast.If)  # noqa: S101 - only an if has this test
                yield node


def _binds(node: ast.AST, name: str) -> bool:
    return (
        isinstance(node, ast.Name | ast.Attribute)
        and not isinstance(node.ctx, ast.Load)
        and dotted(node) == name
    )


def _keeps(body: list[ast.stmt]) -> bool:
    """Whether something is saved or copied."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call):
                name = dotted(node.func).rpartition(".")[2] or getattr(node.func, "attr", "")
                if name in KEEPS or name.startswith("save"):
                    return True
    return False
