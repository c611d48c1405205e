"""The probes of the inputs, on plain facts: fires, quiet, edge."""

import math
from dataclasses import replace

import data_facts as sound
import pytest
from data_facts import delivery, found

from mldoctor.facts.collated_batches import Collated, CollatedBatches
from mldoctor.facts.input_parts import InputParts
from mldoctor.facts.model_inputs import ModelInputs
from mldoctor.facts.non_finite_fed import NonFiniteFed
from mldoctor.facts.sample_stability import SampleStability
from mldoctor.facts.stream_shares import StreamShare, StreamShares
from mldoctor.facts.token_use import TokenUse
from mldoctor.facts.vocabularies import RoundTrip, Vocabularies
from mldoctor.findings import Severity
from mldoctor.probes.data.constant_input import constant_input
from mldoctor.probes.data.duplicate_samples import duplicate_samples
from mldoctor.probes.data.empty_sample import empty_sample
from mldoctor.probes.data.frozen_augmentation import frozen_augmentation
from mldoctor.probes.data.leaking_feature import leaking_feature
from mldoctor.probes.data.mutating_dataset import mutating_dataset
from mldoctor.probes.data.non_finite_input import non_finite_input
from mldoctor.probes.data.one_way_vocabulary import one_way_vocabulary
from mldoctor.probes.data.pad_token_mismatch import pad_token_mismatch
from mldoctor.probes.data.padding_waste import padding_waste
from mldoctor.probes.data.repeated_batch import repeated_batch
from mldoctor.probes.data.repeated_worker_randomness import repeated_worker_randomness
from mldoctor.probes.data.scrambled_layout import scrambled_layout
from mldoctor.probes.data.starved_loader import starved_loader
from mldoctor.probes.data.token_out_of_range import token_out_of_range
from mldoctor.probes.data.truncated_samples import truncated_samples
from mldoctor.probes.data.unknown_tokens import unknown_tokens
from mldoctor.probes.data.unscaled_input import unscaled_input
from mldoctor.probes.data.unshuffled_training import unshuffled_training


def parts(**changes):
    return InputParts((replace(sound.SPLIT, **changes),))


@pytest.mark.parametrize(
    ("count", "loss", "natural", "fires"),
    [
        (3, math.nan, False, True),
        (3, math.inf, False, True),
        (3, None, True, True),
        (3, 0.7, False, False),  # the loop masks it
        (3, None, False, False),  # not driven, and no natural step met it
        (0, None, False, False),
    ],
)
def test_non_finite_input(count, loss, natural, fires):
    split = parts(non_finite=count, non_finite_index=(1,), non_finite_part="0")
    fed = NonFiniteFed(loss, natural=natural)
    assert bool(found(non_finite_input, split, fed)) is fires


def test_empty_sample():
    assert found(empty_sample, parts(empty=2, empty_index=(3, 9), empty_how="empty text"))
    assert not found(empty_sample, sound.PARTS)


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({"different": 1}, True),
        ({"same_up_to_rounding": True}, True),
        ({"different": 2}, False),
        ({"different": 1, "read": 19}, False),
    ],
)
def test_constant_input(changes, fires):
    assert bool(found(constant_input, parts(**changes))) is fires


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({"lowest": 0.0, "highest": 255.0, "mean": 90.0, "spread": 70.0}, True),
        ({"lowest": -900.0, "highest": 900.0, "spread": 300.0}, True),
        ({"widest": 5000.0, "narrowest": 1.0, "spread": 60.0}, True),
        ({"widest": 999.0, "narrowest": 1.0, "spread": 60.0}, False),
        ({"lowest": 0.0, "highest": 255.0, "mean": 90.0, "normalised_after": True}, False),
        ({"lowest": 0.0, "highest": 16.0, "mean": 5.0, "spread": 6.0}, False),
        ({}, False),
    ],
)
def test_unscaled_input(changes, fires):
    assert bool(found(unscaled_input, ModelInputs((replace(sound.LAYER, **changes),)))) is fires


