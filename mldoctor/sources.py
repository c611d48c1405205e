"""The source files of an examined script: what a report quotes, where ignores are looked for."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def read(path: Path) -> str:
    """The text of a source file as Python would decode it; empty where that is impossible."""
    try:
        data = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return io.TextIOWrapper(io.BytesIO(data), encoding).read()
    except (OSError, SyntaxError, ValueError, LookupError):
        return ""


@lru_cache(maxsize=64)
def tree(text: str) -> ast.Module | None:
    """The syntax tree of a file, or None for text that Python could not run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the run itself shows them
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def function_around(text: str, line: int) -> str:
    """The function or class that a line stands in, as `Trainer.fit`; empty at module level."""
    parsed = tree(text)
    return "" if parsed is None else ".".join(_path_to(parsed, line))


def _path_to(node: ast.AST, line: int) -> Iterator[str]:
    """Names of the definitions around a line, outermost first."""
    for child in ast.iter_child_nodes(node):
        first = getattr(child, "lineno", None)
        last = getattr(child, "end_lineno", None)
        if first is None or last is None or not first <= line <= last:
            continue
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child.name
        yield from _path_to(child, line)
        return


def project(script: Path, folders: Iterable[Path]) -> dict[Path, str]:
    """The text of the script and of the project's modules that it imports, found without a run.

    Args:
        script: the file that is run.
        folders: where imports are looked for, first come first served; what is found elsewhere
            belongs to other projects.
    """
    places = [folder.resolve() for folder in folders]
    found: dict[Path, str] = {}
    waiting = [script.resolve()]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = read(path)
        parsed = tree(found[path])
        for name in () if parsed is None else _imported(parsed, path, places):
            waiting += _files(name, places)
    return found


def _imported(parsed: ast.Module, path: Path, places: list[Path]) -> Iterator[str]:
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, path, places)
            if base:
                yield base
            yield from (f"{base}.{alias.name}".strip(".") for alias in node.names)


def _absolute(node: ast.ImportFrom, path: Path, places: list[Path]) -> str:
    """The dotted name that a possibly relative import stands for."""
    if not node.level:
        return node.module or ""
    package = path.parents[node.level - 1] if node.level <= len(path.parents) else path
    inside = next((place for place in places if package.is_relative_to(place)), None)
    parts = package.relative_to(inside).parts if inside else ()
    return ".".join((*parts, *filter(None, [node.module])))


def _files(name: str, places: list[Path]) -> list[Path]:
    """The project's files that importing a dotted name runs: the packages on the way as well."""
    parts = name.split(".")
    for place in places:
        found = [
            candidate
            for depth in range(1, len(parts) + 1)
            for candidate in (
                place.joinpath(*parts[:depth], "__init__.py"),
                place.joinpath(*parts[:depth]).with_suffix(".py"),
            )
            if candidate.is_file()
        ]
        if found:
            return found
    return []
