"""The probes of the labels, on plain facts: fires, quiet, edge."""

from dataclasses import replace

import data_facts as sound
import pytest
from data_facts import delivery, found

from mldoctor.facts.class_labels import ClassLabels
from mldoctor.facts.loss_calls import LossCalls
from mldoctor.facts.output_activation import Output, OutputActivation
from mldoctor.facts.paired_turns import PairedTurns
from mldoctor.facts.split_columns import ClassNames
from mldoctor.facts.target_fit import TargetFit
from mldoctor.probes.label.conflicting_labels import conflicting_labels
from mldoctor.probes.label.label_imbalance import label_imbalance
from mldoctor.probes.label.label_map_mismatch import label_map_mismatch
from mldoctor.probes.label.missing_class import missing_class
from mldoctor.probes.label.multilabel_as_multiclass import multilabel_as_multiclass
from mldoctor.probes.label.noisy_labels import noisy_labels
from mldoctor.probes.label.target_shape import target_shape
from mldoctor.probes.label.unreachable_target import unreachable_target
from mldoctor.probes.label.unscaled_target import unscaled_target


def labels(counts, evaluation=None, *, complete=True):
    training = replace(sound.LABELS, counts=counts, read=sum(counts.values()), complete=complete)
    others = () if evaluation is None else (replace(sound.LABELS, counts=evaluation),)
    return ClassLabels(training, others)


@pytest.mark.parametrize(
    ("counts", "outputs", "evaluation", "complete", "fires"),
    [
        ({"0": 200, "1": 200}, 3, None, True, True),
        ({"0": 200, "2": 200}, 3, None, True, True),
        ({"0": 200, "1": 200}, 2, None, True, False),
        ({"0": 200, "1": 200}, 2, {"0": 5, "1": 5}, True, False),
        ({"0": 200, "1": 200}, 2, {"0": 5, "2": 5}, True, True),
        ({"0": 9, "1": 9}, 3, None, False, False),  # too few of them read
        ({"0": 200, "1": 200}, 1001, None, True, False),  # words, not classes
        ({str(i): 50 for i in range(1, 30)}, 30, None, True, False),  # the padding of a vocabulary
        ({str(i): 50 for i in range(1, 9)}, 9, None, True, True),
    ],
)
def test_missing_class(counts, outputs, evaluation, complete, fires):
    calls = LossCalls((replace(sound.CALL, classes=outputs),))
    read = labels(counts, evaluation, complete=complete)
    assert bool(found(missing_class, read, calls)) is fires


def test_missing_class_of_files_has_names():
    (finding,) = found(missing_class, labels({"cat": 9, "dog": 9}, {"owl": 2}), LossCalls(()))
    assert finding.message == "class owl has no training sample"


RARE = {"0": 1980, "1": 19}
SCALAR = TargetFit((sound.FIT,))


@pytest.mark.parametrize(
    ("counts", "call", "fit", "sampler", "fires"),
    [
        (RARE, {}, SCALAR, "RandomSampler", True),
        ({"0": 1950, "1": 50}, {}, SCALAR, "RandomSampler", False),
        ({"0": 190, "1": 1}, {}, SCALAR, "RandomSampler", False),
        (RARE, {"weighted": True}, SCALAR, "RandomSampler", False),
        (RARE, {}, SCALAR, "WeightedRandomSampler", False),
        (RARE, {}, TargetFit((replace(sound.FIT, first_loss=None),)), "RandomSampler", False),
    ],
)
def test_label_imbalance(counts, call, fit, sampler, fires):
    calls = LossCalls((replace(sound.CALL, **call),))
    made = found(label_imbalance, labels(counts), calls, fit, delivery(sampler=sampler))
    assert bool(made) is fires


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({}, True),
        ({"weighted": True}, False),
        ({"counts": {"0": 1500, "1": 500}}, False),
        ({"counts": {"0": 150, "1": 20}}, False),
        ({"prediction": (16, 1)}, False),
        ({"prediction": (16, 784)}, False),  # the pixels of an autoencoder
        ({"prediction": (16, 6, 8, 8)}, False),
        ({"function": "mse_loss"}, False),
    ],
)
def test_labels_that_are_seldom_positive_are_a_note(changes, fires):
    several = {
        "function": "binary_cross_entropy_with_logits", "prediction": (16, 6),
        "counts": {"0": 2413, "1": 467},
    }  # fmt: skip
    calls = LossCalls((replace(sound.CALL, **several | changes),))
    made = found(label_imbalance, None, calls, SCALAR, delivery(sampler="RandomSampler"))
    assert [str(f.severity) for f in made] == ["note"] * fires