def test_scrambled_layout():
    def inputs(ratio, *shape, further=None):
        layer = replace(
            sound.LAYER, scrambled=ratio, layout="as it is", shape=shape, further=further
        )
        return ModelInputs((layer,))

    assert found(scrambled_layout, inputs(2.0, 32, 20, 6))
    assert not found(scrambled_layout, inputs(1.9, 32, 20, 6))
    assert found(scrambled_layout, inputs(1.5, 32, 3, 16, 16))
    assert not found(scrambled_layout, inputs(1.4, 32, 3, 16, 16))
    assert not found(scrambled_layout, inputs(1.4, 32, 3, 16, 16, further=0.05))
    assert found(scrambled_layout, inputs(1.2, 32, 3, 16, 16, further=0.2))
    assert not found(scrambled_layout, inputs(1.05, 32, 3, 16, 16, further=0.2))
    assert not found(scrambled_layout, ModelInputs((sound.LAYER,)))


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({"repeated": 20}, True),
        ({"repeated": 19}, False),
        ({"repeated": 9, "read": 20}, False),
        ({"repeated": 200, "balancing": True}, False),
    ],
)
def test_duplicate_samples(changes, fires):
    assert bool(found(duplicate_samples, replace(sound.REPETITION, **changes))) is fires


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({"pure": 30}, True),
        ({"pure": 18}, True),
        ({"pure": 17}, False),
        ({"pure": 30, "expected_pure": 10.0}, False),
        ({"pure": 7, "labelled": 7}, False),
        ({"pure": 30, "classes": 1}, False),
        (
            {
                "pure": 30,
                "classes": 1,
                "sequential": True,
                "dataset_classes": 2,
                "runs": 0.99,
                "expected": 0.5,
            },
            True,
        ),
        (
            {
                "pure": 30,
                "classes": 1,
                "sequential": True,
                "dataset_classes": 2,
                "runs": 0.99,
                "expected": 0.97,
            },
            False,
        ),
    ],
)
def test_unshuffled_training(changes, fires):
    assert bool(found(unshuffled_training, replace(sound.ORDER, **changes))) is fires


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({"batches": 0, "size": 40}, True),
        ({"drop_last": True, "size": 81, "batch_size": 64}, True),
        ({"drop_last": True, "size": 80, "batch_size": 64}, False),
        ({"drop_last": True, "sequential": False, "size": 120, "batch_size": 64}, False),
        ({"visited": 300}, True),
        ({"visited": 320}, False),
        ({"batches": 0, "size": None}, False),
    ],
)
def test_starved_loader(changes, fires):
    assert bool(found(starved_loader, delivery(**changes))) is fires


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({"iterators": 30, "requests": 30, "identical": 30}, True),
        ({"iterators": 30, "requests": 30, "identical": 30, "sequential": False}, False),
        ({"iterators": 30, "requests": 30, "identical": 30, "identical_values": 1}, False),
        ({"iterators": 30, "requests": 30, "batches": 1, "identical": 30}, False),
        ({"iterators": 10, "requests": 30, "ends": 0}, True),
        ({"iterators": 10, "requests": 30, "ends": 9}, False),
        ({"role": "unread", "iterators": 1, "requests": 1, "identical": 30}, True),
        ({"role": "unread", "iterators": 1, "requests": 1}, False),
        ({"role": "unread", "iterators": 31, "requests": 31, "latest": 4}, True),  # targets: noise
        ({"role": "unread", "iterators": 31, "requests": 31}, False),
        ({"role": "unread", "iterators": 10, "requests": 10, "latest": 4}, False),  # now and then
        ({}, False),
    ],
)
def test_repeated_batch(changes, fires):
    assert bool(found(repeated_batch, delivery(**changes))) is fires


def test_a_sampler_that_waits_for_the_epoch():
    (finding,) = found(unshuffled_training, None, delivery(same_order=True))
    assert finding.severity is Severity.WARNING
    assert not found(unshuffled_training, None, delivery(same_order=True, role="evaluation"))
    assert not found(unshuffled_training, None, delivery())


@pytest.mark.parametrize(
    ("same", "different", "fires"), [(True, 8, True), (False, 8, False), (True, 1, False)]
)
def test_a_stream_that_every_worker_reads(same, different, fires):
    share = StreamShare(0, None, "Lines", 4, 8, different, same=same)
    made = found(repeated_batch, delivery(), StreamShares((share,)))
    assert [f.severity for f in made] == [Severity.WARNING] * fires


@pytest.mark.parametrize("alone", [True, False])
def test_a_collate_function_that_loses_samples(alone):
    row = Collated(0, None, samples=16, batch_size=32, alone=alone)
    assert bool(found(starved_loader, delivery(), CollatedBatches((row,)))) is alone


def stability(**changes):
    return SampleStability((replace(sound.STABILITY, **changes),))


