"""Facts about batches and streams, on small data whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    WeightedRandomSampler,
    get_worker_info,
)
from torch.utils.data.distributed import DistributedSampler

from mldoctor.facts.collated_batches import _trial
from mldoctor.facts.delivery import _same_order, _weighted
from mldoctor.facts.loaders import Loader
from mldoctor.facts.sample_stability import _worker_copies
from mldoctor.facts.split_overlap import not_by_chance
from mldoctor.facts.stream_shares import _read
from mldoctor.facts.token_use import _sample_rows
from mldoctor.trainee.graph import steps_reshaped

ROW = Loader(0, "training", None, "Numbers", None)


class Numbers(IterableDataset):
    def __init__(self, divided):
        self.divided = divided

    def __iter__(self):
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if self.divided and info else (0, 1)
        yield from (torch.tensor([float(i), i / 2]) for i in range(first, 64, step))


@pytest.mark.parametrize("divided", [True, False])
def test_workers_that_divide_a_stream(divided):
    state = torch.get_rng_state()
    share = _read(ROW, DataLoader(Numbers(divided), batch_size=8, num_workers=2))
    assert share.same is not divided
    assert share.different == 8
    assert torch.equal(state, torch.get_rng_state())


class Noisy(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.full((3,), float(index)) + float(np.random.rand())  # noqa: NPY002 - as scripts do


def _fixed(worker):
    np.random.seed(5 + worker)  # noqa: NPY002 - see above


@pytest.mark.parametrize(
    ("init", "lasting", "expected"),
    [(_fixed, False, (False, True)), (_fixed, True, (False, None)), (None, False, (False, False))],
    ids=["started anew", "persistent", "unseeded"],
)
def test_workers_that_begin_every_epoch_alike(init, lasting, expected):
    loader = DataLoader(
        Noisy(), num_workers=2, worker_init_fn=init, persistent_workers=lasting, batch_size=2
    )
    assert _worker_copies(loader, 0) == expected


def test_a_sampler_that_is_never_told_the_epoch():
    data = list(range(40))
    mixed = DistributedSampler(data, num_replicas=1, rank=0)
    assert _same_order(mixed)
    assert not _same_order(DistributedSampler(data, num_replicas=1, rank=0, shuffle=False))
    mixed.set_epoch(3)
    assert not _same_order(mixed)


def test_a_weight_for_each_class_leaves_the_rest_unread():
    assert _weighted(WeightedRandomSampler([0.2, 0.8], 40), 40) == 2
    assert _weighted(WeightedRandomSampler([0.5] * 40, 10), 40) is None
    assert _weighted(None, 40) is None


@pytest.mark.parametrize(
    ("collate", "alone"),
    [(lambda rows: rows[0][None], True), (lambda rows: torch.cat(rows)[None], False)],
    ids=["first", "all"],
)
def test_a_batch_made_of_one_sample(collate, alone):
    loader = DataLoader([torch.full((2,), float(i)) for i in range(9)], 4, collate_fn=collate)
    trainee = SimpleNamespace(
        tape=SimpleNamespace(loaders=[SimpleNamespace(loader=loader, batch_size=4)])
    )
    row = Loader(0, "training", None, "list", 9)
    assert _trial(trainee, row).alone is alone


def test_a_pair_of_padded_rows_is_two_rows():
    pair = np.array([[4, 5, 0, 0], [6, 7, 8, 9]])
    found = SimpleNamespace(
        kept=[SimpleNamespace(index=3)], views=[{"ids": pair}], parts=lambda: ["ids"]
    )
    assert [(i, row.tolist()) for i, row in _sample_rows(found, "ids")] == [
        (3, [4, 5, 0, 0]),
        (3, [6, 7, 8, 9]),
    ]


@pytest.mark.parametrize("copied", [0, 30])
def test_a_few_equal_rows_of_few_symbols_are_no_copies(copied):
    rng = np.random.default_rng(3)
    rows = [tuple(map(float, rng.integers(0, 20, 4))) for _ in range(1700)]
    train, other = rows[:1200], rows[1200 : 1700 - copied] + rows[:copied]
    met = {position: train.index(row) for position, row in enumerate(other) if row in train}
    assert met

    def contents(held):
        return SimpleNamespace(
            rows=held, read=len(held), kept=[], digests=held, indices=range(len(held))
        )

    left = not_by_chance(contents(train), contents(other), met)
    assert bool(left) is bool(copied)


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        (lambda x: x.reshape(5, 3, 4).log_softmax(-1), True),
        (lambda x: x.log_softmax(-1).view(5, 3, 4), True),
        (lambda x: x.transpose(0, 1).log_softmax(-1), False),
        (lambda x: x.permute(1, 0, 2).contiguous().view(5, 3, 4).log_softmax(-1), False),
    ],
    ids=["reshape", "view", "transpose", "permute"],
)
def test_time_that_becomes_the_first_axis_by_a_reshape(move, expected):
    layer = torch.nn.Linear(2, 4)
    assert steps_reshaped(move(layer(torch.randn(3, 5, 2)))) is expected
