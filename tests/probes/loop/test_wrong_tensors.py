"""Optimizers that were handed other tensors than those that a loss reaches."""

from dataclasses import replace

import pytest

from mldoctor.facts.parameters import Optimizer, Parameter, Parameters
from mldoctor.facts.updates import Update, Updates
from mldoctor.findings import Location
from mldoctor.registry import probes

HERE = Location("train.py", 30)
FROZEN = Parameter(
    "model.encoder.weight",
    "Linear",
    (8, 4),
    False,
    (0,),
    False,
    None,
    0.0,
    False,
    HERE,
    False,
    True,
)
HEAD = replace(
    FROZEN, name="model.head.weight", trainable=True, held_by=(), reached=True, head=True
)
ADAM = Optimizer("Adam", HERE, 1, 0, (), (1e-3,), (1e-3, 1e-3), 24)
IDLE = Update(0, (0.7,), 0.0, None, 0, 1, None, 1, (1e-3,), HERE)
UPDATES = Updates(
    (IDLE,) * 24, 24, 0, 0, HERE, "", None, (0.7,) * 24, 24, HERE, None, None
)  # fmt: skip
MAKER = replace(HEAD, name="maker.0.weight", head=False, gradient=None)
JUDGE = replace(HEAD, name="judge.0.weight", held_by=(0, 1), moved=0.01, gradient=0.3)


def missing(*rows, optimizers=(ADAM,), order=(0, 1) * 12):
    updates = replace(UPDATES, rows=tuple(replace(IDLE, optimizer=index) for index in order))
    parameters = Parameters(rows, optimizers, 24)
    return list(probes()["optimizer-missing-parameters"].judge(parameters, updates))


def stepless(*rows, optimizers=(ADAM,)):
    return list(probes()["missing-step"].judge(UPDATES, Parameters(rows, optimizers, 24)))


def test_only_frozen_tensors_were_handed_over():
    found = missing(FROZEN, HEAD)
    assert len(found) == 1
    assert {"frozen-model", "frozen-head", "flat-loss"} <= {*found[0].explains}
    assert not stepless(FROZEN, HEAD)


def test_gradients_that_are_gone_are_still_a_missing_step():
    held = replace(HEAD, held_by=(0,))
    assert stepless(FROZEN, held)
    assert not missing(FROZEN, held)


def test_a_held_part_that_learns_keeps_the_plain_wording():
    body = replace(FROZEN, trainable=True, reached=True, moved=0.01)
    found = missing(body, HEAD)
    assert found[0].explains == ("frozen-head",)


def test_a_model_without_optimizer_where_two_hold_another():
    found = missing(MAKER, JUDGE, optimizers=(ADAM, ADAM))
    assert found[0].message == "no optimizer holds maker, and 2 hold judge"


@pytest.mark.parametrize(
    "rows",
    [
        (MAKER, replace(JUDGE, held_by=(0,))),  # a network that is used as it is
        (replace(MAKER, trainable=False), JUDGE),
        (replace(MAKER, reached=False), JUDGE),
        (MAKER, replace(MAKER, name="maker.1.weight", trainable=False), JUDGE),  # partly frozen
        (replace(MAKER, moved=0.1), JUDGE),  # moved by hand
    ],
)
def test_a_model_that_needs_no_optimizer_is_quiet(rows):
    assert not missing(*rows, optimizers=(ADAM, ADAM))


def test_an_optimizer_that_never_steps_does_not_count():
    assert not missing(MAKER, JUDGE, optimizers=(ADAM, replace(ADAM, steps=0)))


def test_an_optimizer_that_follows_another_does_not_count():
    assert not missing(MAKER, JUDGE, optimizers=(ADAM, ADAM), order=(0,) * 12 + (1,) * 12)