@pytest.mark.parametrize(("groups", "rows", "fires"), [(3, 6, True), (2, 6, False), (3, 3, False)])
def test_conflicting_labels(groups, rows, fires):
    repetition = replace(sound.REPETITION, conflicts=groups, conflict_rows=rows)
    assert bool(found(conflicting_labels, repetition, None)) is fires


@pytest.mark.parametrize(
    ("apart", "entries", "fires"), [(40, 6, True), (10, 6, False), (40, 1, False), (0, 0, False)]
)
def test_masks_that_turn_without_their_pictures(apart, entries, fires):
    turns = PairedTurns(sound.TRAINING, 90, apart, entries)
    assert bool(found(conflicting_labels, sound.REPETITION, turns)) is fires


@pytest.mark.parametrize(
    ("doubtful", "agreement", "fires"), [(20, 0.9, True), (19, 0.9, False), (40, 0.79, False)]
)
def test_noisy_labels(doubtful, agreement, fires):
    relations = replace(sound.RELATIONS, doubtful=doubtful, agreement=agreement)
    assert bool(found(noisy_labels, relations)) is fires


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({"target_mean": 250_000.0, "last_loss": 0.99}, True),
        ({"target_mean": 250_000.0, "last_loss": 0.5}, False),
        ({"target_mean": 25.0, "last_loss": 0.99}, False),
        ({"target_mean": 250_000.0, "last_loss": 0.99, "first_mean": 20_000.0}, False),
        ({"target_mean": 250_000.0, "last_loss": 0.99, "function": "cross_entropy"}, False),
    ],
)
def test_unscaled_target(changes, fires):
    assert bool(found(unscaled_target, TargetFit((replace(sound.FIT, **changes),)))) is fires


def test_target_shape():
    assert found(target_shape, TargetFit((replace(sound.FIT, broadcast=(32, 32)),)))
    assert not found(target_shape, SCALAR)


@pytest.mark.parametrize(
    ("accuracy", "permuted", "agreement", "fires"),
    [
        (0.1, 0.9, 0.9, True),
        (0.65, 0.9, 0.9, False),
        (0.1, 0.5, 0.9, False),
        (0.1, 0.9, 0.5, False),
    ],
)
def test_label_map_mismatch(accuracy, permuted, agreement, fires):
    row = replace(sound.MAP, accuracy=accuracy, permuted=permuted, renamed=("0 -> 1", "1 -> 0"))
    relations = replace(sound.RELATIONS, maps=(replace(row, known=agreement),))
    assert bool(found(label_map_mismatch, relations, sound.COLUMNS)) is fires


def test_label_map_mismatch_by_names():
    names = ClassNames(sound.EVALUATION, "Folder.class_to_idx", ("cat: 0 in training, 1",), 3)
    columns = replace(sound.COLUMNS, names=(names,))
    assert len(found(label_map_mismatch, sound.RELATIONS, columns)) == 1
    columns = replace(sound.COLUMNS, names=(replace(names, different=()),))
    assert not found(label_map_mismatch, sound.RELATIONS, columns)


@pytest.mark.parametrize(
    ("function", "activation", "changes", "fires"),
    [
        ("mse_loss", "tanh", {"above_one": 0.05}, True),
        ("mse_loss", "tanh", {"above_one": 0.04}, False),
        ("mse_loss", "relu", {"below_zero": 0.3}, True),
        ("mse_loss", "relu", {"above_one": 0.9}, False),
        ("mse_loss", "", {"below_zero": 0.5, "above_one": 0.5}, False),
        ("cross_entropy", "relu", {}, True),
        ("cross_entropy", "sigmoid", {}, False),  # double-softmax has that
        ("binary_cross_entropy_with_logits", "relu", {"target_mean": 0.5}, True),
        ("binary_cross_entropy_with_logits", "relu", {"target_mean": 0.97}, False),
        ("binary_cross_entropy_with_logits", "", {"target_mean": 0.5}, False),
    ],
)
def test_unreachable_target(function, activation, changes, fires):
    fit = TargetFit((replace(sound.FIT, function=function, **changes),))
    outputs = OutputActivation((Output("model", activation, 32),))
    assert bool(found(unreachable_target, fit, outputs)) is fires


def test_multilabel_as_multiclass():
    assert found(multilabel_as_multiclass, TargetFit((replace(sound.FIT, many_hot=0.3),)))
    assert not found(multilabel_as_multiclass, SCALAR)
