"""What the recorders keep of parameters that two layers share, and of a forward that raises."""

from __future__ import annotations

import torch
from torch import nn

from mldoctor.facts.position_tables import position_tables
from mldoctor.facts.tied_weights import tied_weights
from mldoctor.trainee.driver import Driver


class Words(nn.Module):
    def __init__(self, places=6):
        super().__init__()
        self.embed = nn.Embedding(9, 4)
        self.places = nn.Parameter(torch.zeros(places, 4))
        self.out = nn.Linear(4, 9)

    def forward(self, ids):
        return self.out(self.embed(ids) + self.places[: ids.shape[1]])


def observed(program):
    driver = Driver(program, budget=20)
    try:
        driver.observe()
        return (
            driver,
            tied_weights(driver).pairs if driver.tape.roots else (),
            position_tables(driver),
        )
    finally:
        driver.stop()


def train(model, length=5):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        ids = torch.randint(0, 9, (3, length))
        loss = nn.functional.cross_entropy(model(ids).flatten(0, 1), ids.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_a_tie_is_remembered_after_it_was_undone():
    def program():
        model = Words()
        model.out.weight = model.embed.weight
        model.embed.weight = nn.Parameter(torch.randn(9, 4))
        train(model)

    _, (pair,), _ = observed(program)
    assert not pair.shared
    assert pair.tied is not None
    assert pair.tied.path == __file__


def test_layers_that_never_shared_are_not_tied():
    _, (pair,), tables = observed(lambda: train(Words()))
    assert pair.tied is None
    assert tables.short == ()


def test_a_parameter_that_is_registered_anew_in_its_own_module_is_no_tie():
    def program():
        model = Words()
        model.embed.weight = model.embed.weight
        train(model)

    driver, _, _ = observed(program)
    assert driver.tape.ties == []


def test_the_call_that_raised_is_kept():
    driver, _, tables = observed(lambda: train(Words(), length=8))
    assert driver.tape.failed is not None
    assert driver.tape.failed.args[0].shape == (3, 8)
    (table,) = tables.short
    assert (table.rows, table.steps) == (6, 8)
    assert table.name.endswith("places")


def test_the_keyword_arguments_of_a_call_that_raised_are_kept():
    def program():
        model = Words()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(4):
            ids = torch.randint(0, 9, (3, 8))
            model(ids=ids).sum().backward()
            optimizer.step()

    driver, _, tables = observed(program)
    assert driver.tape.failed.kwargs["ids"].shape == (3, 8)
    assert (tables.short[0].rows, tables.short[0].steps) == (6, 8)


def test_a_tie_that_is_lost_as_the_tables_grow_leaves_equal_rows():
    def program():
        model = Words()
        model.out.weight = model.embed.weight
        old = model.embed.weight.data
        for name in ("embed", "out"):
            longer = nn.Parameter(torch.randn(9, 4))
            longer.data[:7] = old[:7]
            getattr(model, name).weight = longer
        train(model)

    _, (pair,), _ = observed(program)
    assert pair.copied
    assert not pair.shared
