"""How long training was meant to be: the loops around a step, read where the step is taken.

The doctor ends a run early, so the length of a schedule can only be compared with what the script
has planned. Nothing of the script is run for it: sizes are read from the values in its frames.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor import sources
from mldoctor.trainee.sites import is_user_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_PASSING = ("enumerate", "tqdm", "iter", "list", "reversed", "track", "sorted", "islice")
_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int | None]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b if b else None,
}


@dataclass(frozen=True, slots=True)
class Loop:
    """One loop around the step.

    Attributes:
        path, first, last: the lines that it spans.
        length: how often it comes round, None when that cannot be read.
        loader: it goes over a data loader.
    """

    path: str
    first: int
    last: int
    length: int | None
    loader: bool

    def holds(self, chain: tuple[tuple[str, int], ...]) -> bool:
        """Whether a call with these user lines on the stack stood inside of the loop."""
        return any(path == self.path and self.first < line <= self.last for path, line in chain)


@dataclass(frozen=True, slots=True)
class Plan:
    """The loops of the script around a step, outermost first.

    Attributes:
        updates: planned updates in all, where a framework owns the loop and tells; `epochs` that
            they are divided into, likewise.
        library: a framework owns the loop.
    """

    loops: tuple[Loop, ...]
    updates: int | None = None
    library: bool = False
    epochs: int | None = None


def around(frame: FrameType | None) -> Plan:
    """The plan of the loops that are running in `frame` and the frames below it."""
    loops: list[Loop] = []
    updates, epochs, library = None, None, False
    while frame is not None:
        if is_user_code(frame.f_code.co_filename):
            loops[:0] = _loops(frame)
        elif updates is None:  # the inner frames of a framework may not know its trainer
            known, updates, epochs = _framework(frame)
            library = library or known
        frame = frame.f_back
    return Plan(tuple(loops), updates, library, epochs)


def _framework(frame: FrameType) -> tuple[bool, int | None, int | None]:
    """Whether a frame belongs to a trainer, and the updates and epochs that one is set to take."""
    name = frame.f_globals.get("__name__", "")
    owner = frame.f_locals.get("self")
    if name.startswith("transformers.trainer"):
        state = getattr(owner, "state", None)
        return True, _positive(state, "max_steps"), _positive(state, "num_train_epochs")
    if name.startswith(("lightning.", "pytorch_lightning.")):
        trainer = getattr(owner, "trainer", None) or owner
        return True, _lightning(trainer), _positive(trainer, "max_epochs")
    return name.startswith(("ignite.", "fastai.")), None, None


def _positive(owner: Any, name: str) -> int | None:
    value = getattr(owner, name, None)
    return value if isinstance(value, int) and value > 0 else None


def _lightning(trainer: Any) -> int | None:
    epochs, steps = getattr(trainer, "max_epochs", None), getattr(trainer, "max_steps", -1)
    batches = getattr(trainer, "num_training_batches", math.inf)
    groups = getattr(trainer, "accumulate_grad_batches", 1)
    if isinstance(steps, int) and steps > 0:
        return steps
    if isinstance(epochs, int) and epochs > 0 and isinstance(batches, int):
        return epochs * math.ceil(batches / groups)
    return None


def _loops(frame: FrameType) -> list[Loop]:
    path = frame.f_code.co_filename
    parsed = sources.tree(sources.read(Path(path)))
    if parsed is None:
        return []
    found = []
    for node in _enclosing(parsed, frame.f_lineno, frame.f_code.co_firstlineno):
        length, loader = _length(node, frame)
        found.append(Loop(path, node.lineno, node.end_lineno or node.lineno, length, loader))
    return found


def _enclosing(node: ast.AST, line: int, start: int) -> Iterator[ast.For | ast.While]:
    """The loops around a line, outermost first, inside the function that begins at `start`."""
    for child in ast.iter_child_nodes(node):
        first, last = getattr(child, "lineno", None), getattr(child, "end_lineno", None)
        if first is None or last is None or not first <= line <= last:
            continue
        inner = list(_enclosing(child, line, start))
        if isinstance(child, ast.For | ast.While) and first < line:
            inner.insert(0, child)
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            begins = min([first, *(d.lineno for d in getattr(child, "decorator_list", []))])
            if begins == start:
                yield from inner
                return
            if start > 1:
                inner = [n for n in inner if n.lineno > start]
        yield from inner
        return


def _length(node: ast.For | ast.While, frame: FrameType) -> tuple[int | None, bool]:
    if isinstance(node, ast.For):
        return _size(node.iter, frame)
    return None, False  # how a condition comes true cannot be read


def _size(node: ast.expr, frame: FrameType) -> tuple[int | None, bool]:  # noqa: PLR0911 - one per kind of expression
    if isinstance(node, ast.Call):
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name in ("range", "trange"):
            given = [_value(a, frame) for a in node.args]
            if given and all(isinstance(g, int) for g in given):
                return len(range(*given)), False
            return None, False
        if name == "zip" and node.args:
            sizes = [_size(a, frame) for a in node.args]
            known = [s for s, _ in sizes if s is not None]
            return min(known) if known else None, any(loader for _, loader in sizes)
        if name in _PASSING and node.args:
            return _size(node.args[0], frame)
        return None, False
    value = _value(node, frame)
    value = getattr(value, "iterable", value) if type(value).__name__.startswith("tqdm") else value
    loader = hasattr(value, "dataset") and hasattr(value, "batch_size")
    try:
        return len(value), loader
    except TypeError:
        return None, loader


def _value(node: ast.expr, frame: FrameType) -> Any:  # noqa: PLR0911 - as above
    """What an expression of names, attributes and whole numbers stands for; None when unknown."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id, frame.f_globals.get(node.id))
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, frame)
        held = getattr(owner, "__dict__", {})
        return held.get(node.attr, _constant(type(owner), node.attr))
    if isinstance(node, ast.Subscript):
        owner, key = _value(node.value, frame), _value(node.slice, frame)
        return owner.get(key) if type(owner) is dict else None
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        left, right = _value(node.left, frame), _value(node.right, frame)
        if isinstance(left, int) and isinstance(right, int):
            return _ARITHMETIC[type(node.op)](left, right)
    if isinstance(node, ast.Call) and len(node.args) == 1:
        name = getattr(node.func, "id", "")
        value = _value(node.args[0], frame)
        if name == "int" and isinstance(value, int | float | str):
            return int(value)
        if name == "len" and hasattr(value, "__len__"):
            return len(value)
    return None


def _constant(kind: type, name: str) -> Any:
    """A plain value that a class holds: a setting, not a property."""
    found = next((vars(k)[name] for k in kind.__mro__ if name in vars(k)), None)
    return found if isinstance(found, int | str) else None
