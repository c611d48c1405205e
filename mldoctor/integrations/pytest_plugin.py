"""The pytest plugin: examine training scripts from tests.

Loaded into every pytest run in an environment that has mldoctor, so it imports nothing but pytest
before it is used.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

    import torch
    from torch import nn

    from mldoctor.findings import Report
    from mldoctor.watch import Watch

# Where a report of one test keeps what the summary and a JUnit file show: lists of plain texts,
# so that workers of a distributed run can send them.
_PREFIX = "mldoctor."
_INI = {
    "mldoctor_max_steps": ("max_steps", "Optimizer steps at most."),
    "mldoctor_max_minutes": ("max_minutes", "Time at most, start-up included."),
    "mldoctor_budget": ("budget", "Seconds of examination after the first update."),
    "mldoctor_seed": ("seed", "Seed for the script's random generators."),
    "mldoctor_device": ("device", "cpu, cuda, ...; auto leaves it to the script."),
}


class Doctor:
    """What the `mldoctor` fixture gives."""

    def __init__(
        self, settings: dict[str, Any], properties: list[tuple[str, object]], place: Path
    ) -> None:
        self._settings = settings
        self._properties = properties
        self._place = place

    def check_script(
        self, path: str | os.PathLike[str], *arguments: str, **settings: Any
    ) -> Report:
        """Examine a training script as `mldoctor check PATH -- ARGUMENTS` does.

        Args:
            path: the script.
            arguments: what the script finds in `sys.argv`.
            settings: fields of `Settings`, such as `select=("model",)` or `max_steps=50`; they
                count before the marker, ini keys, variables and pyproject.toml.

        Raises:
            MldoctorError: when the script or a setting cannot be used.
        """
        __tracebackhide__ = True
        report = examined(str(path), tuple(map(str, arguments)), {**self._settings, **settings})
        self._properties += properties_of(report)
        return report

    @contextmanager
    def watch(
        self, model: nn.Module, optimizer: torch.optim.Optimizer, **settings: Any
    ) -> Iterator[Watch]:
        """Watch the training loop in a `with` block; its `report` is there when the block has ended.

        The loop is observed as it runs, with the batches it has; what only shows when a loop is fed
        chosen batches (whether it can memorise a few samples) is what `check_script` finds.

        Args:
            model: what the block trains.
            optimizer: what it trains it with.
            settings: as for `check_script`.

        Raises:
            MldoctorError: when model, optimizer or a setting cannot be used.
        """
        __tracebackhide__ = True
        from mldoctor.settings import load
        from mldoctor.watch import watch

        loaded = load({**self._settings, **settings}, start=self._place.parent)
        watched = None
        try:
            with watch(model, optimizer, loaded, self._place) as watched:
                yield watched
        finally:
            if watched is not None:
                self._properties += properties_of(watched.report)


def examined(path: str, arguments: tuple[str, ...], settings: dict[str, Any]) -> Report:
    """The report on a script, with settings as keyword arguments."""
    __tracebackhide__ = True
    from mldoctor import checkup
    from mldoctor.settings import load
    from mldoctor.target import folder, resolve

    target = resolve(path, arguments)
    report = checkup.checkup(target, load(settings, start=folder(target)), lambda _: None)
    if report.run.outcome == "interrupted":  # Ctrl-C was meant for the whole test run
        raise KeyboardInterrupt
    return report


def properties_of(report: Report, names: tuple[str, ...] | None = None) -> list[tuple[str, object]]:
    """Findings and their evidence as properties of a test, which a JUnit file shows."""
    from mldoctor.reports.concise import render_every

    rows: list[tuple[str, object]] = []
    for finding in report.findings:
        if names is None or finding.name in names:
            line = render_every(report, [finding]).splitlines()[0]
            rows.append((f"{_PREFIX}{finding.name}", line))
            rows += [
                (
                    f"{_PREFIX}{finding.name}: {row.name}",
                    f"{row.measured} (expected {row.expected})" if row.expected else row.measured,
                )
                for row in finding.evidence
            ]
    return rows


@pytest.fixture(name="mldoctor")
def _mldoctor(request: pytest.FixtureRequest) -> Doctor:
    """Examine training scripts: `mldoctor.check_script("train.py").assert_healthy()`."""
    settings = settings_of(request.config)
    for marker in reversed([*request.node.iter_markers("mldoctor")]):  # the closest one counts
        if marker.args:
            raise pytest.UsageError("the mldoctor marker takes keyword arguments only")
        settings |= marker.kwargs
    return Doctor(settings, request.node.user_properties, request.path)


def settings_of(config: pytest.Config) -> dict[str, Any]:
    """The settings from options and ini keys; an option counts before the ini key."""
    from mldoctor.settings import kinds

    settings: dict[str, Any] = {}
    for ini, (name, _) in _INI.items():
        given = config.getoption(ini) or config.getini(ini)
        if given:
            key = name.replace("_", "-")
            settings[name] = kinds()[key].read_text(given, key, ini)
    return settings


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options and ini keys, in a group of their own."""
    group = parser.getgroup("mldoctor", "training scripts under examination")
    for ini, (_, text) in _INI.items():
        flag = f"--{ini.replace('_', '-')}"
        group.addoption(flag, dest=ini, default=None, metavar="VALUE", help=text)
        parser.addini(ini, text, default="")
    strict = "An accepted finding that does not occur fails its test."
    group.addoption(
        "--mldoctor-strict", dest="mldoctor_strict", action="store_true", default=None, help=strict
    )
    parser.addini("mldoctor_strict", strict, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that strict markers know it."""
    config.addinivalue_line(
        "markers",
        'mldoctor(select=..., accept={"frozen-head": "linear probe"}, ...): settings of mldoctor '
        "for this test, by the names of their fields.",
    )


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in its own hook of this name
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the probes of one script in one worker of a distributed run, which examines it once."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        check = getattr(item, "callspec", None) and item.callspec.params.get("probe_check")  # type: ignore[attr-defined]
        if check is not None:
            item.add_marker(pytest.mark.xdist_group(f"mldoctor {check.path}"))


def pytest_report_header() -> str:
    """One line, so that a log says which doctor looked."""
    from mldoctor.versions import tool

    return f"mldoctor: {tool()}"


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """What was found, once for all workers; only if something was, or with -rA."""
    rows = dict.fromkeys(_found(terminalreporter))
    wants_all = "A" in (config.getoption("reportchars") or "")
    if not rows and not wants_all:
        return
    terminalreporter.section("mldoctor")
    for row in rows or ["No findings."]:
        terminalreporter.line(row)


def _found(terminalreporter: pytest.TerminalReporter) -> Iterator[str]:
    """The concise lines of all findings; evidence has a name behind a colon."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", []):
                if name.startswith(_PREFIX) and ": " not in name:
                    yield str(value)
