"""What the user chose: flags, `MLDOCTOR_*` variables and `[tool.mldoctor]`, as one frozen value.

A setting is one field of `Settings`: its key in the file (`max-steps`), its variable
(`MLDOCTOR_MAX_STEPS`) and its keyword (`max_steps`) follow from the field's name.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor.configuration import Configuration, nearest, shown
from mldoctor.errors import SettingsError, UnknownNameError
from mldoctor.findings import Severity
from mldoctor.kinds import (
    COUNT,
    DEVICE,
    FLAG,
    MEMORY,
    NAMES,
    POSITIVE,
    SEED,
    TEXT,
    Kind,
    choice,
    reports,
)
from mldoctor.tables import TABLES, Tables, check_names, toml_or_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PREFIX = "MLDOCTOR_"
# Settings about settings: a file cannot sensibly say that files are to be ignored.
_META_VARIABLES = ("MLDOCTOR_ISOLATED",)


def _formats() -> Kind:
    from mldoctor.reports import formats

    return choice("auto", *formats())


def _reports() -> Kind:
    from mldoctor.reports import formats

    return reports(*formats())


def _setting(default: Any, kind: Kind | Callable[[], Kind]) -> Any:
    return field(default=default, metadata={"kind": kind})


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of one examination.

    Attributes:
        static: read the files and run nothing; only what the source shows without doubt is found.
        select: probes and families to run; "all" is every one.
        extend_select: probes and families to run in addition.
        ignore: probes and families to leave out; a probe selected by its own name stays.
        max_steps: optimizer updates the script may take, natural and driven together.
        max_minutes: wall time of everything, start-up included.
        budget: seconds of examination after the first update.
        seed: for every random generator of the examined script.
        device: "auto" leaves the choice to the script.
        memory_limit: memory that training must fit into, such as "24GiB"; "auto" is that of the GPU
            it runs on.
        fail_on: the mildest severity that leads to exit code 1.
        strict: probes that could not run lead to exit code 3.
        exit_zero: findings lead to exit code 0.
        output_format: "auto" is the full report on a terminal and in a file, concise in a pipe.
        output: a file for the report, instead of standard output.
        report: files to write besides, each as FORMAT=FILE.
        summary: append the report to the summary of a GitHub Actions step.
        compare: a JSON report of another run; the Markdown report tells what has changed since.
        save_record: a file for what was observed, from which `mldoctor report` makes reports.
        redact: leave out absolute paths, names of users and hosts, data and environment values.
        include_examples: show evidence that quotes training data.
        baseline: the file of accepted findings; "auto" is mldoctor-baseline.json of the project
            where there is one, "none" is no baseline.
        prune_baseline: remove the baseline's entries that no longer occur.
        verify: run the script with each edit that a finding offers beside the script as it is.
        verify_budget: seconds for that.
        diff: show the edits as a patch instead of the report.
        fix: apply the edits that were verified, one at a time.
        unverified_fixes: with `fix`, apply the others, too.
        allow_dirty: with `fix`, change files whose last version is not committed.
        color: "auto" colours what a terminal shows; NO_COLOR and FORCE_COLOR count below it.
        quiet: show findings only.
        verbose: show also the probes that found nothing, and more evidence.
        show_skipped: list every probe that was not checked.
        show_suppressed: list accepted findings with their reasons.
        stream: pass the script's own output on to standard error while it runs.
        probes: thresholds by probe name, from `[tool.mldoctor.probes.NAME]`.
        accept: reasons by probe name, from `[tool.mldoctor.accept]`.
        per_file_ignores: names by glob, from `[tool.mldoctor.per-file-ignores]`.
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
    accept: Mapping[str, str] = field(default_factory=dict)
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extend_select: tuple[str, ...] = _setting((), NAMES)
    output_format: str = _setting("auto", _formats)
    output: str = _setting("", TEXT)
    report: tuple[str, ...] = _setting((), _reports)
    summary: bool = _setting(default=False, kind=FLAG)
    compare: str = _setting("", TEXT)
    save_record: str = _setting("", TEXT)
    redact: bool = _setting(default=False, kind=FLAG)
    include_examples: bool = _setting(default=False, kind=FLAG)
    baseline: str = _setting("auto", TEXT)
    prune_baseline: bool = _setting(default=False, kind=FLAG)
    verify: bool = _setting(default=False, kind=FLAG)
    verify_budget: float = _setting(600.0, POSITIVE)
    diff: bool = _setting(default=False, kind=FLAG)
    fix: bool = _setting(default=False, kind=FLAG)
    unverified_fixes: bool = _setting(default=False, kind=FLAG)
    allow_dirty: bool = _setting(default=False, kind=FLAG)
    color: str = _setting("auto", choice("auto", "always", "never"))
    quiet: bool = _setting(default=False, kind=FLAG)
    verbose: bool = _setting(default=False, kind=FLAG)
    show_skipped: bool = _setting(default=False, kind=FLAG)
    show_suppressed: bool = _setting(default=False, kind=FLAG)
    stream: bool = _setting(default=False, kind=FLAG)
    memory_limit: str = _setting("auto", MEMORY)
    static: bool = _setting(default=False, kind=FLAG)


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
    tables = Tables()
    for key, value in found.values.items():
        if key in TABLES:
            tables.read(key, value, found)
        else:
            place = found.place(key)
            name = _field(key, "key", place)
            chosen[name] = _from_file(key, _checked(key, place, value), found)
    for variable, text in sorted((os.environ if environ is None else environ).items()):
        if variable.startswith(PREFIX) and variable not in _META_VARIABLES and text:
            name = _variable(variable)
            chosen[name] = _checked(key_of(name), variable, text, text=True)
    for override in overrides:
        _override(override, chosen, tables)
    for name, value in (flags or {}).items():
        key = key_of(name)
        if key in TABLES:
            tables.read(key, value or {}, Configuration())
        elif value is not None:
            field_name = _field(key, "setting", "")
            chosen[field_name] = _checked(key, f"--{key}", value)
    settings = Settings(**chosen, **tables.fields())
    if settings.quiet and settings.verbose:
        raise SettingsError("quiet and verbose exclude each other; give one, or --no-quiet")
    return settings


def key_of(name: str) -> str:
    """The key in the file of a field: `max_steps` is written max-steps."""
    return name.replace("_", "-")


def kinds() -> dict[str, Kind]:
    """What every setting that is no table may hold, by its key."""
    return {key: _kind(key) for key in _keys() if key not in TABLES}


def _from_file(key: str, value: Any, found: Configuration) -> Any:
    """A baseline belongs to the project, wherever in it mldoctor is started."""
    if key == "baseline" and value not in {"auto", "none"} and found.path:
        return shown(found.path.parent / value)
    return value


def _keys() -> dict[str, Any]:
    return {key_of(f.name): f.metadata.get("kind") for f in fields(Settings)}


def _kind(key: str) -> Kind:
    kind = _keys()[key]
    return kind if isinstance(kind, Kind) else kind()


def _field(key: str, word: str, place: str) -> str:
    if key not in _keys():
        raise UnknownNameError(word, key, _keys(), place)
    return key.replace("-", "_")


def _variable(variable: str) -> str:
    known = {PREFIX + key.replace("-", "_").upper() for key in _keys() if key not in TABLES}
    if variable not in known:
        raise UnknownNameError("variable", variable, sorted(known | {*_META_VARIABLES}))
    return variable.removeprefix(PREFIX).lower()


def _checked(key: str, place: str, value: Any, *, text: bool = False) -> Any:
    kind = _kind(key)
    result = kind.read_text(value, key, place) if text else kind.read(value, key, place)
    if key in {"select", "extend-select", "ignore"}:
        check_names(result, f"{key} ({place})")
    return result


def _override(override: str, chosen: dict[str, Any], tables: Tables) -> None:
    key, equals, text = override.partition("=")
    key = key.strip()
    if not equals:
        raise SettingsError(f"--config {override!r} must be written key=value")
    place = f"--config {key}"
    table, dot, rest = key.partition(".")
    if table in TABLES:
        if not dot:
            raise SettingsError(f"--config {key} must be written {TABLES[table]}")
        tables.override(table, rest, text, place)
        return
    name = _field(key, "key", "--config")
    value = toml_or_text(_kind(key), text, key, place)
    chosen[name] = _checked(key, place, value)