def test_workers_and_mutation():
    assert found(repeated_worker_randomness, stability(worker_copies=True))
    assert not found(repeated_worker_randomness, stability(worker_copies=False))
    (every_epoch,) = found(
        repeated_worker_randomness, stability(worker_copies=False, worker_epochs=True)
    )
    assert every_epoch.severity is Severity.WARNING
    assert not found(
        repeated_worker_randomness, stability(worker_copies=False, worker_epochs=False)
    )
    assert found(mutating_dataset, stability(mutated=1))
    assert not found(mutating_dataset, stability())


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({"random": 0, "reseeded": True}, True),
        ({"random": 0, "declared": "Compose(RandomCrop(8))", "drew": False}, True),
        ({"random": 0, "reseeded": False}, False),
        ({"random": 0, "reseeded": True, "declared": ""}, False),
        ({"random": 4, "reseeded": True}, False),
        ({"random": 0, "reseeded": True, "loader": sound.EVALUATION}, False),
    ],
)
def test_frozen_augmentation(changes, fires):
    assert bool(found(frozen_augmentation, stability(**changes))) is fires


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({"leaking": "column 5", "leaking_accuracy": 1.0, "others_accuracy": 0.8}, True),
        ({"leaking": "column 5", "leaking_accuracy": 0.98, "others_accuracy": 0.8}, False),
        ({"leaking": "column 5", "leaking_accuracy": 1.0, "others_accuracy": 0.95}, False),
        (
            {
                "leaking": "column 5",
                "leaking_accuracy": 1.0,
                "others_accuracy": 0.8,
                "majority": 0.95,
            },
            False,
        ),
        ({}, False),
    ],
)
def test_leaking_feature(changes, fires):
    assert bool(found(leaking_feature, replace(sound.RELATIONS, **changes))) is fires


def test_a_threshold_through_close_values_is_a_note():
    leak = {"leaking": "column 5", "leaking_accuracy": 1.0, "others_accuracy": 0.8}
    (far,) = found(leaking_feature, replace(sound.RELATIONS, **leak, apart=0.6))
    (close,) = found(leaking_feature, replace(sound.RELATIONS, **leak, apart=0.2))
    assert far.severity is None
    assert close.severity is Severity.NOTE


def test_a_token_that_gives_the_label_away_is_a_note():
    leak = {"leaking": "token 2", "leaking_accuracy": 1.0, "others_accuracy": 0.8}
    (made,) = found(leaking_feature, replace(sound.RELATIONS, **leak, tokens=True))
    assert made.severity is Severity.NOTE
    assert not any("distance" in row.name for row in made.evidence)


@pytest.mark.parametrize(
    ("probe", "changes", "fires"),
    [
        (truncated_samples, {"full": 0.5}, True),
        (truncated_samples, {"full": 0.49}, False),
        (truncated_samples, {"full": 1.0}, False),
        (truncated_samples, {"full": 0.6, "lengths": 4}, False),
        (truncated_samples, {"full": 0.6, "part": ""}, False),
        (padding_waste, {"pad_share": 0.51}, True),
        (padding_waste, {"pad_share": 0.5}, False),
        (padding_waste, {"pad_share": 0.9, "batches": 1}, False),
        (token_out_of_range, {"highest": 100}, True),
        (token_out_of_range, {"sample_highest": 100, "beyond": 1}, True),
        (token_out_of_range, {"lowest": -1}, True),
        (token_out_of_range, {}, False),
        (unknown_tokens, {"commonest_share": 0.6}, True),
        (unknown_tokens, {"commonest_share": 0.5}, False),
        (unknown_tokens, {"commonest_share": 0.6, "rows": 49}, False),
        (unknown_tokens, {"commonest_share": 0.6, "positions": True}, False),
        (pad_token_mismatch, {"padding": 99}, True),
        (pad_token_mismatch, {"padding": 99, "pad_share": 0.01}, False),
        (pad_token_mismatch, {"pad_inside": 0.1}, True),
        (pad_token_mismatch, {"padding": None, "pad_inside": 0.1}, False),
        (pad_token_mismatch, {}, False),
    ],
)
def test_tokens(probe, changes, fires):
    assert bool(found(probe, TokenUse((replace(sound.TOKENS, **changes),)))) is fires


@pytest.mark.parametrize(
    ("lost", "shifted", "fires"), [(25, False, True), (2, False, True), (1, False, False),
                                   (0, False, False), (25, True, False)],
)  # fmt: skip
def test_one_way_vocabulary(lost, shifted, fires):
    row = RoundTrip("stoi", "itos", 26, lost, shifted, ("a -> 3 -> c",))
    assert bool(found(one_way_vocabulary, Vocabularies((row,)))) is fires
