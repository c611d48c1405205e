"""The probes of the splits, on plain facts: fires, quiet, edge."""

import ast
from dataclasses import replace

import data_facts as sound
import pytest
from data_facts import found

from mldoctor.facts.channel_order import ChannelOrder
from mldoctor.facts.in_source.selections import Selections, _selected
from mldoctor.facts.near_duplicates import NearDuplicates
from mldoctor.facts.sample_stability import SampleStability
from mldoctor.facts.split_shift import SplitShift
from mldoctor.probes.coverage import missed, pairs
from mldoctor.probes.split.augmented_evaluation import augmented_evaluation
from mldoctor.probes.split.group_overlap import group_overlap
from mldoctor.probes.split.near_duplicate_overlap import near_duplicate_overlap
from mldoctor.probes.split.selection_on_test import selection_on_test
from mldoctor.probes.split.split_shift import split_shift
from mldoctor.probes.split.time_overlap import time_overlap


@pytest.mark.parametrize(
    ("near", "within", "fires"), [(2, 0.0, True), (1, 0.0, False), (50, 0.2, False)]
)
def test_near_duplicate_overlap(near, within, fires):
    row = replace(sound.NEAR, near=near, within=within, pairs=((3, 4, 0.8),))
    made = found(near_duplicate_overlap, NearDuplicates(sound.TRAINING, (row,)))
    assert bool(made) is fires


@pytest.mark.parametrize(
    ("changes", "later", "fires"),
    [
        ({"shared": 5, "rows": 50}, 0.5, True),
        ({"shared": 5, "rows": 4}, 0.5, False),
        ({"shared": 5, "rows": 50, "train_per_group": 1.2}, 0.5, False),
        ({"shared": 5, "rows": 50, "is_label": True}, 0.5, False),
        ({"shared": 5, "rows": 50}, 0.0, False),  # the same machines, split by time
    ],
)
def test_group_overlap(changes, later, fires):
    columns = replace(
        sound.COLUMNS,
        groups=(replace(sound.GROUPS, **changes),),
        times=(replace(sound.TIMES, later=later),),
    )
    assert bool(found(group_overlap, columns)) is fires


@pytest.mark.parametrize(("later", "fires"), [(0.01, True), (0.009, False)])
def test_time_overlap(later, fires):
    columns = replace(sound.COLUMNS, times=(replace(sound.TIMES, later=later),))
    assert bool(found(time_overlap, columns)) is fires


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({"low": 0.95, "distance": 1.0}, True),
        ({"low": 0.95, "ratio": 3.0}, True),
        ({"low": 0.95, "distance": 0.9, "ratio": 2.9}, False),
        ({"low": 0.89, "distance": 5.0}, False),
    ],
)
def test_split_shift(changes, fires):
    shift = SplitShift(sound.TRAINING, (replace(sound.SHIFT, **changes),))
    assert bool(found(split_shift, shift)) is fires


@pytest.mark.parametrize(
    ("as_is", "turned", "fires"),
    [(3.0, 1.5, True), (2.9, 0.5, False), (9.0, 1.6, False), (0.6, 3.4, False), (1.5, 1.5, False)],
)
def test_colours_in_reverse_order(as_is, turned, fires):
    row = replace(sound.SHIFT, channels=ChannelOrder(as_is, turned))
    made = found(split_shift, SplitShift(sound.TRAINING, (row,)))
    assert [f.message for f in made] == [
        "evaluation pictures have their colour channels in reverse order"
    ] * fires


@pytest.mark.parametrize(
    ("training", "changes", "fires"),
    [
        (4, {"random": 4}, True),
        (0, {"random": 4}, False),
        (4, {"random": 0}, False),
        (4, {"random": 4, "shared": False}, False),
    ],
)
def test_augmented_evaluation(training, changes, fires):
    rows = (
        replace(sound.STABILITY, random=training),
        replace(sound.STABILITY, loader=sound.EVALUATION, **changes),
    )
    made = found(augmented_evaluation, SampleStability(rows), sound.CLASSES)
    assert bool(made) is fires


@pytest.mark.parametrize(
    ("code", "fires"),
    [
        (
            "score = evaluate(model, test_loader)\n    if score > best:\n        torch.save(model)",
            True,
        ),
        ("score = evaluate(model, self.test_dl)\n    if score > best:\n        patience = 0", True),
        ("for x in test_loader:\n        hits += f(x)\n    if hits > best:\n        save(m)", True),
        (
            "score = evaluate(model, val_loader)\n    if score > best:\n        torch.save(model)",
            False,
        ),
        ("score = evaluate(model, test_loader)\n    if score > best:\n        best = score", False),
        ("score = evaluate(model, latest_data)\n    if score > best:\n        save(m)", False),
    ],
)
def test_selection_on_test(code, fires):
    tree = ast.parse(f"for epoch in range(9):\n    {code}\n")
    rows = Selections(tuple(_selected(tree, "train.py")))
    assert bool(found(selection_on_test, rows)) is fires


def test_a_sample_says_what_it_can_miss():
    assert missed(100, 100, 400, 400) == ()
    assert missed(100, None, 400, None) == ()
    (row,) = missed(300, 1000, 500, 1000)
    assert row.measured.startswith("an overlap of 1.99 % of the rows is seen with probability 95 %")
    assert pairs([(i, i) for i in range(25)]).endswith("19=19, and 5 more")
