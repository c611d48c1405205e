"""`mldoctor data`, as a user runs it."""

import csv
import json
import subprocess
import sys
from random import Random

import pytest

WORDS = [
    "river",
    "stone",
    "cloud",
    "amber",
    "quiet",
    "lantern",
    "copper",
    "meadow",
    "violet",
    "harbor",
    "winter",
    "thread",
    "candle",
    "ember",
]


def sentence(draw, length=20):
    return " ".join(draw.choice(WORDS) + str(draw.randrange(40)) for _ in range(length))


def table(path, rows, header=("text", "label")):
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


@pytest.fixture
def splits(tmp_path):
    """300 training rows and 100 test rows; 3 equal, 2 folded, 2 near, 1 empty, 2 conflicting."""
    draw = Random(0)  # noqa: S311 - data, no secret
    train = [[sentence(draw), draw.choice("ab")] for _ in range(300)]
    test = [[sentence(draw), draw.choice("ab")] for _ in range(100)]
    for i in range(3):
        test[i][0] = train[i][0]
    for i in range(3, 5):
        test[i][0] = train[i][0].upper() + "!"
    for i in range(5, 7):
        parts = train[i][0].split()
        parts[9] = "changed"
        test[i][0] = " ".join(parts)
    test[20][0] = ""
    train[100] = [train[99][0], "a" if train[99][1] == "b" else "b"]
    test[30][1] = "c"
    return table(tmp_path / "train.csv", train), table(tmp_path / "test.csv", test)


def run(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "mldoctor", "data", *map(str, arguments)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def found(*arguments):
    code, out, err = run(*arguments, "--output-format", "json")
    assert out, err
    return code, {f["name"]: f for f in json.loads(out)["findings"]}


def test_it_finds_what_was_planted_and_nothing_else(splits):
    code, findings = found(*splits)
    assert code == 1
    assert {n: f["message"] for n, f in findings.items()} == {
        "split-overlap": "5 validation samples also stand in the training data",
        "near-duplicate-overlap": "2 validation samples nearly equal a training sample",
        "empty-sample": "1 validation samples hold nothing",
        "conflicting-labels": "1 inputs occur with different labels",
        "duplicate-samples": "1 training samples repeat another one",
        "missing-class": "class c has no training sample",
    }


def test_sound_files_are_healthy(tmp_path):
    draw = Random(1)  # noqa: S311 - data, no secret
    paths = [
        table(tmp_path / f"{name}.csv", [[sentence(draw), i % 2] for i in range(n)])
        for name, n in (("train", 300), ("val", 80), ("test", 80))
    ]
    code, findings = found(*paths)
    assert (code, findings) == (0, {})


def test_groups_and_times(tmp_path):
    draw = Random(2)  # noqa: S311 - data, no secret
    rows = [[sentence(draw), i % 2, f"p{i % 20}", f"2024-{1 + i % 12:02d}-01"] for i in range(400)]
    header = ("text", "label", "patient", "visited")
    train = table(tmp_path / "train.csv", rows[:300], header)
    test = table(tmp_path / "test.csv", rows[300:], header)
    _, findings = found(train, test, "--time", "visited")
    assert {"group-overlap", "time-overlap"} == set(findings)


def test_a_table_without_a_text(tmp_path):
    draw = Random(3)  # noqa: S311 - data, no secret
    rows = [[draw.random(), draw.random(), i % 2] for i in range(100)]
    header = ("width", "height", "label")
    train = table(tmp_path / "train.csv", rows[:80], header)
    test = table(tmp_path / "test.csv", rows[75:], header)
    _, findings = found(train, test)
    assert findings["split-overlap"]["message"].startswith("5 ")


def test_slices_of_the_index_give_the_same_pairs(splits, monkeypatch):
    from pathlib import Path

    from mldoctor.data.files import Source
    from mldoctor.data.near import near_pairs
    from mldoctor.data.splits import find_columns, read

    sides = []
    for path in splits:
        columns = find_columns(Source(Path(path)), None, None, None, None)
        sides.append(read("x", Source(Path(path)), columns, lambda _n: None))
    monkeypatch.setattr("mldoctor.data.files.ROWS", 30)
    whole = near_pairs(*sides, 1 << 30, lambda _s, _n: None)
    sliced = near_pairs(*sides, 1000, lambda _s, _n: None)
    assert sorted(whole) == sorted(sliced)
    assert len(whole) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone.csv"], "gone.csv does not exist"),
        (["{train}", "--label", "lable"], "has no column 'lable'"),
        (["{train}", "--select", "frozen-head"], "no probe of data files is selected"),
        (["{train}", "--memory-limit", "1"], "16"),
    ],
)
def test_a_mistake_is_one_clear_sentence(splits, arguments, said):
    code, out, err = run(*(a.format(train=splits[0]) for a in arguments))
    assert code == 2
    assert said in err
    assert "Traceback" not in err + out


def test_rows_that_were_skipped_are_told(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\ngood day,1\ntoo,many,fields\nbad day,0\n")
    code, _, err = run(path)
    assert code == 0
    assert "1 rows of a.csv were skipped: not 2 fields (first: line 3)" in err


def test_nothing_is_written_next_to_the_data(splits):
    before = sorted(splits[0].parent.iterdir())
    run(*splits)
    assert sorted(splits[0].parent.iterdir()) == before
