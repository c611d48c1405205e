"""Each forward experiment against the full Jacobian of a tiny model."""

from __future__ import annotations

import pytest
import torch
from oracle import Fake, OfVectors, across, jacobian
from torch import nn

from mldoctor.errors import AbsentFact
from mldoctor.facts.argument_effects import effects
from mldoctor.facts.embedding_spread import spread
from mldoctor.facts.evaluation_noise import evaluation_noise
from mldoctor.facts.forward_dependence import forward_dependence
from mldoctor.facts.linearity import linearity
from mldoctor.facts.memory_use import memory_use
from mldoctor.facts.module_use import module_use
from mldoctor.facts.packed_documents import packed_documents
from mldoctor.facts.padding_effect import padding_effect
from mldoctor.facts.recorded_calls import repeat
from mldoctor.facts.time_variation import time_variation

BATCH, TIME, WIDTH = 5, 7, 4


class Mean(nn.Module):
    """Pools [batch, time, features] over one of its axes, or mixes along them."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.rnn = nn.GRU(WIDTH, 6, batch_first=kind != "recurrent over samples")
        self.attend = nn.MultiheadAttention(WIDTH, 2, batch_first=kind != "attends to samples")
        self.out = nn.Linear(6 if "recurrent" in kind else WIDTH, 3)
        self.place = nn.Parameter(torch.randn(BATCH, 1, WIDTH))

    def forward(self, x):
        if self.kind == "viewed":
            x = x.transpose(0, 1).contiguous().view(x.shape)
        if self.kind == "softmax over samples":
            x = x.softmax(0)
        if self.kind == "places":
            x = x + self.place
        if "recurrent" in self.kind:
            x = self.rnn(x)[0]
        if "attends" in self.kind:
            x = self.attend(x, x, x)[0]
        return self.out(x.mean(1))


@pytest.mark.parametrize(
    "kind",
    [
        "plain", "viewed", "softmax over samples", "recurrent", "recurrent over samples", "attends",
        "attends to samples",
    ],
)  # fmt: skip
def test_samples_that_mix(kind):
    torch.manual_seed(0)
    model, x = Mean(kind), torch.randn(BATCH, TIME, WIDTH)
    between = across(jacobian(model, x), 0, 0, 2)
    mixes = bool(between.fill_diagonal_(0).max() > 0)
    trainee = Fake(model, x, target=torch.zeros(BATCH), prediction=torch.zeros(BATCH, 3), batch=x)
    found = forward_dependence(trainee).models[0]
    assert found.samples == BATCH
    assert (found.mixed > 1e-3) == mixes == ("samples" in kind or kind == "viewed")


@pytest.mark.parametrize("kind", ["plain", "places"])
def test_a_place_in_the_batch(kind):
    torch.manual_seed(0)
    model, x = Mean(kind), torch.randn(BATCH, TIME, WIDTH)
    found = forward_dependence(Fake(model, x, batch=x)).models[0]
    model.eval()
    same = model(x[:1].expand_as(x))
    by_place = float((same - same[:1]).detach().abs().max())
    assert found.mixed < 1e-6
    assert (found.placed > 1e-3) == (by_place > 1e-5) == (kind == "places")


class Tokens(nn.Module):
    """A sequence model of ids [batch, time], or of [time, batch] where it says so."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.embed = nn.Embedding(12, WIDTH, padding_idx=0)
        self.rnn = nn.GRU(WIDTH, WIDTH, batch_first="time first" not in kind)
        self.conv = nn.Conv1d(WIDTH, WIDTH, 3, padding=1)
        self.attend = nn.MultiheadAttention(WIDTH, 2, batch_first=True)
        self.out = nn.Linear(WIDTH, 3)

    def forward(self, ids, mask=None):
        x = self.embed(ids)
        if "recurrent" in self.kind:
            x = self.rnn(x)[0]
        if "over samples" in self.kind:
            x = x * x.softmax(0)
        if "centred" in self.kind:
            x = self.conv(x.transpose(1, 2)).transpose(1, 2)
        if "attends" in self.kind:
            steps = torch.arange(x.shape[1])
            ahead = int(self.kind == "attends one ahead")
            hidden = steps[None, :] > steps[:, None] + ahead
            x = x + self.attend(x, x, x, attn_mask=hidden)[0]
        return self.out(x)


@pytest.mark.parametrize(
    "kind", ["recurrent", "recurrent, centred", "centred", "attends", "attends one ahead"]
)
def test_a_look_into_the_future(kind):
    torch.manual_seed(0)
    model, ids = Tokens(kind), torch.randint(1, 12, (BATCH, TIME + 1))
    vectors = model.embed(ids[:, :-1]).detach()
    between = across(jacobian(OfVectors(model, model.embed), vectors), 1, 1, 3)
    leaks = bool(between.triu(1).max() > 0)
    target = ids[:, 1:].flatten()
    found = forward_dependence(Fake(model, ids[:, :-1], target=target, prediction=target)).models[0]
    assert (found.future > 1e-3) == leaks == ("centred" in kind or "ahead" in kind)


