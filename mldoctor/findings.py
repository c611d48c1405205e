"""The values that a report is made of: findings, their evidence, and what was not checked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

from mldoctor.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA_VERSION = 1

Verdict = Literal["healthy", "findings", "incomplete"]


class Severity(StrEnum):
    """How bad a finding is: training cannot work, likely harm, or worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for an error, 1 for a warning, 2 for a note: the order of a report."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Location:
    """A place in the user's code. `line` and `column` count from 1; `label` says what is there."""

    path: str
    line: int
    column: int = 1
    label: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One measured row: what was looked at, what was seen, what a sound run shows.

    Both values are text with units, written once by the probe, so that every report format
    shows the same number.

    Attributes:
        sample: the measured text quotes training data, so a report shows it only with
            `--include-examples`.
        rows: what `measured` shows the first of, in full, such as all pairs of equal samples; only
            JSON has them.
    """

    name: str
    measured: str
    expected: str = ""
    sample: bool = False
    rows: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Remedy:
    """Advice in the imperative, where possible with a source edit or a recipe that shows it."""

    advice: str
    diff: str | None = None
    recipe: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One seed of a verification: the loss without and with the remedy."""

    seed: int
    control: float
    treated: float


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of trying a remedy.

    Attributes:
        outcome: "verified"; "no effect" where the fault is gone and no loss shows it; "no help";
            "not done" where the budget of the verification ended.
        detail: the loss that separated, by name, or the reason.
        updates: optimizer updates that every run took at least.
        trials: the runs behind it, one for each seed.
    """

    outcome: str
    detail: str
    updates: int = 0
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault seen in this run.

    A probe gives `message`, `evidence`, `location`, `explains` and `remedy`; the registry fills in
    `name`, `family`, `severity` (unless the probe chose a milder one) and `symptom`.

    Attributes:
        message: one line under 80 characters, lower-case start, present tense, no full stop.
        also: a second place that belongs to the fault, such as where the optimizer was built.
        explains: names of other findings that this one accounts for *in this run*.
        explained_by: set by rank; the cause under which this finding is folded.
        verified: True or False after treated runs were compared with control runs, else None.
        verification: those runs, and what they said.
        subject: the object at fault (`model.classifier`), part of the fingerprint.
        function: the function around `location` (`Trainer.fit`); set when a report is made.
        fingerprint: what recognises this finding in another run; set when a report is made.
    """

    message: str
    evidence: tuple[Evidence, ...] = ()
    location: Location | None = None
    also: Location | None = None
    explains: tuple[str, ...] = ()
    remedy: Remedy | None = None
    severity: Severity | None = None
    subject: str = ""
    name: str = ""
    family: str = ""
    symptom: bool = False
    explained_by: str | None = None
    verified: bool | None = None
    verification: Verification | None = None
    function: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A probe that could not judge this run, and why. `enable` is the flag that would let it."""

    name: str
    reason: str
    enable: str = ""


@dataclass(frozen=True, slots=True)
class Crashed:
    """A probe, or the fact behind it, that failed inside mldoctor; the others went on."""

    name: str
    error: str


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that the user accepted, with the reason that was given.

    Attributes:
        by: what accepted it: "ignore" (a comment), "per-file-ignores", "accept", "baseline".
    """

    finding: Finding
    reason: str
    by: str = "ignore"


@dataclass(frozen=True, slots=True)
class Captured:
    """What the trainee was seen to consist of, as short texts."""

    models: tuple[str, ...] = ()
    optimizers: tuple[str, ...] = ()
    loaders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """How the examination went.

    Attributes:
        updates: optimizer steps that the script took under observation, natural and driven.
        rows: rows of data files that were read, where there is no script.
        files: source files that were read, where nothing was run.
        seconds: wall time of the whole run, start-up included.
        outcome: how the script ended, in a sentence, when it did not simply reach the budget.
        output_tail: the last lines the script printed, kept only for an incomplete run.
        headline: one line of figures for a clean report ("Loss 0.515 to 0.007; ...").
        step: the line that runs the training step, else the first of the script: where formats
            that need a place show a finding that has none.
    """

    updates: int = 0
    rows: int = 0
    files: int = 0
    seconds: float = 0.0
    device: str = "cpu"
    seed: int | None = None
    captured: Captured = field(default_factory=Captured)
    outcome: str = ""
    output_tail: tuple[str, ...] = ()
    headline: str = ""
    step: Location | None = None

    @property
    def seen(self) -> int:
        """How much was looked at, of whatever was examined; 0 is an examination of nothing."""
        return self.updates or self.rows or self.files


