"""Judge a record: run every chosen probe over its facts and put the findings in order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mldoctor.curves import curves
from mldoctor.facts.cause_trials import CauseTrials
from mldoctor.facts.treatment_trial import TreatmentTrial
from mldoctor.findings import (
    Crashed,
    Evidence,
    Finding,
    Report,
    Run,
    Severity,
    Skipped,
    Verdict,
    number,
)
from mldoctor.probes.treated import compared
from mldoctor.rank import ranked, unexplained_symptoms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mldoctor.record import Record
    from mldoctor.registry import Probe


LATER_STAGES = "later-stages"
"""Under which name a record keeps that the way to a later stage failed inside mldoctor."""


@dataclass(slots=True)
class Judged:
    """What the probes made of one record."""

    findings: list[Finding] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    crashed: list[Crashed] = field(default_factory=list)


def judge(
    record: Record,
    chosen: Mapping[str, Probe],
    options: Mapping[str, Mapping[str, Any]],
    target: str = "",
) -> Report:
    """The report on one record. Pure: the same record gives the same report.

    Args:
        record: what was observed.
        chosen: the probes to run, by name.
        options: thresholds by probe name, from `[tool.mldoctor.probes.NAME]`.
        target: what was examined, as the user named it.
    """
    judged = _judged(record, chosen, options)
    for stage, seen in enumerate(record.later, start=2):
        _add_stage(judged, _judged(seen, chosen, options), seen, stage)
    trials = record.facts.get(CauseTrials)
    ordered = ranked(judged.findings, trials.cured() if trials else None)
    ordered = _with_what_was_tried(ordered, record.facts.get(TreatmentTrial))
    return Report(
        target=target,
        verdict=_verdict(record, ordered),
        findings=ordered,
        passed=tuple(judged.passed),
        not_checked=tuple(judged.skipped),
        crashed=tuple(judged.crashed),
        run=_with_stages(record),
        curves=curves(record, {f.name for f in ordered}),
    )


def _with_stages(record: Record) -> Run:
    """The run, with how many later stages of the training were seen."""
    count = sum(bool(stage.facts) for stage in record.later)
    if not count:
        return record.run
    stages = "stage" if count == 1 else "stages"
    said = f"{record.run.headline} {count} later {stages} of the training seen."
    return replace(record.run, headline=said.lstrip())


def _judged(
    record: Record, chosen: Mapping[str, Probe], options: Mapping[str, Mapping[str, Any]]
) -> Judged:
    """Run every chosen probe over the facts of one record."""
    findings: list[Finding] = []
    passed: list[str] = []
    skipped: list[Skipped] = []
    crashed: list[Crashed] = []
    for name, probe in chosen.items():
        missing = [need for need in probe.required if need not in record.facts]
        broken = [need for need in missing if need.__name__ in record.crashed]
        if broken:
            crashed.append(Crashed(name, record.crashed[broken[0].__name__]))
        elif missing:
            reason = record.absent.get(missing[0].__name__, "the examination ended before it")
            skipped.append(Skipped(name, reason))
        else:
            try:
                seen = probe.findings(record.facts, options.get(name, {}))
            except Exception as error:  # noqa: BLE001 - one probe must not lose the report
                crashed.append(Crashed(name, f"{type(error).__name__}: {error}"))
                continue
            findings.extend(seen)
            unseen = [n for n in probe.optional - probe.extra if n not in record.facts]
            if seen:
                continue
            if unseen:
                reason = record.absent.get(unseen[0].__name__, "the examination ended before it")
                skipped.append(Skipped(name, reason))
            else:
                passed.append(name)
    return Judged(findings, passed, skipped, crashed)


def _add_stage(judged: Judged, later: Judged, record: Record, stage: int) -> None:
    """Add what a later stage of the training shows that the earlier ones do not.

    Only causes: the way to a later stage is cut short, so how well it learns says nothing.
    """
    row = Evidence(
        "stage of the training", f"number {stage}, seen for {record.run.updates} updates"
    )
    known = {f.name for f in judged.findings} | {c.name for c in judged.crashed}
    judged.findings += [
        replace(f, evidence=(*f.evidence, row), also=f.also or record.run.step)
        for f in later.findings
        if f.name not in known and not f.symptom and f.severity is not Severity.NOTE
    ]
    own = [Crashed(n, e) for n, e in record.crashed.items() if n == LATER_STAGES]
    judged.crashed += [
        replace(c, error=f"in stage {stage} of the training: {c.error}")
        for c in (*own, *later.crashed)
        if c.name not in known
    ]
    told = {f.name for f in judged.findings} | {c.name for c in judged.crashed}
    judged.passed = [name for name in judged.passed if name not in told]
    judged.skipped = [skipped for skipped in judged.skipped if skipped.name not in told]


def _with_what_was_tried(
    findings: tuple[Finding, ...], trial: TreatmentTrial | None
) -> tuple[Finding, ...]:
    """Symptoms that nothing explains, with what was tried: in vain, or with success.

    A treatment may cure a symptom without naming a cause, as clipped gradients do.
    """
    if trial is None or not trial.treated:
        return findings
    if trial.cured is None:
        spent, tried = number(trial.updates), "; ".join(trial.without_help())
        rows: tuple[Evidence, ...] = (
            Evidence(f"treatments tried without help, in {spent} updates", tried),
        )
    else:
        rows = compared(trial, trial.treated[trial.cured])
    standing = unexplained_symptoms(findings)
    return tuple(
        replace(f, evidence=(*f.evidence, *rows))
        if f.name in standing and not f.explained_by
        else f
        for f in findings
    )


def _verdict(record: Record, findings: tuple[Finding, ...]) -> Verdict:
    if findings:
        return "findings"
    return "incomplete" if not record.run.seen or record.run.outcome else "healthy"
