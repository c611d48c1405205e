"""What the user chose: flags, `MLDOCTOR_*` variables and `[tool.mldoctor]`, as one frozen value.

A setting is one field of `Settings`: its key in the file (`max-steps`), its variable
(`MLDOCTOR_MAX_STEPS`) and its keyword (`max_steps`) follow from the field's name.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor.configuration import Configuration, nearest
from mldoctor.errors import SettingsError, UnknownNameError
from mldoctor.findings import Severity
from mldoctor.kinds import (
    COUNT,
    DEVICE,
    FLAG,
    NAMES,
    POSITIVE,
    SEED,
    TEXT,
    Kind,
    choice,
    of_default,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PREFIX = "MLDOCTOR_"
# Settings about settings: a file cannot sensibly say that files are to be ignored.
_META_VARIABLES = ("MLDOCTOR_ISOLATED",)


def _formats() -> Kind:
    from mldoctor.reports import formats

    return choice("auto", *formats())


def _setting(default: Any, kind: Kind | Callable[[], Kind]) -> Any:
    return field(default=default, metadata={"kind": kind})


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of one examination.

    Attributes:
        select: probes and families to run; "all" is every one.
        extend_select: probes and families to run in addition.
        ignore: probes and families to leave out; a probe selected by its own name stays.
        max_steps: optimizer updates the script may take, natural and driven together.
        max_minutes: wall time of everything, start-up included.
        budget: seconds of examination after the first update.
        seed: for every random generator of the examined script.
        device: "auto" leaves the choice to the script.
        fail_on: the mildest severity that leads to exit code 1.
        strict: probes that could not run lead to exit code 3.
        exit_zero: findings lead to exit code 0.
        output_format: "auto" is the full report on a terminal and in a file, concise in a pipe.
        output: a file for the report, instead of standard output.
        stream: pass the script's own output on to standard error while it runs.
        probes: thresholds by probe name, from `[tool.mldoctor.probes.NAME]`.
    """

    select: tuple[str, ...] = _setting(("all",), NAMES)
    ignore: tuple[str, ...] = _setting((), NAMES)
    max_steps: int = _setting(200, COUNT)
    max_minutes: float = _setting(10.0, POSITIVE)
    budget: float = _setting(60.0, POSITIVE)
    seed: int = _setting(0, SEED)
    device: str = _setting("auto", DEVICE)
    fail_on: str = _setting("error", choice(*map(str, Severity), "never"))
    strict: bool = _setting(default=False, kind=FLAG)
    exit_zero: bool = _setting(default=False, kind=FLAG)
    probes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    extend_select: tuple[str, ...] = _setting((), NAMES)
    output_format: str = _setting("auto", _formats)
    output: str = _setting("", TEXT)
    color: str = _setting("auto", choice("auto", "always", "never"))
    quiet: bool = _setting(default=False, kind=FLAG)
    verbose: bool = _setting(default=False, kind=FLAG)
    show_skipped: bool = _setting(default=False, kind=FLAG)
    show_suppressed: bool = _setting(default=False, kind=FLAG)
    stream: bool = _setting(default=False, kind=FLAG)


def load(
    flags: Mapping[str, Any] | None = None,
    *,
    overrides: Iterable[str] = (),
    environ: Mapping[str, str] | None = None,
    start: Path | None = None,
    isolated: bool = False,
) -> Settings:
    """The settings of one run, each from the first source that has it.

    Args:
        flags: values by field name; None stands for "not given".
        overrides: `key=value` texts from `--config`.
        environ: the environment, `os.environ` unless given.
        start: the folder from which the nearest pyproject.toml is looked for.
        isolated: leave configuration files aside.

    Raises:
        SettingsError: for a value of the wrong type or outside its range.
        UnknownNameError: for a key, variable, probe or family that does not exist.
    """
    found = Configuration() if isolated else nearest(start or Path.cwd())
    chosen: dict[str, Any] = {}
    options: dict[str, dict[str, Any]] = {}
    for key, value in found.values.items():
        if key == "probes":
            _read_probes(value, found, options)
        else:
            place = found.place(key)
            name = _field(key, "key", place)
            chosen[name] = _checked(key, place, value)
    for variable, text in sorted((os.environ if environ is None else environ).items()):
        if variable.startswith(PREFIX) and variable not in _META_VARIABLES and text:
            name = _variable(variable)
            chosen[name] = _checked(_key(name), variable, text, text=True)
    for override in overrides:
        _override(override, chosen, options)
    for name, value in (flags or {}).items():
        if name == "probes":
            _read_probes(value, Configuration(), options)
        elif value is not None:
            key = _key(name)
            field_name = _field(key, "setting", "")
            chosen[field_name] = _checked(key, f"--{key}", value)
    settings = Settings(**chosen, probes=options)
    if settings.quiet and settings.verbose:
        raise SettingsError("quiet and verbose exclude each other; give one, or --no-quiet")
    return settings


