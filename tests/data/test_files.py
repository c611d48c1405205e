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
