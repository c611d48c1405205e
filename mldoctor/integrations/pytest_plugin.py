"""The pytest plugin: examine training scripts from tests.

Loaded into every pytest run in an environment that has mldoctor, so it imports nothing but pytest
before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import os

    from mldoctor.findings import Report


class Doctor:
    """What the `mldoctor` fixture gives."""

    def check_script(
        self, path: str | os.PathLike[str], *arguments: str, **settings: Any
    ) -> Report:
        """Examine a training script as `mldoctor check PATH -- ARGUMENTS` does.

        Args:
            path: the script.
            arguments: what the script finds in `sys.argv`.
            settings: fields of `Settings`, such as `select=("model",)` or `max_steps=50`; they
                count before variables and pyproject.toml, as flags do.

        Raises:
            MldoctorError: when the script or a setting cannot be used.
        """
        __tracebackhide__ = True
        from mldoctor.checkup import checkup
        from mldoctor.settings import load
        from mldoctor.target import folder, resolve

        target = resolve(str(path), tuple(map(str, arguments)))
        chosen = load(settings, start=folder(target))
        report = checkup(target, chosen, lambda _: None)
        if report.run.outcome == "interrupted":  # Ctrl-C was meant for the whole test run
            raise KeyboardInterrupt
        return report


@pytest.fixture(name="mldoctor")
def _mldoctor() -> Doctor:
    """Examine training scripts: `mldoctor.check_script("train.py").assert_healthy()`."""
    return Doctor()


def pytest_report_header() -> str:
    """One line, so that a log says which doctor looked."""
    from mldoctor.versions import tool

    return f"mldoctor: {tool()}"