def _key(name: str) -> str:
    return name.replace("_", "-")


def _keys() -> dict[str, Any]:
    return {_key(f.name): f.metadata.get("kind") for f in fields(Settings)}


def _kind(key: str) -> Kind:
    kind = _keys()[key]
    return kind if isinstance(kind, Kind) else kind()


def _field(key: str, word: str, place: str) -> str:
    if key not in _keys():
        raise UnknownNameError(word, key, _keys(), place)
    return key.replace("-", "_")


def _variable(variable: str) -> str:
    known = {PREFIX + key.replace("-", "_").upper() for key in _keys() if key != "probes"}
    if variable not in known:
        raise UnknownNameError("variable", variable, sorted(known | {*_META_VARIABLES}))
    return variable.removeprefix(PREFIX).lower()


def _checked(key: str, place: str, value: Any, *, text: bool = False) -> Any:
    kind = _kind(key)
    result = kind.read_text(value, key, place) if text else kind.read(value, key, place)
    if key in {"select", "extend-select", "ignore"}:
        _check_names(result, f"{key} ({place})")
    return result


def _check_names(names: tuple[str, ...], place: str) -> None:
    from mldoctor.registry import probes

    known = probes()
    allowed = [*known, *sorted({probe.family for probe in known.values()}), "all"]
    for name in names:
        if name not in allowed:
            raise UnknownNameError("probe or family", name, allowed, place)


def _read_probes(tables: object, found: Configuration, options: dict[str, dict[str, Any]]) -> None:
    if not isinstance(tables, dict):
        raise SettingsError(f"probes ({found.place('probes')}) must be a table of probe names")
    for name, table in tables.items():
        place = found.place(f"probes.{name}")
        known = _options_of(name, place)
        if not isinstance(table, dict):
            message = f"probes.{name} ({place}) must be a table of options, not {table!r}"
            raise SettingsError(message)
        for key, value in table.items():
            where = found.place(f"probes.{name}.{key}")
            kind = _option_kind(known, name, key, where)
            options.setdefault(name, {})[key.replace("-", "_")] = kind.read(value, key, where)


def _options_of(name: str, place: str) -> Mapping[str, Any]:
    from mldoctor.registry import probes

    known = probes()
    if name not in known:
        raise UnknownNameError("probe", name, known, place)
    return known[name].options


def _option_kind(known: Mapping[str, Any], name: str, key: str, place: str) -> Kind:
    defaults = {_key(option): default for option, default in known.items()}
    if key not in defaults:
        raise UnknownNameError(f"option of {name}", key, defaults, place)
    return of_default(defaults[key])


def _override(override: str, chosen: dict[str, Any], options: dict[str, dict[str, Any]]) -> None:
    key, equals, text = override.partition("=")
    key = key.strip()
    if not equals:
        raise SettingsError(f"--config {override!r} must be written key=value")
    place = f"--config {key}"
    parts = key.split(".")
    if parts[0] == "probes" and len(parts) == 3:  # noqa: PLR2004 - probes, name, option
        kind = _option_kind(_options_of(parts[1], place), parts[1], parts[2], place)
        value = _toml_or_text(kind, text, parts[2], place)
        options.setdefault(parts[1], {})[parts[2].replace("-", "_")] = value
        return
    if key == "probes":
        raise SettingsError("--config probes must be written probes.NAME.OPTION=value")
    name = _field(key, "key", "--config")
    value = _toml_or_text(_kind(key), text, key, place)
    chosen[name] = _checked(key, place, value)


def _toml_or_text(kind: Kind, text: str, key: str, place: str) -> Any:
    """`50` and `["a", "b"]` are TOML; `warning` and `a,b` need no quotes in a shell."""
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return kind.read_text(text.strip(), key, place)
    return kind.read(value, key, place)
