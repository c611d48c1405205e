"""Verify remedies: run the script with an edit beside the script as it is, on the same seeds.

A remedy counts as verified when, over all seeds, its finding is there without the edit and gone with
it, no new error appears, and a loss separates: the worst run with the edit beats the best without.
With three runs a side that happens by chance once in twenty times (Wilcoxon's rank-sum test).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mldoctor.edits import edit_for
from mldoctor.facts.overfit_curve import OverfitCurve
from mldoctor.facts.updates import Updates
from mldoctor.findings import Severity, Trial, Verification

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mldoctor.case import Case
    from mldoctor.edits import Edit
    from mldoctor.findings import Finding, Report
    from mldoctor.record import Record
    from mldoctor.settings import Settings
    from mldoctor.trainee.process import Progress, Target

SEEDS = 3
MARGIN = 0.05
"""Share by which the worst run with the edit must beat the best without: less is no effect."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the script.

    Attributes:
        findings: names of the errors and warnings found; errors: of the errors.
        losses: the figures by which runs are compared, by name, lower is better.
        shares: their distances from zero, relative to that of the first loss: what compares runs
            whose losses differ in sign, as a loss with the wrong one falls without end.
        updates: optimizer updates taken.
    """

    seed: int
    findings: frozenset[str]
    errors: frozenset[str]
    losses: Mapping[str, float]
    shares: Mapping[str, float]
    updates: int


def verified(
    case: Case,
    report: Report,
    target: Target,
    settings: Settings,
    on_progress: Callable[[Progress], None],
) -> Report:
    """The report with the outcome of trying each edit that it offers.

    The causes come first. Trials end when `settings.verify_budget` seconds are spent; what was not
    tried by then is reported as not done.
    """
    deadline = time.monotonic() + settings.verify_budget
    seeds = [settings.seed + k for k in range(SEEDS)]
    controls = [_summary(settings.seed, report, case.record)]
    findings = list(report.findings)
    for index, finding in enumerate(findings):
        edit = edit_for(finding, report.sources)
        if edit is None or finding.explained_by is not None:
            continue
        treated: list[Run] = []
        for number, seed in enumerate(seeds):
            for runs, patches in ((controls, ()), (treated, ((edit.path, edit.after),))):
                if len(runs) > number or time.monotonic() > deadline:
                    continue
                other = replace(target, seed_shift=number)  # also where the script sets its own
                runs.append(_run(case, other, replace(settings, seed=seed), patches, on_progress))
            if len(treated) > number and finding.name in treated[-1].findings:
                break  # it did not even take the finding away
        outcome = compare(finding.name, controls[: len(treated)], treated)
        findings[index] = replace(finding, verified=_answer(outcome), verification=outcome)
    return replace(report, findings=tuple(findings))


def _run(
    case: Case,
    target: Target,
    settings: Settings,
    patches: tuple[tuple[str, str], ...],
    on_progress: Callable[[Progress], None],
) -> Run:
    from mldoctor.case import judged
    from mldoctor.trainee.process import examine

    whole = tuple((str(Path(case.folder, path)), text) for path, text in patches)
    record = examine(replace(target, patches=whole), settings, on_progress)
    return _summary(settings.seed, judged(replace(case, record=record)), record)


def _summary(seed: int, report: Report, record: Record) -> Run:
    curve = record.facts.get(OverfitCurve)
    updates = record.facts.get(Updates)
    losses: dict[str, float] = {}
    shares: dict[str, float] = {}
    if isinstance(curve, OverfitCurve) and curve.losses:
        name = "loss on the fixed samples"
        losses[name] = _worst_if_nan(curve.last)
        shares[name] = _share(curve.last, curve.first)
    if isinstance(updates, Updates) and len(updates.losses) >= 3:  # noqa: PLR2004 - a third of it
        tail = updates.losses[-(len(updates.losses) // 3) :]
        name = "loss of the last natural updates"
        losses[name] = _worst_if_nan(sum(tail) / len(tail))
        shares[name] = _share(losses[name], updates.losses[0])
    loud = [f for f in report.findings if f.severity is not Severity.NOTE]
    return Run(
        seed,
        frozenset(f.name for f in loud),
        frozenset(f.name for f in loud if f.severity is Severity.ERROR),
        losses,
        shares,
        report.run.updates,
    )


def compare(name: str, controls: Sequence[Run], treated: Sequence[Run]) -> Verification:
    """What the runs without and with an edit say about it."""
    if len(treated) < SEEDS and not any(name in run.findings for run in treated):
        return Verification("not done", "the budget of the verification ended")
    updates = min(run.updates for run in (*controls, *treated))
    if any(name in run.findings for run in treated) or not all(
        name in run.findings for run in controls
    ):
        return Verification("no help", "the finding stayed", updates=updates)
    known = frozenset().union(*(run.findings for run in controls))
    fresh = sorted(frozenset().union(*(run.errors for run in treated)) - known)
    if fresh:
        return Verification("no help", f"a new error appeared: {fresh[0]}", updates=updates)
    for measure in controls[0].losses:
        if any(measure not in run.losses for run in (*controls, *treated)):
            continue
        signs = {run.losses[measure] < 0 for run in (*controls, *treated)}
        said = measure if len(signs) == 1 else f"share of the first {measure}"
        before, after = (
            [(run.losses if len(signs) == 1 else run.shares)[measure] for run in runs]
            for runs in (controls, treated)
        )
        best, worst = min(before), max(after)
        if worst < best and (math.isinf(best) or best - worst >= MARGIN * abs(best)):
            seeds = [run.seed for run in controls]
            rows = tuple(Trial(*row) for row in zip(seeds, before, after, strict=True))
            return Verification("verified", said, updates=updates, trials=rows)
    return Verification("no effect", "no loss separates", updates=updates)


def _answer(outcome: Verification) -> bool | None:
    return {"verified": True, "no help": False}.get(outcome.outcome)


def _worst_if_nan(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def _share(last: float, first: float) -> float:
    return _worst_if_nan(abs(last / first)) if first else math.inf


def edits(report: Report) -> list[tuple[Finding, Edit]]:
    """The findings that have an edit, causes only, with it."""
    found = []
    for finding in report.findings:
        edit = edit_for(finding, report.sources)
        if edit is not None and finding.explained_by is None:
            found.append((finding, edit))
    return found
