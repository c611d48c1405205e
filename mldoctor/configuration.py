"""Read `[tool.mldoctor]`: the nearest pyproject.toml that has one, and the line of each key."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TABLE = re.compile(r"\s*\[(?P<name>[^\[\]]+)\]")
_KEY = re.compile(r"""\s*(?P<key>"[^"]*"|'[^']*'|[\w."' -]+?)\s*=""")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a project's pyproject.toml says under `[tool.mldoctor]`."""

    path: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def place(self, key: str) -> str:
        """Where `key` ("probes.frozen-head.min-updates") stands, as file:line where known."""
        name = shown(self.path) if self.path else "the configuration"
        line = self.lines.get(f"tool.mldoctor.{key}")
        return f"{name}:{line}" if line else name


def nearest(start: Path) -> Configuration:
    """The configuration that holds for files in `start`: its own folder's, else a parent's.

    A pyproject.toml without `[tool.mldoctor]` is passed over, as linters do, so that a sub-package
    of a monorepo inherits the settings of the root.
    """
    folder = start.resolve()
    for path in (parent / "pyproject.toml" for parent in (folder, *folder.parents)):
        if path.is_file():
            found = _read(path)
            if found is not None:
                return found
    return Configuration()


def project_root(start: Path) -> Path:
    """The folder of the project that `start` lies in, which paths in a baseline are relative to.

    Where no pyproject.toml and no version control marks one, it is `start` itself.
    """
    folder = start.resolve()
    for parent in (folder, *folder.parents):
        if any((parent / mark).exists() for mark in ("pyproject.toml", ".git", ".hg")):
            return parent
    return folder


def shown(path: Path) -> str:
    """A path as messages show it: relative to the working folder where it lies below it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _read(path: Path) -> Configuration | None:
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except (OSError, ValueError) as error:  # a bad encoding and bad TOML are both ValueErrors
        raise SettingsError(f"{shown(path)} cannot be read as TOML: {error}") from error
    tool = document.get("tool", {})
    if not isinstance(tool, dict) or "mldoctor" not in tool:
        return None
    values = tool["mldoctor"]
    if not isinstance(values, dict):
        raise SettingsError(f"{shown(path)}: [tool.mldoctor] must be a table, not {values!r}")
    return Configuration(path, values, _lines(text))


def _lines(text: str) -> dict[str, int]:
    """The line of every `[table]` and `key =`; tomllib keeps none, and messages need them."""
    found: dict[str, int] = {}
    table = ""
    for line, content in enumerate(text.splitlines(), start=1):
        if heading := _TABLE.match(content):
            table = _bare(heading["name"])
            found.setdefault(table, line)
        elif key := _KEY.match(content):
            found.setdefault(f"{table}.{_bare(key['key'])}", line)
    return found


def _bare(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
