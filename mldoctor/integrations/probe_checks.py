"""One test for each probe: `@parametrize_with_probes("train.py")`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from mldoctor.integrations.pytest_plugin import examined, properties_of, settings_of

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from mldoctor.findings import Finding, Report


@dataclass(frozen=True)
class ProbeCheck:
    """What a test gets: one probe's part of the examination of one script."""

    path: str
    name: str
    arguments: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    accept: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, request: pytest.FixtureRequest) -> None:
        """Pass, fail, skip or xfail as the probe says of the script.

        The script is examined once, when the first of its checks is called.
        """
        __tracebackhide__ = True
        report = self._report(request.config)
        request.node.user_properties += properties_of(report, (self.name,))
        found = [f for f in report.findings if f.name == self.name]
        if self.name in self.accept:
            self._accepted(found, report, request.config)
        if found:
            pytest.fail(_shown(report, found), pytrace=False)
        for skipped in report.not_checked:
            if skipped.name == self.name:
                pytest.skip(skipped.reason)
        for crashed in report.crashed:
            if crashed.name == self.name:
                pytest.fail(f"{self.name} crashed: {crashed.error}", pytrace=False)
        suppressed = [s for s in report.suppressed if s.finding.name == self.name]
        if suppressed:
            pytest.xfail(suppressed[0].reason)
        if self.name not in report.passed:
            pytest.fail(_shown(report, []) or f"{self.name} did not run", pytrace=False)

    def _accepted(self, found: list[Finding], report: Report, config: pytest.Config) -> None:
        """An accepted finding is expected to fail; where it is gone, strict runs say so."""
        __tracebackhide__ = True
        if found:
            pytest.xfail(self.accept[self.name])
        strict = config.getoption("mldoctor_strict")
        strict = config.getini("mldoctor_strict") if strict is None else strict
        if strict and self.name in report.passed:
            pytest.fail(
                f"{self.name} is accepted ({self.accept[self.name]}) and no longer occurs; "
                "remove it from accept",
                pytrace=False,
            )

    def _report(self, config: pytest.Config) -> Report:
        __tracebackhide__ = True
        key = (self.path, self.arguments, repr(sorted(self.settings.items())))
        reports = config.stash.setdefault(_REPORTS, {})
        if key not in reports:
            reports[key] = examined(
                self.path, self.arguments, {**settings_of(config), **self.settings}
            )
        return reports[key]


_REPORTS = pytest.StashKey[dict[tuple[object, ...], "Report"]]()


def parametrize_with_probes(
    path: str | os.PathLike[str],
    *arguments: str,
    accept: Mapping[str, str] | None = None,
    select: tuple[str, ...] = ("all",),
    ignore: tuple[str, ...] = (),
    **settings: Any,
) -> pytest.MarkDecorator:
    """Give every probe a test of its own, named after it.

    The test takes the parameter `probe_check` and calls it with `request`:

        @parametrize_with_probes("train.py", accept={"frozen-head": "linear probe"})
        def test_training(probe_check, request):
            probe_check(request)

    Args:
        path: the script.
        arguments: what the script finds in `sys.argv`.
        accept: reasons by the name of a probe: its finding is an expected failure.
        select: probes and families to run.
        ignore: probes and families to leave out.
        settings: further fields of `Settings`.

    Raises:
        UnknownNameError: when a probe or family does not exist.
    """
    from mldoctor.registry import select as selected

    accept = dict(accept or {})
    names = selected(tuple(select), tuple(ignore))
    selected(tuple(accept), ())  # a misspelt name must not pass for "nothing to accept"
    given = {"select": tuple(select), "ignore": tuple(ignore), **settings}
    checks = [ProbeCheck(str(path), name, tuple(arguments), given, accept) for name in names]
    return pytest.mark.parametrize("probe_check", checks, ids=list(names))


def _shown(report: Report, findings: list[Finding]) -> str:
    from mldoctor.reports.concise import render_every

    return render_every(report, findings).rstrip()
