"""Vocabularies: which maps belong together, and what comes back."""

import string

import pytest

from mldoctor.facts.vocabularies import _nearest

LETTERS = list(string.ascii_lowercase)
STOI = {c: i + 1 for i, c in enumerate(LETTERS)}
ITOS = {i: c for c, i in STOI.items()}


def trip(decoder, *encoders):
    return _nearest(("itos", decoder), {i: (f"e{i}", e) for i, e in enumerate(encoders)})


@pytest.mark.parametrize(
    "encoder",
    [
        STOI,
        STOI | {".": 0},  # a start that the decoder does not know
        STOI | dict.fromkeys(("rare", "rarer", "rarest"), 0),  # the unknown word
    ],
)
def test_what_comes_back(encoder):
    assert trip(ITOS, encoder).lost == 0
    assert trip(ITOS | {0: "."}, encoder).lost == 0


def test_another_order():
    made = trip(ITOS, {c: i + 1 for i, c in enumerate(reversed(LETTERS))})
    assert (made.words, made.lost, made.shifted) == (26, 26, False)
    assert made.examples[0] == "a -> 26 -> z"


def test_the_nearest_map_counts():
    other = {c: i + 1 for i, c in enumerate(reversed(LETTERS))}
    assert trip(ITOS, other, STOI).lost == 0


def test_a_place_kept_free():
    assert trip(dict(enumerate(LETTERS)), STOI).shifted


@pytest.mark.parametrize(
    "encoder",
    [
        {c: 7 * i for i, c in enumerate(LETTERS)},  # counts or other numbers
        {c.upper(): i + 1 for i, c in enumerate(LETTERS)},  # other words
        {c: i + 1 for i, c in enumerate(LETTERS[:5])},
    ],
)
def test_maps_that_do_not_belong_together(encoder):
    assert trip(ITOS, encoder) is None


def test_counts_of_words_are_no_numbers():
    assert trip(ITOS, dict.fromkeys(LETTERS, 3)) is None