@pytest.mark.parametrize(
    "kind", ["recurrent", "recurrent, time first", "over samples", "recurrent, over samples"]
)
def test_tokens_whose_axes_nobody_names(kind):
    torch.manual_seed(0)
    model, ids = Tokens(kind), torch.randint(1, 12, (BATCH, TIME))
    vectors = model.embed(ids).detach()
    full = jacobian(OfVectors(model, model.embed), vectors)
    along = [bool(across(full, a, a, 3).fill_diagonal_(0).max() > 0) for a in (0, 1)]
    found = forward_dependence(Fake(model, ids)).models[0]
    assert (found.mixed > 1e-3) == all(along) == (kind == "recurrent, over samples")


@pytest.mark.parametrize("used", [(True, True), (True, False), (False, True)])
def test_each_argument(used):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(3, 2), nn.Linear(4, 2)

        def forward(self, left, right):
            return used[0] * self.left(left) + used[1] * self.right(right)

    torch.manual_seed(0)
    model, given = Two(), (torch.randn(BATCH, 3), torch.randn(BATCH, 4))
    call = Fake(model, *given).tape.root_calls[0]
    everything, *each = effects(call, repeat(call))
    full = jacobian(model, given)
    assert everything.effect > 0
    assert [row.name for row in each] == ["left", "right"]
    for row, part, is_used in zip(each, full, used, strict=True):
        assert (row.effect > 0) == bool(part.abs().max() > 0) == is_used
        assert not row.part


def test_a_bag_of_one_sample_is_no_ignored_input():
    bag = nn.Sequential(nn.EmbeddingBag(12, WIDTH), nn.Linear(WIDTH, 3))
    (everything,) = effects(
        call := Fake(bag, torch.tensor([[1, 5, 7]])).tape.root_calls[0], repeat(call)
    )
    assert everything.effect > 0


def test_parts_of_a_dictionary_are_marked():
    class OfDictionary(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(3, 2)

        def forward(self, batch):
            return self.out(batch["x"])

    model = OfDictionary()
    call = Fake(model, {"x": torch.randn(5, 3), "y": torch.randn(5, 2)}).tape.root_calls[0]
    _, x, y = effects(call, repeat(call))
    assert (x.part, y.part, y.effect) == (True, True, 0.0)


@pytest.mark.parametrize("how", ["masked", "mean", "turned round"])
def test_padding(how):
    class Pooled(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(12, WIDTH)
            self.out = nn.Linear(WIDTH, 3)

        def forward(self, ids, attention_mask):
            x = self.embed(ids)
            shown = torch.ones_like(attention_mask) if how == "mean" else attention_mask
            shown = (1 - shown if how == "turned round" else shown).unsqueeze(-1)
            return self.out((x * shown).sum(1) / shown.sum(1).clamp(min=1))

    torch.manual_seed(0)
    ids = torch.randint(1, 12, (BATCH, 8))
    mask = torch.ones_like(ids)
    for row, length in enumerate((8, 3, 5, 2, 6)):
        ids[row, length:] = mask[row, length:] = 0
    model = Pooled()
    found = padding_effect(Fake(model, ids, mask)).models[0]
    # Oracle: what the answer owes to the padding, and what to the words.
    wrapped = OfVectors(lambda z: model(z, mask), model.embed)
    full = jacobian(wrapped, model.embed(ids).detach()).abs().amax((1, 4))
    own = torch.stack([full[i, i] for i in range(BATCH)])
    from_padding = bool(own[mask == 0].max() > 0)
    from_words = bool(own[mask == 1].max() > 0)
    assert (found.extension > 1e-3) == from_padding == (how != "masked")
    assert from_words == (how != "turned round")
    if how == "turned round":
        assert found.inverted <= 1e-6


@pytest.mark.parametrize("blocked", [True, False])
def test_packed_documents(blocked):
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(12, WIDTH)
            self.attend = nn.MultiheadAttention(WIDTH, 1, batch_first=True)

        def forward(self, ids, position_ids):
            x = self.embed(ids)
            document = (position_ids == 0).cumsum(1)
            strangers = document[:, :, None] != document[:, None]
            return self.attend(x, x, x, attn_mask=strangers if blocked else None)[0]

    torch.manual_seed(0)
    ids = torch.randint(1, 12, (BATCH, 12))
    positions = torch.arange(6).repeat(2).expand(BATCH, 12)
    model = Packed()
    found = packed_documents(Fake(model, ids, positions)).models[0]
    wrapped = OfVectors(lambda z: model(z, positions), model.embed)
    between = across(jacobian(wrapped, model.embed(ids).detach()), 1, 1, 3)
    assert found.documents == 2
    assert found.resets
    assert (found.later > 1e-3) == bool(between[6:, :6].max() > 0) == (not blocked)


@pytest.mark.parametrize("collapsed", [True, False])
def test_time_that_dies(collapsed):
    class Frames(nn.Module):
        def __init__(self):
            super().__init__()
            self.enter = nn.Conv1d(WIDTH, 8, 3, padding=1)
            self.pool = nn.AdaptiveAvgPool1d(1) if collapsed else nn.Identity()
            self.out = nn.Linear(8, 3)

        def forward(self, x):
            z = self.pool(self.enter(x.transpose(1, 2)))
            return self.out(z.expand(-1, -1, x.shape[1]).transpose(1, 2))

    torch.manual_seed(0)
    model, x = Frames(), torch.randn(BATCH, TIME, WIDTH)
    found = time_variation(Fake(model, x, batch=x)).models[0]
    full = jacobian(model, x)  # [batch, time, 3, batch, time, features]
    by_step = full.flatten(2)
    same = bool((by_step - by_step[:, :1]).abs().max() < 1e-7)
    assert (found.output_variation < 1e-5) == same == collapsed
    assert found.passes_all == collapsed


@pytest.mark.parametrize("activation", [nn.Identity, nn.ReLU])
def test_an_affine_map(activation):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 6), activation(), nn.Linear(6, 2))
    x = torch.randn(BATCH, 3)
    found = linearity(Fake(model, x)).models[0]
    here, there = jacobian(model, x[:1]), jacobian(model, -3 * x[1:2])
    assert (found.departure < 1e-5) == torch.allclose(here, there) == (activation is nn.Identity)


