"""The tables of `[tool.mldoctor]`: options of probes, accepted findings, ignores by file."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from mldoctor.errors import SettingsError, UnknownNameError
from mldoctor.kinds import NAMES, TEXT, Kind, of_default

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mldoctor.configuration import Configuration

TABLES = {
    "probes": "probes.NAME.OPTION=value",
    "accept": "accept.NAME=reason",
    "per-file-ignores": 'per-file-ignores."GLOB"=names',
}
"""The keys that hold tables, and how one entry is written on the command line."""


class Tables:
    """The tables so far; a later source adds to them or replaces single entries."""

    def __init__(self) -> None:
        self.probes: dict[str, dict[str, Any]] = {}
        self.accept: dict[str, str] = {}
        self.per_file_ignores: dict[str, tuple[str, ...]] = {}

    def fields(self) -> dict[str, Any]:
        """The tables by the names of the fields of `Settings`."""
        return vars(self)

    def read(self, key: str, table: object, found: Configuration) -> None:
        """Take in a whole table of a file, or of Python code."""
        if not isinstance(table, dict):
            of = "probe names" if key == "probes" else "entries"
            raise SettingsError(f"{key} ({found.place(key)}) must be a table of {of}")
        for name, value in table.items():
            place = found.place(f"{key}.{name}")
            if key == "probes":
                self._read_options(name, value, found)
            elif key == "accept":
                self._accept(name, value, place)
            else:
                names = NAMES.read(value, f"{key}.{name}", place)
                self._leave_out(name, names, place)

    def override(self, key: str, rest: str, text: str, place: str) -> None:
        """Take in one entry from `--config`."""
        if key == "accept":
            self._accept(rest, toml_or_text(TEXT, text, rest, place), place)
        elif key == "per-file-ignores":
            glob = rest.strip("\"'")
            self._leave_out(glob, toml_or_text(NAMES, text, glob, place), place)
        else:
            name, _, option = rest.partition(".")
            if not option or "." in option:
                raise SettingsError(f"{place} must be written {TABLES[key]}")
            kind = _option_kind(_options_of(name, place), name, option, place)
            value = toml_or_text(kind, text, option, place)
            self.probes.setdefault(name, {})[option.replace("-", "_")] = value

    def _read_options(self, name: str, table: object, found: Configuration) -> None:
        place = found.place(f"probes.{name}")
        known = _options_of(name, place)
        if not isinstance(table, dict):
            message = f"probes.{name} ({place}) must be a table of options, not {table!r}"
            raise SettingsError(message)
        for key, value in table.items():
            where = found.place(f"probes.{name}.{key}")
            kind = _option_kind(known, name, key, where)
            self.probes.setdefault(name, {})[key.replace("-", "_")] = kind.read(value, key, where)

    def _accept(self, name: str, reason: object, place: str) -> None:
        from mldoctor.explain import known

        names = known()
        if name not in names:
            raise UnknownNameError("probe", name, names, place)
        if not isinstance(reason, str) or not reason.strip():
            raise SettingsError(f"accept.{name} ({place}) must be a reason, not {reason!r}")
        self.accept[name] = reason

    def _leave_out(self, glob: str, names: tuple[str, ...] | list[str], place: str) -> None:
        from mldoctor.suppression.own import OWN

        probes = [name for name in names if name not in OWN]
        check_names(probes, f"per-file-ignores.{glob} ({place})", extra=OWN)
        self.per_file_ignores[glob] = tuple(names)


def check_names(names: Iterable[str], place: str, extra: Iterable[str] = ()) -> None:
    """Refuse what is neither a probe nor a family nor "all"; `extra` may be suggested as well."""
    from mldoctor.registry import probes

    known = probes()
    allowed = [*known, *sorted({probe.family for probe in known.values()}), "all"]
    for name in names:
        if name not in allowed:
            raise UnknownNameError("probe or family", name, [*allowed, *extra], place)


def toml_or_text(kind: Kind, text: str, key: str, place: str) -> Any:
    """`50` and `["a", "b"]` are TOML; `warning` and `a,b` need no quotes in a shell."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return kind.read_text(text.strip(), key, place)
    return kind.read(value, key, place)


def _options_of(name: str, place: str) -> Mapping[str, Any]:
    from mldoctor.registry import probes

    known = probes()
    if name not in known:
        raise UnknownNameError("probe", name, known, place)
    return known[name].options


def _option_kind(known: Mapping[str, Any], name: str, key: str, place: str) -> Kind:
    defaults = {option.replace("_", "-"): default for option, default in known.items()}
    if key not in defaults:
        raise UnknownNameError(f"option of {name}", key, defaults, place)
    return of_default(defaults[key])
