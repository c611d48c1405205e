"""One optimizer of several whose own loss does not reach what it holds."""

from dataclasses import replace

import pytest

from mldoctor.facts.parameters import Optimizer, Parameter, Parameters
from mldoctor.facts.updates import Update, Updates
from mldoctor.findings import Location
from mldoctor.registry import probes

HERE = Location("train.py", 30)
MAKER = Parameter(
    "maker.0.weight", "Linear", (8, 4), True, (0,), False, None, 0.0, False, HERE, False, True
)
JUDGE = replace(MAKER, name="judge.0.weight", held_by=(1,), reached=True, gradient=0.3, moved=0.01)
ADAM = Optimizer("Adam", HERE, 1, 0, (), (1e-3,), (1e-3, 1e-3), 12)
IDLE = Update(0, (0.7,), 0.0, None, 0, 1, None, 1, (1e-3,), HERE)
BUSY = Update(1, (0.7,), 0.3, None, 1, 1, None, 1, (1e-3,), HERE)


def judged(maker, steps=12, optimizer=ADAM, more=()):
    updates = Updates(
        (IDLE, BUSY) * steps, 24, 0, 0, HERE, "", None, (0.7,) * 24, 36, HERE, None, None
    )
    parameters = Parameters((maker, JUDGE, *more), (optimizer, ADAM), 24)
    return list(probes()["missing-backward"].judge(updates, parameters))


def test_a_model_that_no_loss_reaches_is_named():
    (finding,) = judged(MAKER)
    assert finding.message == "the Adam of maker steps and never finds a gradient"


@pytest.mark.parametrize(
    "change",
    [
        {"reached": True},  # the loss reaches it, its gradients are cleared before the step
        {"gradient": 0.0},  # a term of weight zero, for now
        {"moved": 1e-5},
        {"graded": False},
        {"trainable": False},
        {"held_by": (0, 1)},
    ],
)
def test_what_reaches_the_model_or_moves_it_is_no_fault(change):
    assert not judged(replace(MAKER, **change))


def test_few_steps_strangers_and_parts_of_a_model_say_nothing():
    assert not judged(MAKER, steps=9)
    assert not judged(MAKER, optimizer=replace(ADAM, strangers=1))
    other = replace(JUDGE, name="maker.1.weight")
    assert not judged(MAKER, more=(other,))
