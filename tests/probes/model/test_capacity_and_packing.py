"""over-capacity, memory-overrun, embedding-collapse, cross-document-attention on plain facts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mldoctor.facts.capacity import Capacity
from mldoctor.facts.embedding_spread import Embedding, Spread
from mldoctor.facts.embedding_trend import EmbeddingTrend
from mldoctor.facts.memory_use import MemoryUse
from mldoctor.facts.packed_documents import PackedDocuments, PackedModel
from mldoctor.findings import Severity
from mldoctor.registry import probes
from mldoctor.sizes import bytes_of, shown

LARGE = Capacity(
    weights=100_000, samples=50, targets=50, features=20, enough=120, restraints=(), memorised=True,
    uninformed=0.69, training=((20, 0.01), (21, 0.01), (22, 0.02)),
    held_out=((8, 0.7), (16, 0.9), (24, 1.2)), built=None,
)  # fmt: skip
MEMORY = MemoryUse(
    limit=10_000, limit_of="--memory-limit", weights=1000, gradients=1000, optimizers=2000,
    activations=(0.0, 100.0, 0.0), samples=64,
)  # fmt: skip
EMBEDDING = Embedding(
    index=0, name="encoder", site=None, built=None, compared="", labelled=False, samples=64,
    features=32, initial=Spread(0.8, 2.0, 18.0), now=Spread(0.05, 0.1, 12.0), updates=150,
)  # fmt: skip
PACKED = PackedModel("model", None, None, "position_ids", True, True, 3, 0.2, 1.0)


def found(name, *facts):
    return list(probes()[name].judge(*facts))


def test_a_large_model_is_a_note_unless_held_out_losses_show_the_fault():
    assert [f.severity for f in found("over-capacity", LARGE)] == [None]
    falling = replace(LARGE, held_out=((8, 0.7), (16, 0.6)))
    assert [f.severity for f in found("over-capacity", falling)] == [Severity.NOTE]
    knowing = replace(LARGE, held_out=((8, 0.4), (16, 0.5), (24, 0.6)))
    assert [f.severity for f in found("over-capacity", knowing)] == [Severity.NOTE]


def test_what_holds_the_weights_back_keeps_over_capacity_quiet():
    assert not found("over-capacity", replace(LARGE, restraints=("weight decay 0.01",)))
    assert not found("over-capacity", replace(LARGE, weights=120))
    quiet = replace(LARGE, held_out=(), weights=12_000)
    assert not found("over-capacity", quiet)
    assert found("over-capacity", replace(quiet, weights=12_001))
    assert not found("over-capacity", replace(quiet, weights=12_001, memorised=False))


def test_memory_is_judged_against_a_limit_only():
    assert MEMORY.needed(64) == 10_400
    assert MEMORY.largest_batch == 60
    assert found("memory-overrun", MEMORY)
    assert not found("memory-overrun", replace(MEMORY, limit=10_400))
    assert not found("memory-overrun", replace(MEMORY, limit=None))


def test_a_script_that_ran_out_of_memory_is_named_without_a_limit():
    (finding,) = found("memory-overrun", MemoryUse(None, "", out_of_memory="MemoryError"))
    assert finding.message == "the script runs out of memory"


def test_a_batch_that_is_compared_with_itself_grows_with_its_square():
    square = replace(MEMORY, activations=(0.0, 0.0, 1.0))
    assert square.largest_batch == 77
    assert replace(MEMORY, limit=3000).largest_batch == 0


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("24GiB", 24 * 2**30),
        ("80 GB", 80 * 10**9),
        ("1.5mib", 3 * 2**19),
        ("0GB", None),
        ("24", None),
        ("24G", None),
        ("-1GB", None),
    ],
)
def test_sizes(text, size):
    assert bytes_of(text) == size


def test_sizes_are_shown_in_binary_units():
    assert [shown(n) for n in (0, 1023, 1024, 5 * 2**40)] == ["0 B", "1.02e+03 B", "1 KiB", "5 TiB"]


def test_embedding_collapse_is_judged_against_the_start():
    def trend(**changed):
        return EmbeddingTrend((replace(EMBEDDING, **changed),))

    assert found("embedding-collapse", trend())
    assert not found("embedding-collapse", trend(initial=Spread(0.06, 2.0, 18.0)))
    assert not found("embedding-collapse", trend(now=Spread(0.16, 0.3, 12.0)))
    assert found("embedding-collapse", trend(now=Spread(0.15, 0.3, 12.0)))


def test_few_directions_are_enough_where_labels_tell_classes_apart():
    flat = replace(EMBEDDING, now=Spread(0.7, 2.0, 1.2))
    assert found("embedding-collapse", EmbeddingTrend((flat,)))
    assert not found("embedding-collapse", EmbeddingTrend((replace(flat, labelled=True),)))


def test_distances_that_vanish_count_where_the_loss_measures_them():
    near = replace(EMBEDDING, now=Spread(0.7, 0.03, 12.0))
    assert not found("embedding-collapse", EmbeddingTrend((near,)))
    triplet = replace(near, compared="triplet_margin_loss")
    assert found("embedding-collapse", EmbeddingTrend((triplet,)))


def test_packed_documents_that_see_each_other():
    assert found("cross-document-attention", PackedDocuments((PACKED,)))
    for later in (None, 0.0, 1e-3):
        row = replace(PACKED, later=later)
        assert not found("cross-document-attention", PackedDocuments((row,)))
