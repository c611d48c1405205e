"""Readers: every kind of file, and files that are damaged."""

import json

import numpy as np
import pytest
from PIL import Image

from mldoctor.data.files import DataError, Source
from mldoctor.data.splits import find_columns, matching, read

pa = pytest.importorskip("pyarrow", reason="parquet and arrow need pyarrow")
import pyarrow.parquet as pq  # noqa: E402 - after the check that it is there

ROWS = [{"text": "good film", "label": "1"}, {"text": "bad, film", "label": "0"}]


def written(folder, kind):
    path = folder / f"data.{kind}"
    if kind in ("csv", "tsv"):
        mark = "," if kind == "csv" else "\t"
        path.write_text(f'text{mark}label\ngood film{mark}1\n"bad, film"{mark}0\n')
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    elif kind == "json":
        path.write_text(json.dumps(ROWS))
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        table = pa.Table.from_pylist(ROWS)
        with pa.ipc.new_stream(str(path), table.schema) as sink:
            sink.write_table(table)
    return path


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json", "parquet", "arrow"])
def test_every_kind_gives_the_same_rows(tmp_path, kind):
    assert list(Source(written(tmp_path, kind)).rows()) == ROWS


def test_a_hugging_face_folder(tmp_path):
    pytest.importorskip("datasets", reason="saving a Hugging Face folder needs datasets")
    from datasets import Dataset, DatasetDict

    both = DatasetDict({"train": Dataset.from_list(ROWS), "test": Dataset.from_list(ROWS[:1])})
    both.save_to_disk(tmp_path / "saved")
    parts = matching(tmp_path / "saved", None)
    assert [name for name, _ in parts] == ["train", "test"]
    assert [len(list(source.rows())) for _, source in parts] == [2, 1]


def test_a_column_of_splits(tmp_path):
    path = tmp_path / "all.csv"
    path.write_text("text,part\na,test\nb,train\nc,train\n")
    parts = matching(path, "part")
    assert [name for name, _ in parts] == ["train", "test"]
    assert [row["text"] for row in parts[0][1].rows()] == ["b", "c"]


def test_images_and_one_that_is_none(tmp_path):
    draw = np.random.default_rng(0)
    for name in ("ant", "bee"):
        (tmp_path / name).mkdir()
        Image.fromarray(draw.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(
            tmp_path / name / "a.png"
        )
    (tmp_path / "ant" / "broken.jpg").write_bytes(b"no picture")
    source = Source(tmp_path)
    assert [row["label"] for row in source.rows()] == ["ant", "bee"]
    assert source.skipped == {"no readable image": 1}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "", "is empty"),
        ("a.xyz", "1", "is of no known kind"),
        ("a.parquet", "no parquet", "cannot be read as parquet"),
        ("a.arrow", "no arrow at all, truly", "cannot be read as arrow"),
        ("a.json", "[{]", "is no JSON"),
    ],
)
def test_a_damaged_file_is_a_clear_error(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError, match=said) as error:
        list(Source(path).rows())
    assert name in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "text,text\na,b\n", "two columns 'text'"),
        ("a.csv", 'text,label\n"open,1\nb,2\nc,3\n', "lines 2 to 4, an unclosed quotation mark"),
        ("a.csv", "text,label\n", "has no readable row"),
        ("a.json", '{\n"a": 1\n}\n', "is one JSON object; give a list"),
        (
            "a.jsonl",
            '{"text": "a"}{"text": "b"}\n',
            "no readable row .1 rows: no JSON, first line 1",
        ),
        ("a.csv.gz", "no gzip", "a.csv.gz cannot be read"),
        ("a.npz", "no archive", "cannot be read as .npz"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError, match=said):
        find_columns(Source(path), None, None, None, None)