@dataclass(frozen=True, slots=True)
class Curve:
    """Figures that a report draws: one question, its series, and what a sound run shows.

    Attributes:
        title: the question that the plot answers ("Can the loop memorise 20 samples?").
        x_label: what the horizontal axis counts.
        y_label: what was measured, with its unit.
        series: name and values of each line, group of bars, or row of a grid.
        expected: lowest and highest value of a sound run; None is an open end.
        finding: name of the finding that it is evidence for; "" for the run as a whole.
        kind: "line", "bars" (label counts), or "grid" (a confusion matrix: rows are true classes).
        categories: names along the horizontal axis; without them values are counted from 1.
        logarithmic: the values span orders of magnitude.
    """

    title: str
    x_label: str
    y_label: str
    series: tuple[tuple[str, tuple[float, ...]], ...]
    expected: tuple[float | None, float | None] | None = None
    finding: str = ""
    kind: Literal["line", "bars", "grid"] = "line"
    categories: tuple[str, ...] = ()
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """The whole result of one examination; every format is a function of this value.

    Attributes:
        sources: text of the files that the findings point at, as they were during the run.
    """

    target: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    passed: tuple[str, ...] = ()
    not_checked: tuple[Skipped, ...] = ()
    crashed: tuple[Crashed, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    run: Run = field(default_factory=Run)
    command: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    sources: dict[str, str] = field(default_factory=dict)

    def worst(self) -> Severity | None:
        """The highest severity among the findings, or None when there is none."""
        return min(
            (f.severity for f in self.findings if f.severity), key=lambda s: s.rank, default=None
        )

    def assert_healthy(self) -> None:
        """Fail unless the examination was complete and found nothing.

        Raises:
            AssertionError: with the concise report.
        """
        __tracebackhide__ = True
        if self.verdict != "healthy":
            raise AssertionError(self._shown("is not healthy"))

    def assert_no(self, name: str) -> None:
        """Fail if the probe, or any probe of the family, found something or none could judge.

        Raises:
            AssertionError: with the concise report, or why nothing was checked.
            UnknownNameError: when there is no such probe or family.
        """
        __tracebackhide__ = True
        from mldoctor.registry import select

        meant = select((name,), ())
        found = [f for f in self.findings if f.name in meant]
        if found:
            raise AssertionError(self._shown(f"has {name}", found))
        judged = {*self.passed, *(s.finding.name for s in self.suppressed)}
        if judged.isdisjoint(meant):
            reasons = {s.name: s.reason for s in self.not_checked}
            reasons |= {c.name: f"crashed: {c.error}" for c in self.crashed}
            told = [f"\n{n}: {reasons.get(n, 'not selected')}" for n in meant]
            raise AssertionError(f"{self.target} was not checked for {name}" + "".join(told))

    def assert_found(self, name: str, path: str | None = None, line: int | None = None) -> Finding:
        """Fail unless the probe found something, where given at that file and line.

        Args:
            name: the name of a probe.
            path: the end of the path, in whole parts: "train.py", "src/train.py".
            line: the line of the finding's location.

        Raises:
            AssertionError: with the concise report.
            UnknownNameError: when there is no such probe.
        """
        __tracebackhide__ = True
        from mldoctor.registry import probes

        if name not in probes():
            raise UnknownNameError("probe", name, probes())
        for finding in self.findings:
            place = finding.location
            if (
                finding.name == name
                and (path is None or (place is not None and _ends_with(place.path, path)))
                and (line is None or (place is not None and place.line == line))
            ):
                return finding
        where = f" at {path or ''}{f':{line}' if line is not None else ''}" if path or line else ""
        raise AssertionError(self._shown(f"has no {name}{where}"))

    def _shown(self, said: str, findings: Iterable[Finding] | None = None) -> str:
        """The sentence of a failed assertion, over the concise lines of the findings."""
        from mldoctor.reports.concise import render_every

        return f"{self.target} {said}\n{render_every(self, findings)}".rstrip()

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data, schema version 1."""
        from mldoctor.reports.json import as_data

        return as_data(self)


def _ends_with(path: str, end: str) -> bool:
    whole, parts = PurePath(path).parts, PurePath(end).parts
    return whole[-len(parts) :] == parts


def number(value: float, digits: int = 3) -> str:
    """A figure as every report shows it: 2 to 4 significant digits, thousands separated.

    >>> number(0), number(1234567), number(0.0123456), number(2.0), number(3.5e-9)
    ('0', '1,234,567', '0.0123', '2', '3.5e-09')
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Inf" if value > 0 else "-Inf")
    if value == int(value) and abs(value) < 1e15:  # noqa: PLR2004 - beyond that floats skip integers
        return f"{int(value):,}"
    if abs(value) >= 1000:  # noqa: PLR2004 - from here on decimals are noise
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"
