"""The figures of a record that a report draws: a pure function of what was observed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mldoctor.facts.cause_trials import CauseTrials
from mldoctor.facts.class_labels import ClassLabels
from mldoctor.facts.gradient_flow import GradientFlow
from mldoctor.facts.overfit_curve import OverfitCurve
from mldoctor.facts.rate_trial import RateTrial
from mldoctor.facts.updates import Updates
from mldoctor.findings import Curve, number

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from mldoctor.record import Record

MOST_CLASSES = 40
"""Bars that can still be told apart; more classes make no plot."""


def curves(record: Record, findings: Collection[str]) -> tuple[Curve, ...]:
    """Every figure that the record has values for.

    Args:
        record: what was observed.
        findings: names of the findings: a figure stands under the one that it is evidence for.
    """
    drawn = (make(record, findings) for make in _MAKERS)
    return tuple(curve for curve in drawn if curve is not None)


def _memorising(record: Record, findings: Collection[str]) -> Curve | None:
    """The overfit test: as the loop is, and treated."""
    control = record.facts.get(OverfitCurve)
    if not isinstance(control, OverfitCurve) or len(control.losses) < 2:  # noqa: PLR2004 - a line
        return None
    series = [("as it is", _finite(control.losses))]
    owner = next((n for n in ("cannot-overfit", "flat-loss") if n in findings), "")
    rates = record.facts.get(RateTrial)
    if isinstance(rates, RateTrial):
        series += [(f"{number(t.factor)} times the rate", _finite(t.losses)) for t in rates.treated]
        cure = rates.cure()
        if cure is not None:
            name = "learning-rate-too-high" if cure.factor < 1 else "learning-rate-too-low"
            owner = name if name in findings else owner
    trials = record.facts.get(CauseTrials)
    if isinstance(trials, CauseTrials):
        series += [(trial.treatment, _finite(trial.losses)) for trial in trials.rows]
        owner = next((t.cause for t in trials.rows if t.cured and t.cause in findings), owner)
    return Curve(
        "Can the loop memorise a few fixed samples?",
        "passes over the samples",
        "loss",
        tuple((name, values) for name, values in series if values),
        finding=owner,
    )


def _natural_losses(record: Record, findings: Collection[str]) -> Curve | None:
    updates = record.facts.get(Updates)
    values = _finite(updates.losses) if isinstance(updates, Updates) else ()
    if len(values) < 2:  # noqa: PLR2004 - a line
        return None
    owner = "non-finite-loss" if "non-finite-loss" in findings else ""
    return Curve("Does the loss fall?", "backwards", "loss", (("loss", values),), finding=owner)


def _gradient_norms(record: Record, findings: Collection[str]) -> Curve | None:
    updates = record.facts.get(Updates)
    rows = updates.rows if isinstance(updates, Updates) else ()
    values = tuple(
        r.gradient_norm for r in rows if r.gradient_norm and math.isfinite(r.gradient_norm)
    )
    if len(values) < 2:  # noqa: PLR2004 - a line
        return None
    owner = "exploding-gradients" if "exploding-gradients" in findings else ""
    return Curve(
        "How large are the gradients?",
        "updates",
        "L2 norm of all gradients",
        (("norm", values),),
        finding=owner,
        logarithmic=True,
    )


def _gradients_by_layer(record: Record, findings: Collection[str]) -> Curve | None:
    flow = record.facts.get(GradientFlow)
    rows = [r for r in flow.rows if r.gradient > 0] if isinstance(flow, GradientFlow) else []
    if len(rows) < 2:  # noqa: PLR2004 - a line
        return None
    owner = "vanishing-gradients" if "vanishing-gradients" in findings else ""
    return Curve(
        "Do the gradients reach every layer?",
        "weights, in the order of the model",
        "typical gradient of an entry (median over updates)",
        (("gradient", tuple(r.gradient for r in rows)),),
        finding=owner,
        categories=tuple(r.name for r in rows),
        logarithmic=True,
    )


def _labels(record: Record, findings: Collection[str]) -> Curve | None:
    labels = record.facts.get(ClassLabels)
    counts = labels.training.counts if isinstance(labels, ClassLabels) else {}
    if not 1 <= len(counts) <= MOST_CLASSES:
        return None
    names = ("single-class-labels", "label-imbalance", "missing-class")
    owner = next((n for n in names if n in findings), "")
    return Curve(
        "What are the labels?",
        "class",
        "training samples",
        (("samples", tuple(float(n) for n in counts.values())),),
        finding=owner,
        kind="bars",
        categories=tuple(map(str, counts)),
    )


def _answers(record: Record, findings: Collection[str]) -> Curve | None:
    """What the loop answered at the end of the overfit test, beside the labels."""
    curve = record.facts.get(OverfitCurve)
    if not isinstance(curve, OverfitCurve) or not curve.predicted:
        return None
    classes = sorted({*curve.labels, *curve.predicted}, key=lambda c: (len(c), c))
    if len(classes) > MOST_CLASSES:
        return None
    return Curve(
        "What does the loop answer on the fixed samples?",
        "class",
        "samples",
        (
            ("labels", tuple(float(curve.labels.get(c, 0)) for c in classes)),
            ("answers", tuple(float(curve.predicted.get(c, 0)) for c in classes)),
        ),
        finding="single-class-collapse" if "single-class-collapse" in findings else "",
        kind="bars",
        categories=tuple(classes),
    )


_MAKERS: tuple[Callable[[Record, Collection[str]], Curve | None], ...] = (
    _memorising,
    _natural_losses,
    _gradient_norms,
    _gradients_by_layer,
    _labels,
    _answers,
)


def _finite(values: tuple[float, ...]) -> tuple[float, ...]:
    """The values up to the first that is not finite: what comes after it is not a curve."""
    kept = []
    for value in values:
        if not math.isfinite(value):
            break
        kept.append(value)
    return tuple(kept)