def test_bytes_are_no_text(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(DataError, match=r"a\.csv is no text"):
        list(Source(path).rows())


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_other_separators(tmp_path, mark):
    path = tmp_path / "a.csv"
    path.write_text(f"text{mark}label\ngood film{mark}1\n")
    assert list(Source(path).rows()) == [{"text": "good film", "label": "1"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_and_gzip(tmp_path, encoding):
    import gzip

    content = "text,label\ncafé au lait,1\n".encode(encoding)
    (tmp_path / "a.csv").write_bytes(content)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(content))
    for name in ("a.csv", "a.csv.gz"):
        assert list(Source(tmp_path / name).rows()) == [{"text": "café au lait", "label": "1"}]


def test_arrays_and_a_flag_of_the_split(tmp_path):
    draw = np.random.default_rng(0)
    path = tmp_path / "a.npz"
    np.savez(
        path,
        x=draw.normal(size=(70, 40)).astype(np.float16),
        begins=np.r_[0, np.sort(draw.choice(np.arange(1, 70), 19, replace=False)), 70],
        label=np.arange(20) % 2,
        is_test=np.arange(20) % 4 == 0,
    )
    parts = matching(path, "is_test")
    assert [name for name, _ in parts] == ["training", "test"]
    rows = [list(source.rows()) for _, source in parts]
    assert [len(r) for r in rows] == [15, 5]
    assert len({str(row["x"]) for side in rows for row in side}) == 20


def test_paragraphs_and_lines(tmp_path):
    (tmp_path / "a.txt").write_text("one\ntwo\n\nthree\n")
    (tmp_path / "b.txt").write_text("one\ntwo\n")
    texts = [[r["text"] for r in Source(tmp_path / n).rows()] for n in ("a.txt", "b.txt")]
    assert texts == [["one\ntwo", "three"], ["one", "two"]]


def test_files_named_by_their_split(tmp_path):
    (tmp_path / "data").mkdir()
    for name in ("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001"):
        pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "data" / f"{name}.parquet")
    parts = matching(tmp_path, None)
    assert [(name, len(list(source.rows()))) for name, source in parts] == [
        ("train", 4),
        ("test", 2),
    ]


def test_values_that_python_cannot_hold(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({
            "when": pa.array([10**17] * 2, pa.timestamp("us")),
            "raw": pa.array([b"\xff", None]),
            "nested": [{"a": [1]}, None],
        }),
        path,
    )  # fmt: skip
    columns = find_columns(Source(path), None, None, None, None)
    assert read("training", Source(path), columns, lambda _n: None).size == 2


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"gone\.csv does not exist; give \.csv"):
        list(Source(tmp_path / "gone.csv").rows())


def test_bad_rows_are_counted_and_skipped(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\ngood,1\ntoo,many,fields\n\nbad,0\n")
    source = Source(path)
    assert len(list(source.rows())) == 2
    assert source.skipped == {"not 2 fields": 1}
    assert source.first == {"not 2 fields": "line 3"}
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n{broken\n[1]\n')
    source = Source(path)
    assert len(list(source.rows())) == 1
    assert sum(source.skipped.values()) == 2


def test_bytes_that_are_no_utf8_are_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"text,label\ncaf\xe9 au lait,1\n")
    split = read(
        "training",
        Source(path),
        find_columns(Source(path), None, None, None, None),
        lambda _n: None,
    )
    assert split.size == 1


def test_a_text_of_ten_megabytes(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "word " * 2_000_000 + ",1\nshort one,0\n")
    split = read(
        "training",
        Source(path),
        find_columns(Source(path), None, None, None, None),
        lambda _n: None,
    )
    assert split.size == 2


def test_columns_are_found_by_their_names(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Review,Label,patient_id\nfine,1,7\n")
    columns = find_columns(Source(path), None, None, None, None)
    assert (columns.text, columns.label, columns.group) == ("Review", "Label", "patient_id")


def test_a_missing_column_offers_the_nearest(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\nfine,1\n")
    with pytest.raises(DataError, match="has no column 'lable'; did you mean 'label'"):
        find_columns(Source(path), None, "lable", None, None)


def test_empty_and_missing_values(tmp_path):
    path = tmp_path / "a.jsonl"
    rows = [
        {"text": " ", "label": 1},
        {"text": None, "label": None},
        {"text": "a b", "label": float("nan")},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    split = read(
        "training",
        Source(path),
        find_columns(Source(path), None, None, None, None),
        lambda _n: None,
    )
    assert split.empty == [0, 1]
    assert split.labels == [1, None, None]
