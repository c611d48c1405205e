"""Every engine finds the rows that the engine of this process finds."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from random import Random

import numpy as np
import pytest

from mldoctor.data.engines import choose
from mldoctor.data.files import DataError, Source
from mldoctor.data.kernel import build, look, prepare

pa = pytest.importorskip("pyarrow", reason="parquet needs pyarrow")
import pyarrow.parquet as pq  # noqa: E402 - after the check that it is there

WORDS = ["river", "stone", "cloud", "amber", "quiet", "lantern", "copper", "meadow", "violet"]

CLUSTER = """
import sys
from ray.cluster_utils import Cluster
from mldoctor.cli import main

cluster = Cluster(
    initialize_head=True,
    head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100 << 20},
)
cluster.add_node(num_cpus=1, object_store_memory=100 << 20)
sys.argv = ["mldoctor", "data", *sys.argv[1:], "--engine", "ray", "--address", cluster.address]
try:
    main()
finally:
    cluster.shutdown()
"""


def sentence(draw):
    return " ".join(draw.choice(WORDS) + str(draw.randrange(40)) for _ in range(20))


@pytest.fixture(scope="module")
def rows():
    """4,500 and 2,300 rows with 3 equal, 2 folded and 2 near copies."""
    draw = Random(0)  # noqa: S311 - data, no secret
    train = [{"text": sentence(draw), "label": draw.choice("ab")} for _ in range(4500)]
    test = [{"text": sentence(draw), "label": draw.choice("ab")} for _ in range(2300)]
    for i in range(3):
        test[700 * i]["text"] = train[1400 * i]["text"]
    for i in range(2):
        test[400 * i + 5]["text"] = train[900 * i + 7]["text"].upper() + "!"
        parts = train[1000 * i + 11]["text"].split()
        parts[9] = "changed"
        test[300 * i + 7]["text"] = " ".join(parts)
    return train, test


def write(folder, name, kind, rows):
    if kind == "folder":
        target = folder / name
        target.mkdir()
        third = len(rows) // 3 + 1
        for i in range(3):
            part = pa.Table.from_pylist(rows[i * third : (i + 1) * third])
            pq.write_table(part, target / f"{i}.parquet", row_group_size=700)
        return target
    target = folder / f"{name}.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), target, row_group_size=700)
    elif kind == "jsonl":
        lines = [json.dumps(row) for row in rows]
        lines.insert(5, "{broken")
        target.write_text("\n".join(lines))
    elif kind == "csv":
        target.write_text("text,label\n" + "".join(f"{r['text']},{r['label']}\n" for r in rows))
    else:
        table = pa.Table.from_pylist(rows)
        with pa.ipc.new_stream(str(target), table.schema) as sink:
            sink.write_table(table, max_chunksize=900)
    return target


def examined(*command):
    done = subprocess.run(
        [sys.executable, *map(str, command), "--output-format", "json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
        timeout=240,
    )
    assert done.stdout, done.stderr
    report = json.loads(done.stdout[done.stdout.index("{") :])
    return {
        f["name"]: [(e["measured"], e.get("rows")) for e in f["evidence"]]
        for f in report["findings"]
    }


@pytest.mark.parametrize("kind", ["parquet", "folder", "csv", "jsonl", "arrow"])
def test_daft_finds_the_same_pairs(tmp_path, rows, kind):
    pytest.importorskip("daft", reason="the engine `daft` needs the extra `data`")
    paths = [write(tmp_path, n, kind, r) for n, r in zip(("train", "test"), rows, strict=True)]
    local = examined("-m", "mldoctor", "data", *paths, "--engine", "local")
    assert {"split-overlap", "near-duplicate-overlap"} == set(local)
    assert examined("-m", "mldoctor", "data", *paths, "--engine", "daft") == local


def test_a_cluster_of_two_workers_finds_the_same_pairs(tmp_path, rows):
    pytest.importorskip("daft", reason="the engine `ray` needs the extra `cluster`")
    pytest.importorskip("ray", reason="the engine `ray` needs the extra `cluster`")
    paths = [write(tmp_path, n, "folder", r) for n, r in zip(("train", "test"), rows, strict=True)]
    local = examined("-m", "mldoctor", "data", *paths, "--engine", "local")
    assert examined("-c", CLUSTER, *paths) == local


def test_images_by_daft(tmp_path):
    pytest.importorskip("daft", reason="the engine `daft` needs the extra `data`")
    image = pytest.importorskip("PIL.Image", reason="images need Pillow")
    draw = np.random.default_rng(0)
    made = [draw.integers(0, 255, (16, 16, 3), dtype=np.uint8) for _ in range(12)]
    for name, chosen in (("train", made[:9]), ("val", made[7:])):
        for i, pixels in enumerate(chosen):
            folder = tmp_path / name / ("ant" if i % 2 else "bee")
            folder.mkdir(parents=True, exist_ok=True)
            image.fromarray(pixels).save(folder / f"{i}.png")
    (tmp_path / "train" / "ant" / "broken.png").write_bytes(b"no picture")
    paths = [tmp_path / "train", tmp_path / "val"]
    local = examined("-m", "mldoctor", "data", *paths, "--engine", "local")
    assert "2 of 5 read" in local["split-overlap"][0]
    assert examined("-m", "mldoctor", "data", *paths, "--engine", "daft") == local


def test_four_threads_find_what_one_finds(rows):
    texts = [[row["text"] for row in side] for side in rows]
    index = build(texts[1])
    chunks = [texts[0][i : i + 100] for i in range(0, 4500, 100)]
    alone = [look(index, prepare(chunk)) for chunk in chunks]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda chunk: look(index, prepare(chunk)), chunks * 4)) == alone * 4


def test_what_is_not_installed_is_said(monkeypatch, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text\na\n")
    monkeypatch.setattr("mldoctor.data.engines._installed", lambda name: name != "ray")
    with pytest.raises(DataError, match=r"pip install 'mldoctor\[cluster\]'"):
        choose("ray", None, [Source(path)])
    monkeypatch.setattr("mldoctor.data.engines._installed", lambda _name: False)
    with pytest.raises(DataError, match=r"pip install 'mldoctor\[data\]'"):
        choose("daft", None, [Source(path)])
    assert choose("auto", None, [Source(path)]).name == "local"
    with pytest.raises(DataError, match=r"reading s3://b/a\.parquet needs Daft"):
        choose("auto", None, [Source(path, url="s3://b/a.parquet")])
    with pytest.raises(DataError, match="none of: auto, local, daft, ray"):
        choose("spark", None, [Source(path)])
    with pytest.raises(DataError, match="--address belongs to --engine ray"):
        choose("auto", "ray://head:10001", [Source(path)])
