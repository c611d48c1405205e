"""The report as JSON, schema version 1 (`report.schema.json`); strictly valid for any reader."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from mldoctor.findings import SCHEMA_VERSION

if TYPE_CHECKING:
    from mldoctor.findings import Curve, Finding, Location, Report, Verification
    from mldoctor.reports import Look


def render(report: Report, look: Look) -> str:  # noqa: ARG001 - JSON has one look
    """The report as indented JSON."""
    return json.dumps(as_data(report), indent=2, allow_nan=False) + "\n"


def as_data(report: Report) -> dict[str, Any]:
    """The report as JSON-ready data: findings in rank order, folded symptoms as own entries."""
    run = report.run
    libraries = {name: v for name, v in report.versions.items() if name != "mldoctor"}
    data: dict[str, Any] = _strict(
        {
            "schema_version": SCHEMA_VERSION,
            "tool": {
                "name": "mldoctor",
                "version": report.versions.get("mldoctor"),
                "libraries": libraries,
            },
            "command": list(report.command),
            "target": report.target,
            "verdict": report.verdict,
            "findings": [_finding(finding) for finding in report.findings],
            "passed": list(report.passed),
            "not_checked": [
                {"name": s.name, "reason": s.reason, "enable": s.enable or None}
                for s in report.not_checked
            ],
            "crashed": [{"name": c.name, "error": c.error} for c in report.crashed],
            "suppressed": [
                {**_finding(s.finding), "reason": s.reason, "by": s.by} for s in report.suppressed
            ],
            "curves": [_curve(curve) for curve in report.curves],
            "run": {
                "updates": run.updates,
                **({"files": run.files} if run.files else {}),
                "seconds": run.seconds,
                "device": run.device,
                "seed": run.seed,
                "outcome": run.outcome or None,
                "headline": run.headline or None,
                "output_tail": list(run.output_tail),
                "step": _location(run.step),
                "captured": {
                    "models": list(run.captured.models),
                    "optimizers": list(run.captured.optimizers),
                    "loaders": list(run.captured.loaders),
                },
            },
        }
    )
    return data


def _finding(finding: Finding) -> dict[str, Any]:
    remedy = finding.remedy
    return {
        "name": finding.name,
        "family": finding.family,
        "severity": finding.severity and str(finding.severity),
        "message": finding.message,
        "subject": finding.subject or None,
        "symptom": finding.symptom,
        "location": _location(finding.location),
        "also": _location(finding.also),
        "evidence": [
            {"name": row.name, "measured": row.measured, "expected": row.expected}
            | ({"rows": [list(values) for values in row.rows]} if row.rows else {})
            for row in finding.evidence
        ],
        "explains": list(finding.explains),
        "explained_by": finding.explained_by,
        "remedy": remedy
        and {"advice": remedy.advice, "diff": remedy.diff, "recipe": remedy.recipe},
        "verified": finding.verified,
        "verification": _verification(finding.verification),
        "function": finding.function or None,
        "fingerprint": finding.fingerprint or None,
    }


def _verification(tried: Verification | None) -> dict[str, Any] | None:
    if tried is None:
        return None
    return {
        "outcome": tried.outcome,
        "detail": tried.detail,
        "updates": tried.updates,
        "trials": [
            {"seed": row.seed, "control": row.control, "treated": row.treated}
            for row in tried.trials
        ],
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "title": curve.title,
        "x_label": curve.x_label,
        "y_label": curve.y_label,
        "series": [{"name": name, "values": list(values)} for name, values in curve.series],
        "expected": curve.expected and list(curve.expected),
        "finding": curve.finding or None,
        "kind": curve.kind,
        "categories": list(curve.categories),
        "logarithmic": curve.logarithmic,
    }


def _location(place: Location | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {
        "path": place.path,
        "line": place.line,
        "column": place.column,
        "label": place.label or None,
    }


def _strict(value: Any) -> Any:
    """The value without what strict readers refuse: NaN and Inf, halves of surrogate pairs."""
    if isinstance(value, dict):
        return {_strict(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strict(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    return value
