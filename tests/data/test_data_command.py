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
    monkeypatch.setattr("mldoctor.data.chunks.ROWS", 30)
    whole = near_pairs(*sides, 1 << 30, lambda _s, _n: None)
    sliced = near_pairs(*sides, 30_000, lambda _s, _n: None)
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


def test_every_two_splits_are_compared(splits, tmp_path):
    train, test = splits
    lines = test.read_text().splitlines()
    val = tmp_path / "val.csv"
    val.write_text("\n".join([lines[0], *lines[40:60]]))
    done = json.loads(run(train, val, test, "--output-format", "json")[1])["findings"]
    assert {(f["severity"], f["message"]) for f in done if f["name"] == "split-overlap"} == {
        ("error", "5 test samples also stand in the training data"),
        ("warning", "20 test samples also stand in the validation data"),
    }
    done = json.loads(run(train, train, test, "--output-format", "json")[1])["findings"]
    assert "300 validation samples also stand in the training data" in {f["message"] for f in done}
    _, findings = found(train, train)
    assert "same-dataset-evaluated" in findings


def test_all_pairs_stand_in_the_json_and_no_text_anywhere(splits):
    _, findings = found(*splits)
    (pairs,) = (e for e in findings["split-overlap"]["evidence"] if "rows" in e)
    assert pairs["rows"] == [[0, 0], [1, 1], [2, 2], [3, 3], [4, 4]]
    word = splits[0].read_text().split("\n")[1].split()[0]
    for form in ("full", "markdown", "html", "sarif", "github", "junit", "json"):
        assert word not in run(*splits, "--output-format", form)[1]
    assert word in run(*splits, "--output-format", "full", "--include-examples")[1]


def test_what_everybody_writes_is_a_note(tmp_path):
    draw = Random(4)  # noqa: S311 - data, no secret
    rows = [[draw.choice(["ok", "Thanks!", "+1"]) if i % 9 == 0 else sentence(draw), 1]
            for i in range(400)]  # fmt: skip
    train, test = table(tmp_path / "a.csv", rows[:300]), table(tmp_path / "b.csv", rows[300:])
    code, findings = found(train, test)
    assert code == 0
    assert findings["split-overlap"]["severity"] == "note"


def test_rows_in_the_order_of_their_labels(tmp_path):
    draw = Random(5)  # noqa: S311 - data, no secret
    path = table(tmp_path / "a.csv", [[sentence(draw), i // 200] for i in range(400)])
    code, findings = found(path)
    assert (code, list(findings)) == (0, ["unshuffled-training"])


def test_a_table_is_compared_without_regard_to_types(tmp_path):
    pa = pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
    import pyarrow.parquet as pq

    draw = Random(6)  # noqa: S311 - data, no secret
    rows = [(draw.randrange(9000), draw.random(), "Red") for _ in range(60)]
    train = table(tmp_path / "a.csv", [[a, b, c, 0] for a, b, c in rows], ("n", "x", "c", "label"))
    pq.write_table(
        pa.table({
            "n": pa.array([float(a) for a, _, _ in rows[:4]]),
            "x": pa.array([b for _, b, _ in rows[:4]], pa.float32()),
            "c": ["red "] * 4,
            "label": [0] * 4,
        }),
        tmp_path / "b.parquet",
    )  # fmt: skip
    _, findings = found(train, tmp_path / "b.parquet")
    assert findings["same-dataset-evaluated"]["evidence"][0]["measured"] == "4 of 4 read"


@pytest.mark.parametrize("kind", ["timestamp", "text"])
def test_times_of_parquet(tmp_path, kind):
    pa = pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
    import datetime as dt

    import pyarrow.parquet as pq

    draw = Random(7)  # noqa: S311 - data, no secret
    start = dt.datetime(2024, 1, 1)  # noqa: DTZ001 - as files hold them
    for name in ("a", "b"):
        days = [start + dt.timedelta(days=i) for i in range(100)]
        when = pa.array(days) if kind == "timestamp" else [str(d) for d in days]
        pq.write_table(
            pa.table({"text": [sentence(draw) for _ in days], "seen": when}),
            tmp_path / f"{name}.parquet",
        )
    _, findings = found(tmp_path / "a.parquet", tmp_path / "b.parquet", "--time", "seen")
    assert list(findings) == ["time-overlap"]


def test_a_table_in_latin_1_is_read_by_every_probe(tmp_path):
    draw = Random(2)  # noqa: S311 - data, no secret
    rows = "\n".join(f"caf\xe9 {sentence(draw)},{i % 2}" for i in range(160))
    paths = [tmp_path / "train.csv", tmp_path / "test.csv"]
    for path in paths:
        path.write_bytes(f"text,label\n{rows}\n".encode("latin-1"))
    code, out, err = run(*paths, "--output-format", "json")
    assert code == 1, err
    report = json.loads(out)
    assert "same-dataset-evaluated" in {f["name"] for f in report["findings"]}
    assert report["crashed"] == []
    assert "conflicting-labels" not in {s["name"] for s in report["not_checked"]}