@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_noise_in_evaluation(rate):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(3, 8)

        def forward(self, x):
            return nn.functional.dropout(self.out(x), rate)

    torch.manual_seed(0)
    model, x = Net(), torch.randn(BATCH, 3)
    found = evaluation_noise(Fake(model, x)).models[0]
    spread = torch.stack([model(x) for _ in range(200)]).std(0).max()
    assert (found.difference > 0) == bool(spread > 1e-6) == (rate > 0)


@pytest.mark.parametrize("samples", [3, 6, 32])
def test_memory_that_a_forward_keeps(samples):
    model, x = (
        nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10)),
        torch.randn(samples, 20),
    )
    trainee = Fake(model, x, batch=x)
    trainee.memory_limit = 10**6
    found = memory_use(trainee)
    weights = 4 * (20 * 64 + 64 + 64 * 10 + 10)
    assert (found.weights, found.gradients, found.optimizers) == (weights, weights, 0)
    # The input, and the result of the ReLU, which is the input of the second layer.
    assert found.kept(samples) == pytest.approx(4 * samples * (20 + 64))
    if samples > 3:
        assert found.largest_batch == (10**6 - 2 * weights) // (4 * (20 + 64))


def test_memory_of_a_batch_that_is_compared_with_itself():
    class Pairs(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 6)

        def forward(self, x):
            z = self.inner(x)
            return (z[:, None] - z[None]).square().sum(-1)

    trainee = Fake(Pairs(), torch.randn(40, 4), batch=torch.randn(40, 4))
    trainee.memory_limit = 10**9
    kept = memory_use(trainee).kept(40)
    assert kept == pytest.approx(4 * (40 * 40 * 6 + 40 * 4), rel=0.01)


def test_spread_of_representations():
    torch.manual_seed(0)
    apart, same = torch.randn(64, 32), torch.randn(1, 32).expand(64, 32)
    assert spread(apart).relative == pytest.approx(1.0, abs=0.05)
    assert spread(apart).rank > 20
    assert spread(same).relative < 1e-6
    line = torch.randn(64, 1) @ torch.randn(1, 32)
    assert spread(line).rank == pytest.approx(1.0, abs=1e-3)
    by_hand = torch.stack([(a - b).norm() for i, a in enumerate(apart) for b in apart[:i]]).mean()
    assert spread(apart).distance == pytest.approx(float(by_hand), rel=1e-4)


