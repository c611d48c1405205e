"""The overlap kernel against a slow and obvious one."""

from random import Random

import numpy as np
import pytest

from mldoctor.data.kernel import SIMILAR, build, probe
from mldoctor.data.words import row_hashes, shingles, words
from mldoctor.trainee.fingerprints import fold

WORDS = [
    f"{a}{b}"
    for a in ("ta", "mo", "re", "li", "su", "ko")
    for b in ("n", "r", "st", "m", "d", "v", "x")
]


def made(count, seed, length=30):
    draw = Random(seed)  # noqa: S311 - data, no secret
    return [" ".join(draw.choice(WORDS) for _ in range(length)) for _ in range(count)]


def by_hand(small, large):
    """Rows of `small` with an equal or nearly equal row in `large`."""

    def grams(text):
        parts = fold(text).split()
        return {tuple(parts[i : i + 3]) for i in range(max(1, len(parts) - 2))}

    sets = [grams(t) for t in large]
    found = set()
    for i, text in enumerate(small):
        mine = grams(text)
        if any(len(mine & other) >= SIMILAR * len(mine | other) for other in sets):
            found.add(i)
    return found


def changed(text, seed):
    draw = Random(seed)  # noqa: S311 - data, no secret
    parts = text.split()
    for _ in range(2):
        parts[draw.randrange(len(parts))] = draw.choice(WORDS)
    return " ".join(parts)


def test_it_finds_what_the_slow_one_finds():
    large, small = made(600, 1), made(150, 2)
    for i in range(20):
        small[i] = large[i * 3]
        small[20 + i] = "  " + large[100 + i].upper().replace(" ", ",  ") + "!"
        small[40 + i] = changed(large[200 + i], i)
    index = build(small)
    matches = [
        m
        for begin in range(0, 600, 100)
        for m in probe(index, large[begin : begin + 100], offset=begin)
    ]
    kinds = {
        kind: {m.small for m in matches if m.kind == kind}
        for kind in ("exact", "normalised", "near")
    }
    assert kinds["exact"] == set(range(20))
    assert kinds["normalised"] == set(range(20, 40))
    assert set().union(*kinds.values()) >= by_hand(small, large)
    assert all(large[m.large] == small[m.small] for m in matches if m.kind == "exact")


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("Good film.", "good   FILM !!", True),
        ("ﬁne work", "fine work", True),  # a ligature, by NFKC
        ("good\u00a0film", "good film", True),
        ("good film", "film good", False),
        ("goodfilm", "good film", False),
        ("a_b", "a b", True),
        ("x\ny", "x y", True),
    ],
)
def test_normalised_rows(left, right, same):
    first, second = row_hashes(words([left, right]))
    assert (first == second) is np.bool_(same)
    assert (fold(left) == fold(right)) is same


def test_texts_without_a_word_are_equal_only_to_themselves():
    index = build([":-)", "", "!!"])
    assert [(m.small, m.large, m.kind) for m in probe(index, [":-)", "", "?"])] == [(0, 0, "exact")]


def test_short_texts_do_not_collapse_into_one():
    index = build(["ok", "thank you"])
    assert {(m.small, m.large) for m in probe(index, ["thank you", "no", "ok"])} == {(1, 0), (0, 2)}


def test_a_shared_opening_is_no_near_copy():
    opening = " ".join(made(1, 9, 15))
    left = [f"{opening} {text}" for text in made(300, 3, 40)]
    right = [f"{opening} {text}" for text in made(300, 4, 40)]
    assert not probe(build(left), right)


def test_scripts_without_spaces_are_cut_into_characters():
    text = "今天天气很好我们一起去公园散步吧然后回家吃饭"
    _hashes, rows = shingles(words([text, "short"]))
    assert (rows == 0).sum() == len(text) - 2
    other = text.replace("公园", "海边")
    assert [m.kind for m in probe(build([text]), [other])] == ["near"]


def test_token_ids():
    draw = np.random.default_rng(0)
    rows = [draw.integers(0, 5000, 40) for _ in range(50)]
    near = rows[7].copy()
    near[20] = 1
    matches = probe(build([], rows), [], [rows[3], near])
    assert {(m.small, m.large, m.kind) for m in matches} == {(3, 0, "exact"), (7, 1, "near")}


def test_empty_splits():
    assert probe(build([]), ["a text of four words"]) == []
    assert probe(build(["a text of four words"]), []) == []
