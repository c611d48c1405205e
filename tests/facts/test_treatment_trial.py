"""The trial of treatments on a trainee whose answers are given."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import replace

import pytest

from mldoctor.examine import _with_what_was_tried
from mldoctor.facts import treatment_trial as module
from mldoctor.facts.cause_trials import CauseTrials
from mldoctor.facts.overfit_curve import OverfitCurve
from mldoctor.facts.symptoms import Symptoms
from mldoctor.facts.treatment_trial import (
    MOST_UPDATES,
    TreatedCurve,
    TreatmentTrial,
    beats,
    treatment_trial,
)
from mldoctor.findings import Finding, Severity
from mldoctor.trainee.trainee import FixedSet
from mldoctor.treatments import catalogue
from mldoctor.treatments.catalogue import Option


def curve(losses, outcome):
    return OverfitCurve(
        tuple(losses), len(losses), len(losses), 20, None, {}, {}, 0.69, None, outcome
    )


STUCK = curve([0.7] * 100, "stuck")
WANTED = Symptoms(("cannot-overfit",), ())


class Patient:
    """A trainee of which only the budget matters."""

    def __init__(self, seconds=60.0):
        self.seconds = seconds

    def fixed_set(self):
        return FixedSet(((),), 20)

    def allow(self, updates):
        assert updates == MOST_UPDATES

    def seconds_left(self):
        return self.seconds


class Tape:
    outside_changes = False


@pytest.fixture
def trial(monkeypatch):
    """Run a trial in which each treatment gives the curve that `answers` has for it."""
    lengths = []

    def run(answers, control=STUCK, patient=None, specific=(), *, random=True):
        def memorise(_trainee, _fixed, updates, treatment=None, *, seed=0):
            lengths.append(updates)
            names = []
            if treatment is not None:
                with treatment(names):
                    pass
            elif not random:
                return curve(control.losses[:updates], control.outcome)
            found = answers.get(" and ".join(names), (0.7 + seed / 100, "stuck"))
            return curve([0.7, *[found[0]] * (updates - 1)], found[1])

        def option(name, cause, factor=1.0):
            @contextmanager
            def treat(names):
                names.append(name)
                yield

            return Option(name, cause, treat, factor=factor)

        monkeypatch.setattr(module, "memorise", memorise)
        monkeypatch.setattr(catalogue, "SPECIFIC", tuple(option(n, c) for n, c in specific))
        monkeypatch.setattr(catalogue, "AFTER_RATES", ())
        monkeypatch.setattr(
            catalogue,
            "rates",
            lambda *, higher_first: (
                option("x10", "learning-rate-too-low", 10.0),
                option("x0.1", "learning-rate-too-high", 0.1),
            ),
        )
        return treatment_trial(
            patient or Patient(), control, WANTED, CauseTrials(control, ()), Tape()
        )

    run.lengths = lengths
    return run


def test_the_one_that_learns_is_the_cure_and_was_tried_on_three_seeds(trial):
    found = trial({"x0.1": (0.05, "learned")})
    assert found.cure("learning-rate-too-high").names == ("x0.1",)
    assert found.cure("learning-rate-too-low") is None
    assert [row.treated for row in found.seeds] == pytest.approx([0.05] * 3)
    assert found.without_help() == ("x10",)


def test_one_seed_is_enough_where_updates_draw_no_random_numbers(trial):
    assert len(trial({"x10": (0.05, "learned")}, random=False).seeds) == 1


def test_what_takes_the_fault_away_stands_before_a_rate_that_makes_up_for_it(trial):
    answers = {"x10": (0.3, "learned"), "standardised": (0.02, "learned")}
    specific = (("standardised", "unscaled-input"),)
    found = trial(answers, specific=specific)
    assert found.cure("unscaled-input")


def test_two_treatments_together_where_none_cures_alone(trial):
    answers = {"x10 and labels": (0.05, "learned"), "labels and x10": (0.05, "learned"),
               "x10": (0.66, "falling"), "labels": (0.67, "falling")}  # fmt: skip
    found = trial(
        answers, specific=(("labels", "uninformative-labels"), ("other", "unscaled-input"))
    )
    causes = {"uninformative-labels", "learning-rate-too-low"}
    assert {*found.cure("learning-rate-too-low").causes} == causes


def test_nothing_helps_and_the_better_half_ran_for_longer(trial):
    found = trial({"x10": (0.6, "falling")})
    assert found.cured is None
    assert found.cure("learning-rate-too-low") is None
    assert {row.names: row.updates for row in found.treated}[("x10",)] == 120
    assert {row.names: row.updates for row in found.treated}[("x0.1",)] == 20
    assert found.updates <= MOST_UPDATES


def test_the_budget_ends_a_trial(trial):
    with pytest.raises(module.AbsentFact, match="budget"):
        trial({}, patient=Patient(seconds=0.0))


def test_a_control_that_learned_is_not_treated(trial):
    assert trial({}, control=curve([0.7, 0.1], "learned")).treated == ()
    assert trial.lengths == []


def test_the_treated_run_must_end_clearly_below_the_control_and_the_start():
    assert beats(curve([0.7, 0.1], "learned"), STUCK)
    assert not beats(curve([0.7, 0.6], "falling"), STUCK)
    assert beats(curve([0.7, 0.4], "falling"), STUCK)
    assert not beats(curve([0.7, 0.4], "creeping"), STUCK)
    diverged = curve([5.0, math.inf], "diverged")
    assert beats(curve([5.0, 0.3], "learned"), diverged)
    # Frequencies of the labels are no learning: 0.69 is what they give.
    assert not beats(curve([5.0, 0.6], "falling"), diverged)


def test_a_cure_that_names_no_cause_stands_with_its_symptom():
    cure = TreatedCurve(
        ("clipped",), ("exploding-gradients",), 1.0, (0.7, 0.1), 20, "learned", None
    )
    symptom = Finding("cannot", name="cannot-overfit", symptom=True, severity=Severity.ERROR)
    cause = Finding("rate", name="learning-rate-too-high", explains=("cannot-overfit",))
    cured = TreatmentTrial(STUCK, (cure,), cured=0)
    (alone,) = _with_what_was_tried((symptom,), cured)
    assert [row.name for row in alone.evidence][-1] == "with clipped, after 20 updates"
    (vain,) = _with_what_was_tried((symptom,), replace(cured, cured=None, updates=20))
    assert (vain.evidence[0].name, vain.evidence[0].measured) == (
        "treatments tried without help, in 20 updates",
        "clipped",
    )
    folded = (cause, replace(symptom, explained_by="learning-rate-too-high"))
    assert _with_what_was_tried(folded, cured) == folded