@pytest.mark.parametrize("layout", ["values", "one of many features", "channels first"])
@pytest.mark.parametrize("leaks", [True, False])
def test_a_look_into_the_future_of_numbers(layout, leaks):
    class Filter(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(
                1 if layout == "values" else WIDTH, 1, 3, padding=1 if leaks else 2
            )

        def forward(self, x):
            if layout != "channels first":
                x = x.unsqueeze(1) if layout == "values" else x.transpose(1, 2)
            out = self.conv(x)
            return (out if leaks else out[..., :-2]).squeeze(1)

    torch.manual_seed(0)
    series = torch.randn(BATCH, WIDTH, TIME + 1)
    given = {
        "values": series[:, 0, :-1],
        "one of many features": series[..., :-1].transpose(1, 2),
        "channels first": series[..., :-1],
    }[layout]
    target = series[:, 0, 1:]
    found = forward_dependence(Fake(Filter(), given, target=target, prediction=target)).models[0]
    assert found.steps == TIME
    assert (found.future > 1e-3) == leaks


class Clips(nn.Module):
    """Sequences of numbers, summed up in some way."""

    def __init__(self, how):
        super().__init__()
        self.how = how
        self.rnn = nn.GRU(WIDTH, 6, batch_first=True)

    def forward(self, x, lengths=None):
        states = self.rnn(x)[0]
        if self.how == "last":
            return states[:, -1]
        return states[torch.arange(len(x)), lengths - 1]


def clips():
    torch.manual_seed(0)
    x, lengths = torch.randn(BATCH, 8, WIDTH), torch.tensor([8, 3, 5, 2, 6])
    x[torch.arange(8)[None] >= lengths[:, None]] = 0
    return x, lengths


@pytest.mark.parametrize("how", ["last", "last valid"])
def test_padding_of_numbers_beyond_the_lengths(how):
    found = padding_effect(Fake(Clips(how), *clips())).models[0]
    assert (found.steps, found.added) == (8, 2)
    assert (found.extension > 1e-3) == (how == "last")


def test_zeros_at_the_end_are_padding_only_where_batches_differ_in_length():
    x, _ = clips()
    longer = torch.randn(BATCH, 12, WIDTH)
    assert padding_effect(Fake(Clips("last"), x, batch=(longer,))).models[0].extension > 1e-3
    with pytest.raises(AbsentFact):
        padding_effect(Fake(Clips("last"), x, batch=(x,)))


@pytest.mark.parametrize("where", ["module", "scaled dot product", "filled scores"])
@pytest.mark.parametrize("turned", [True, False])
def test_masks_that_hide_the_wrong_steps(where, turned):
    class Reads(nn.Module):
        def __init__(self):
            super().__init__()
            self.attend = nn.MultiheadAttention(WIDTH, 2, batch_first=True)

        def forward(self, x, mask):
            shown = ~mask if turned else mask
            if where == "module":
                return self.attend(x, x, x, key_padding_mask=~shown[:, 0], need_weights=False)[0]
            if where == "scaled dot product":
                return nn.functional.scaled_dot_product_attention(x, x, x, attn_mask=shown)
            scores = (x @ x.transpose(1, 2)).masked_fill(~shown, -1e9)
            return self.attend.out_proj(scores.softmax(-1) @ x)

    x, lengths = clips()
    mask = (torch.arange(8)[None] < lengths[:, None])[:, None]
    found = padding_effect(Fake(Reads(), x, mask)).models[0]
    assert (found.mask, found.hides_valid) == ("mask", turned)


class Listed(nn.Module):
    """Layers in a plain list, of which the first `used` take part; `spare` takes part if wanted."""

    def __init__(self, used, *, spare):
        super().__init__()
        self.used, self.wanted = used, spare
        self.blocks = [nn.Linear(WIDTH, WIDTH) for _ in range(3)]
        self.spare, self.out = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2)

    def forward(self, x):
        for block in self.blocks[: self.used]:
            x = torch.tanh(block(x))
        if self.wanted:
            x = self.spare(x)
        return self.out(x)


def moves_the_output(model, layer, x):
    """Whether other weights of one layer change what the model answers."""
    before = model(x)
    with torch.no_grad():
        layer.weight.add_(1.0)
        after = model(x)
        layer.weight.sub_(1.0)
    return not torch.allclose(before, after)


@pytest.mark.parametrize("used", [0, 1, 3])
@pytest.mark.parametrize("spare", [True, False])
def test_layers_that_a_call_runs(used, spare):
    torch.manual_seed(0)
    model, x = Listed(used, spare=spare), torch.randn(BATCH, WIDTH)
    trainee = Fake(model, x)
    gradients = torch.autograd.grad(model(x).sum(), [*model.parameters()], allow_unused=True)
    trainee.tape.events[0].details["norms"] = [
        None if g is None else float(g.norm()) for g in gradients
    ]
    found = module_use(trainee)
    (hidden,) = found.unregistered
    assert hidden.layers == len(model.blocks)
    assert hidden.used == sum(moves_the_output(model, b, x) for b in model.blocks) == used
    assert hidden.held == 0
    idle = [
        name for name in ("spare", "out") if not moves_the_output(model, getattr(model, name), x)
    ]
    assert [row.name.rpartition(".")[2] for row in found.unreached] == idle
    assert not any(row.ran for row in found.unreached)
