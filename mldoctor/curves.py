"""The figures of a record that a report draws: a pure function of what was observed."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from mldoctor.facts.cause_trials import CauseTrials
from mldoctor.facts.class_labels import ClassLabels
from mldoctor.facts.gradient_flow import GradientFlow
from mldoctor.facts.overfit_curve import LEARNED_SHARE, OverfitCurve
from mldoctor.facts.sample_variation import DISTINCT, SampleVariation
from mldoctor.facts.treatment_trial import TreatmentTrial
from mldoctor.facts.updates import Updates
from mldoctor.findings import Curve
from mldoctor.registry import probes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from mldoctor.record import Record

FACTS: tuple[type, ...] = (SampleVariation,)
"""What is only drawn: no probe asks for it."""

MOST_TREATED = 4
"""Treated curves beside the control, the best ones: more lines cannot be told apart."""

WIDE = 100
"""From this ratio of the largest to the smallest value on, a linear axis shows the largest only."""

MOST_CLASSES = 40
"""Bars that can still be told apart; more classes make no plot."""

MOST_CONFUSED = 12
"""Classes of a confusion matrix that can still be read; of more, the answers are counted."""


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
    trial = record.facts.get(TreatmentTrial)
    if isinstance(trial, TreatmentTrial):
        shown = sorted(trial.treated, key=lambda t: t.level)[:MOST_TREATED]
        series += [(" and ".join(t.names), _finite(t.losses)) for t in shown]
        cured = None if trial.cured is None else trial.treated[trial.cured]
        owner = next((c for c in cured.causes if c in findings), owner) if cured else owner
    trials = record.facts.get(CauseTrials)
    if isinstance(trials, CauseTrials):
        series += [(trial.treatment, _finite(trial.losses)) for trial in trials.rows]
        owner = next((t.cause for t in trials.rows if t.cured and t.cause in findings), owner)
    return Curve(
        "Can the loop memorise a few fixed samples?",
        "passes over the samples",
        "loss",
        tuple((name, values) for name, values in series if values),
        expected=(None, LEARNED_SHARE * control.losses[0]) if control.losses[0] > 0 else None,
        finding=owner,
        logarithmic=_wide([value for _, values in series for value in values]),
    )


def _natural_losses(record: Record, findings: Collection[str]) -> Curve | None:
    updates = record.facts.get(Updates)
    values = _finite(updates.losses) if isinstance(updates, Updates) else ()
    if len(values) < 2:  # noqa: PLR2004 - a line
        return None
    owner = next((n for n in ("non-finite-loss", "oscillating-loss") if n in findings), "")
    start = values[: max(1, len(values) // 3)]  # what flat-loss compares the rest with
    return Curve(
        "Does the loss fall?",
        "backwards",
        "loss",
        (("loss", values),),
        expected=(None, min(values[0], sum(start) / len(start))),
        finding=owner,
        logarithmic=_wide(values),
    )


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
        expected=(None, _threshold("exploding-gradients", "spike") * median(values)),
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
        expected=(
            _threshold("vanishing-gradients", "share") * max(r.gradient for r in rows),
            None,
        ),
        finding=owner,
        categories=tuple(r.name for r in rows),
        logarithmic=True,
    )


def _labels(record: Record, findings: Collection[str]) -> Curve | None:
    labels = record.facts.get(ClassLabels)
    counts = labels.training.counts if isinstance(labels, ClassLabels) else {}
    if not 1 <= len(counts) <= MOST_CLASSES:
        return None
    owners = ("single-class-labels", "label-imbalance", "missing-class")
    owner = next((n for n in owners if n in findings), "")
    names = _in_order(counts)
    fewest = _threshold("label-imbalance", "max_share") * sum(counts.values())
    return Curve(
        "What are the labels?",
        "class",
        "training samples",
        (("samples", tuple(float(counts[name]) for name in names)),),
        expected=(max(1.0, fewest), None),
        finding=owner,
        kind="bars",
        categories=names,
    )


def _confusion(record: Record, findings: Collection[str]) -> Curve | None:
    """What the loop answered to each label at the end of the overfit test."""
    curve = record.facts.get(OverfitCurve)
    if not isinstance(curve, OverfitCurve) or not curve.confusion:
        return None
    pairs = {(label, answer): count for label, answer, count in curve.confusion}
    classes = _in_order({name for pair in pairs for name in pair})
    if not 2 <= len(classes) <= MOST_CONFUSED:  # noqa: PLR2004 - two to confuse
        return None
    return Curve(
        "Which classes are confused on the fixed samples?",
        "answer of the loop",
        "label",
        tuple((c, tuple(float(pairs.get((c, other), 0)) for other in classes)) for c in classes),
        finding="single-class-collapse" if "single-class-collapse" in findings else "",
        kind="grid",
        categories=classes,
    )


def _answers(record: Record, findings: Collection[str]) -> Curve | None:
    """What the loop answered at the end of the overfit test, where no confusion matrix can be read."""
    curve = record.facts.get(OverfitCurve)
    if not isinstance(curve, OverfitCurve) or not curve.predicted:
        return None
    classes = _in_order({*curve.labels, *curve.predicted})
    if len(classes) > MOST_CLASSES or (curve.confusion and 1 < len(classes) <= MOST_CONFUSED):
        return None
    return Curve(
        "What does the loop answer on the fixed samples?",
        "class",
        "samples",
        (
            ("labels, which are expected", tuple(float(curve.labels.get(c, 0)) for c in classes)),
            ("answers", tuple(float(curve.predicted.get(c, 0)) for c in classes)),
        ),
        finding="single-class-collapse" if "single-class-collapse" in findings else "",
        kind="bars",
        categories=classes,
    )


def _variation(record: Record, findings: Collection[str]) -> Curve | None:
    """How far the samples differ in what each layer returns: where it falls, they become one."""
    seen = record.facts.get(SampleVariation)
    rows = seen.rows if isinstance(seen, SampleVariation) else ()
    if len(rows) < 2:  # noqa: PLR2004 - a line
        return None
    owner = next(
        (n for n in ("input-ignored", "saturated-units", "dead-units") if n in findings), ""
    )
    return Curve(
        "Do the samples still differ along the network?",
        "layers, in the order of the forward",
        "deviation between samples, relative to the output",
        (("deviation", tuple(row.variation for row in rows)),),
        expected=(DISTINCT, None),
        finding=owner,
        categories=tuple(f"{row.name} ({row.kind})" for row in rows),
        logarithmic=True,
    )


def _wide(values: Collection[float]) -> bool:
    """Whether values are read better in powers of ten."""
    return bool(values) and 0 < WIDE * min(values) < max(values)


def _threshold(name: str, option: str) -> float:
    """Where a probe begins to alarm, by default: the border of what is expected."""
    return float(probes()[name].options[option])


def _in_order(classes: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(classes, key=lambda c: (len(c), c)))


_MAKERS: tuple[Callable[[Record, Collection[str]], Curve | None], ...] = (
    _memorising,
    _natural_losses,
    _gradient_norms,
    _gradients_by_layer,
    _variation,
    _labels,
    _confusion,
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
