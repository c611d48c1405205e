"""Facts about data, from small datasets whose answer is known."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

from mldoctor.errors import AbsentFact
from mldoctor.facts.channel_order import channel_order
from mldoctor.facts.class_labels import class_labels
from mldoctor.facts.delivery import delivery
from mldoctor.facts.input_parts import input_parts
from mldoctor.facts.label_place import LabelPlace, label_place
from mldoctor.facts.loaders import Loaders, loaders
from mldoctor.facts.model_inputs import _further, _layout
from mldoctor.facts.near_duplicates import near_duplicates
from mldoctor.facts.paired_turns import paired_turns
from mldoctor.facts.repetition import repetition
from mldoctor.facts.sample_stability import sample_stability
from mldoctor.facts.simple_relations import simple_relations
from mldoctor.facts.split_columns import _instants, split_columns
from mldoctor.facts.split_overlap import split_overlap
from mldoctor.facts.split_shift import split_shift
from mldoctor.facts.telling_tokens import telling_token
from mldoctor.trainee.tables import ids_alone
from mldoctor.trainee.tape import LoaderInfo, LossCall, RootCall, Tape

LABEL = LabelPlace(("1",), truncated=False)


def trainee(*built):
    """What facts see of a script that trains on the first loader and evaluates on the others."""
    tape = Tape()
    for i, loader in enumerate(built):
        info = LoaderInfo(
            lambda loader=loader: loader, None, requests=5, batch_size=loader.batch_size
        )
        info.trained, info.evaluated = (5, 0) if i == 0 else (0, 5)
        tape.loaders.append(info)
    return SimpleNamespace(tape=tape, seconds_left=lambda: 60.0, latest_batches=list)


def table(rows=200, columns=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, columns, generator=generator)
    return x, (x[:, 0] + x[:, 1] > 0).long()


def both(left, right):
    made = trainee(DataLoader(left, 20, shuffle=True), DataLoader(right, 20))
    return made, loaders(made)


def test_reading_leaves_the_random_state_alone():
    x, y = table()

    class Noisy(TensorDataset):
        def __getitem__(self, i):
            return self.tensors[0][i] + torch.randn(8), self.tensors[1][i]

    run, found = both(Noisy(x, y), Noisy(*table(seed=1)))
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002 - the generator that scripts use
    before = torch.get_rng_state().clone(), np.random.get_state()[1].copy()  # noqa: NPY002 - as above
    for fact in (class_labels, input_parts, repetition, simple_relations, split_shift):
        fact(run, found, LABEL)
    rows = sample_stability(run, found).rows
    split_overlap(run, found)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002 - as above
    assert [row.random for row in rows] == [4, 4]


def test_labels_are_counted_where_the_loss_has_them():
    x, y = table()
    labels = class_labels(*both(TensorDataset(x, y), TensorDataset(x[:50], y[:50])), LABEL)
    assert labels.training.counts == {"0": int((y == 0).sum()), "1": int((y == 1).sum())}
    assert labels.training.complete
    assert len(labels.evaluations) == 1


def test_overlap_by_entry_and_by_content():
    x, y = table()
    other_x, other_y = table(60, seed=1)
    mixed = TensorDataset(torch.cat([x[:5], other_x]), torch.cat([y[:5], other_y]))
    (row,) = split_overlap(*both(TensorDataset(x, y), mixed)).rows
    assert (row.shared, row.same_entries) == (5, 0)
    assert row.pairs == tuple((i, i) for i in range(5))
    whole = TensorDataset(x, y)
    (row,) = split_overlap(*both(Subset(whole, range(150)), Subset(whole, range(140, 200)))).rows
    assert (row.shared, row.same_entries) == (10, 10)


def test_equal_rows_of_a_table_of_few_values_are_natural():
    draw = np.random.default_rng(0)
    x = torch.tensor(draw.integers(0, 3, (900, 4)) * 0.7, dtype=torch.float32)
    y = torch.tensor(draw.integers(0, 2, 900))
    run, found = both(TensorDataset(x[:700], y[:700]), TensorDataset(x[700:], y[700:]))
    assert split_overlap(run, found).rows[0].shared == 0
    made = repetition(run, found, LABEL)
    assert (made.repeated, made.conflicts) == (0, 0)


def test_repeated_and_conflicting_inputs():
    x, y = table()
    y2 = torch.cat([y, y[:3], 1 - y[3:5]])
    data = TensorDataset(torch.cat([x, x[:5]]), y2)
    made = repetition(*both(data, TensorDataset(*table(40, seed=1))), LABEL)
    assert (made.repeated, made.groups, made.conflicts, made.conflict_rows) == (5, 5, 2, 4)
    assert made.conflict_pairs == ((3, 203), (4, 204))


def test_near_copies_of_arrays():
    x, y = table(300, 64)
    noise = 0.01 * torch.randn(8, 64, generator=torch.Generator().manual_seed(2))
    other = TensorDataset(
        torch.cat([table(60, 64, seed=1)[0], x[:8] + noise]), torch.zeros(68).long()
    )
    (row,) = near_duplicates(*both(TensorDataset(x, y), other)).rows
    assert row.near == 8
    assert sorted(train for train, _, _ in row.pairs) == list(range(8))


def test_cleanlab_is_asked_about_the_same_votes():
    pytest.importorskip("cleanlab", reason="the second opinion needs the extra `cleanlab`")
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(400) % 2
    x = torch.randn(400, 6, generator=generator) + 4 * y[:, None]
    given = y.clone()
    given[:20] = 1 - given[:20]
    made = simple_relations(
        *both(TensorDataset(x, given), TensorDataset(*table(60, seed=1))), LABEL
    )
    assert made.doubtful >= 15
    assert made.second is not None
    assert made.second >= 0.8 * made.doubtful


def test_one_column_gives_the_label_away():
    x, y = table(400)
    x[:, 5] = y + 0.01 * x[:, 5]
    made = simple_relations(*both(TensorDataset(x, y), TensorDataset(*table(60, seed=1))), LABEL)
    assert made.leaking == "column 5"
    assert made.leaking_accuracy > 0.99
    assert made.apart > 1


def test_a_label_that_is_a_threshold_does_not_stand_apart():
    x, _ = table(400)
    made = simple_relations(
        *both(TensorDataset(x, (x[:, 2] > 0).long()), TensorDataset(*table(60, seed=1))), LABEL
    )
    assert made.leaking == "column 2"
    assert made.apart < 0.4


def letters(marked, informed=0.6):
    """Samples of 12 tokens: the third is a marker, one of the others tells the class now and then."""
    draw = np.random.default_rng(4)
    labels = draw.integers(0, 3, 600)
    rows = draw.integers(40, 90, (600, 12))
    known = draw.random(600) < informed
    rows[known, 8] = 10 + labels[known]
    rows[:, 2] = 20 + (labels if marked else draw.integers(0, 3, 600))
    return rows.tolist(), labels


def test_a_token_at_one_place_gives_the_label_away():
    place, alone, others = telling_token(*letters(marked=True))
    assert place == "token 2"
    assert alone == 1.0
    assert 0.5 < others < 0.9
    assert telling_token(*letters(marked=False))[0] == ""
    # A task that is made so that one token decides has nothing in the others.
    assert telling_token(*letters(marked=True, informed=0.0))[0] == ""
    rows, labels = letters(marked=True)
    behind = [[7] * (i % 3) + row[3:] + [row[2]] for i, row in enumerate(rows)]
    assert telling_token(behind, labels)[0] == "token 0 from the end"


def test_a_few_ids_are_no_features():
    draw = np.random.default_rng(0)
    assert ids_alone(list(draw.integers(0, 50, (300, 2))))
    assert not ids_alone(list(draw.integers(0, 6, (300, 2))))
    assert not ids_alone(list(draw.integers(0, 50, (300, 5))))
    assert not ids_alone(list(draw.random((300, 2))))
    assert not ids_alone([np.zeros(k, int) for k in (1, 2)])


def test_the_labels_are_the_target_of_the_loss_of_classes():
    boxes, classes = torch.rand(24, 4), torch.randint(0, 3, (24,))
    calls = [
        LossCall(function, None, 1, torch.zeros(24, 4), target, {}, grad=True, training=True)
        for function, target in (("smooth_l1_loss", boxes), ("cross_entropy", classes))
    ]
    seen = SimpleNamespace(
        tape=SimpleNamespace(losses=calls, loaders=[]),
        latest_batches=lambda: [{"box": boxes, "class": classes}],
    )
    assert label_place(seen).path == ("class",)
    seen.latest_batches = lambda: [{"box": boxes, "class": classes + 1}]
    assert label_place(seen).path is None


def test_rows_of_a_reshaped_picture_are_alike_further_away():
    grid = torch.linspace(0, 3, 16)
    picture = (grid[:, None] * grid).sin()[None, ..., None] * torch.rand(12, 1, 1, 3)
    sound = picture.permute(0, 3, 1, 2).contiguous().numpy()
    assert _further(sound) < 0.05
    assert _further(sound.transpose(0, 2, 3, 1).reshape(sound.shape)) > 0.1


def test_the_order_of_colour_channels():
    photo = load_sample_images().images[0] / 255.0
    draw = np.random.default_rng(3)

    def cut(count):
        places = draw.integers(0, 380, (count, 2))
        return [photo[r : r + 24, c : c + 24].transpose(2, 0, 1) for r, c in places]

    one, other = cut(240), cut(120)
    same = channel_order(one, other)
    assert same.as_is < 1.7
    assert same.reversed > 3
    scaled = [(v[::-1] - 0.45) / 0.22 for v in other]
    turned = channel_order([(v - 0.45) / 0.22 for v in one], scaled)
    assert turned.reversed < 1.5
    assert turned.as_is > 3
    last = channel_order([v.transpose(1, 2, 0) for v in one], [v.transpose(1, 2, 0) for v in other])
    assert last == same
    grey = [np.repeat(v[:1], 3, 0) for v in one]
    assert channel_order(grey, grey).reversed == channel_order(grey, grey).as_is
    assert channel_order([v[:1] for v in one], other) is None
    assert channel_order(one[:20], other) is None


def test_renamed_classes_are_seen_through():
    x, y = table(400)
    other_x, other_y = table(100, seed=1)
    made = simple_relations(*both(TensorDataset(x, y), TensorDataset(other_x, 1 - other_y)), LABEL)
    assert made.maps[0].permuted > made.maps[0].accuracy + 0.3


class Texts(Dataset):
    """Token ids of different lengths, with a mask, as a collator makes them."""

    def __init__(self, rows, seed, *, renamed):
        generator = np.random.default_rng(seed)
        self.y = generator.integers(0, 3, rows)
        lengths = generator.integers(5, 12, rows)
        common = [generator.integers(30, 90, n) for n in lengths]
        own = [generator.integers(10 * y, 10 * y + 10, 3) for y in self.y]
        self.x = [np.concatenate(both) for both in zip(common, own, strict=True)]
        self.y = (self.y + 1) % 3 if renamed else self.y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        ids = torch.tensor(self.x[i])
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": int(self.y[i])}


@pytest.mark.parametrize("renamed", [True, False])
def test_renamed_classes_of_texts_are_seen_through(renamed):
    place = LabelPlace(("labels",), truncated=False)
    made = both(Texts(300, 0, renamed=False), Texts(80, 1, renamed=renamed))
    (row,) = simple_relations(*made, place).maps
    assert row.known > 0.9
    assert row.permuted > 0.9
    assert (row.accuracy < 0.1) is renamed


def test_a_scale_of_its_own():
    x, y = table(300)
    other_x, other_y = table(100, seed=1)
    (row,) = split_shift(
        *both(TensorDataset(x, y), TensorDataset(other_x * 9 + 4, other_y)), LABEL
    ).rows
    assert row.low > 0.9
    assert row.ratio > 5
    (row,) = split_shift(*both(TensorDataset(x, y), TensorDataset(other_x, other_y)), LABEL).rows
    assert row.low < 0.7


class Records(Dataset):
    def __init__(self, rows, **columns):
        self.x, self.y = table(rows)
        vars(self).update(columns)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def test_groups_and_times_beside_the_samples():
    train = Records(40, speaker=[f"s{i // 4}" for i in range(40)], date=["2024-01-02"] * 40)
    other = Records(8, speaker=["s0", "s1"] * 4, date=["2024-01-01"] * 8)
    made = split_columns(*both(train, other), LABEL)
    assert (made.groups[0].shared, made.groups[0].rows) == (2, 8)
    assert made.times[0].later == 1.0


class Visits(Dataset):
    """Samples that say whose they are, and when."""

    def __init__(self, whose, first):
        self.whose, self.first, self.x = whose, first, None

    def __len__(self):
        return len(self.whose)

    def __getitem__(self, i):
        when = self.first + 3600 * i
        x = torch.randn(3) if self.x is None else self.x[i]
        return {"x": x, "patient_id": self.whose[i], "timestamp": when, "label": i % 2}


def test_groups_and_times_in_the_samples():
    train = Visits([i // 4 for i in range(40)], 1_700_000_000)
    other = Visits([0, 1, 2, 99], 1_700_036_000)
    run, found = both(train, other)
    made = split_columns(run, found, LabelPlace(("label",), truncated=False))
    assert (made.groups[0].column, made.groups[0].shared, made.groups[0].rows) == (
        "patient_id",
        3,
        3,
    )
    assert made.times[0].later == pytest.approx(29 / 40)


def test_a_group_that_the_model_is_given_is_an_input():
    train = Visits([i // 4 for i in range(40)], 1_700_000_000)
    run, found = both(train, Visits([0, 1, 2], 1_600_000_000))
    batch = next(iter(DataLoader(train, 8)))
    call = RootCall(torch.nn.Embedding(10, 2), (batch["patient_id"],), {}, None, True)
    run.tape.root_calls = {0: call}
    run.latest_batches = lambda: [batch]
    made = split_columns(run, found, LabelPlace(("label",), truncated=False))
    assert not made.groups


def test_a_time_of_its_own_for_every_row_is_no_input():
    train = Visits([i // 4 for i in range(40)], 1_700_000_000)
    x = torch.randn(40, 3)
    train.x = x
    run, found = both(train, Visits([0, 1, 2], 1_700_036_000))
    batch = next(iter(DataLoader(train, 8)))
    call = RootCall(torch.nn.Linear(3, 2), (batch["x"],), {}, None, True)
    run.tape.root_calls = {0: call}
    run.latest_batches = lambda: [batch]
    made = split_columns(run, found, LabelPlace(("label",), truncated=False))
    assert made.times
    assert made.groups


def test_one_dataset_that_is_two_splits_in_turn():
    x, y = table(60)
    data = TensorDataset(x, y)
    run, found = both(data, data)
    assert split_overlap(run, found).rows[0].same_object
    for info, split in zip(run.tape.loaders, ("train", "val"), strict=True):
        info.states.add(frozenset({("split", split)}))
    assert not split_overlap(run, found).rows
    run.tape.loaders[0].states.add(frozenset({("split", "val")}))
    assert split_overlap(run, found).rows


@pytest.mark.parametrize(
    ("values", "instants"),
    [
        (["2024-01-01", "2024-05-01"], 2),
        ([2001, 2014], 2),
        ([1_700_000_000, 1_700_000_100], 2),
        ([0.1, 0.9], None),  # a time of day, or an input of a simulation
        (["morning", "evening"], None),
        ([None, "2024-01-01"], 1),
    ],
)
def test_what_is_a_point_in_time(values, instants):
    made = _instants(values)
    assert (None if made is None else len(made)) == instants


def test_layouts():
    ramp = np.linspace(0, 1, 16)
    picture = np.stack([ramp[:, None] + ramp, 2 - ramp[:, None] - ramp, 0 * ramp[:, None] + ramp])
    sound = np.stack([picture * k for k in range(1, 11)])
    scrambled = sound.transpose(0, 2, 3, 1).reshape(10, 3, 16, 16)
    assert _layout(sound)[0] < 1
    assert _layout(scrambled)[0] > 2
    assert _layout(np.random.default_rng(0).normal(size=(10, 3, 16, 16)))[0] == pytest.approx(
        1, abs=0.1
    )


def test_a_loader_that_skips_the_rest():
    x, y = table(90)
    made = delivery(trainee(DataLoader(TensorDataset(x, y), 64, drop_last=True)))
    (row,) = made.rows
    assert (row.size, row.batches, row.sequential, row.drop_last) == (90, 1, True, True)


class Pictures(Dataset):
    """Pictures with masks, mirrored at random."""

    def __init__(self, how):
        generator = np.random.default_rng(0)
        self.how = how
        self.x = generator.normal(size=(12, 3, 16, 16)).cumsum(-1).cumsum(-2)
        self.y = self.x.mean(1) > np.median(self.x.mean(1), (1, 2), keepdims=True)

    def __len__(self):
        return 12

    def __getitem__(self, i):
        first, second = np.random.rand(2) < 0.5  # noqa: NPY002 - the generator that datasets use
        x, y = self.x[i], self.y[i]
        if self.how == "never":
            first = second = False
        if first:
            x = x[..., ::-1]
        if second if self.how == "apart" else first:
            y = y[..., ::-1]
        noise = 0.05 * x.std() * torch.randn(3, 16, 16)
        return torch.tensor(x.copy()).float() + noise, torch.tensor(y.copy()).long()


@pytest.mark.parametrize(("how", "share"), [("apart", 0.5), ("together", 0), ("never", 0)])
def test_pictures_that_are_turned_without_their_masks(how, share):
    data = Pictures(how)
    run, found = both(data, data)
    made = paired_turns(run, found, LABEL)
    assert made.pairs >= 60
    assert made.apart / made.pairs == pytest.approx(share, abs=0.2)
    assert (made.entries > 1) is (how == "apart")


def test_rows_of_numbers_do_not_turn():
    x, y = table(60)
    with pytest.raises(AbsentFact):
        paired_turns(*both(TensorDataset(x, y), TensorDataset(x, y)), LABEL)


def test_stored_data_is_put_back():
    class InPlace(Records):
        def __getitem__(self, i):
            self.x[i] *= 0.5
            return self.x[i], self.y[i]

    data = InPlace(40)
    before = data.x.clone()
    run = trainee(DataLoader(data, 20))
    assert sample_stability(run, Loaders(loaders(run).rows)).rows[0].mutated == 4
    assert torch.equal(data.x, before)
