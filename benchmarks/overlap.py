"""Overlap of two splits: CPU time, memory, recall and precision on planted copies, beside peers.

    python benchmarks/overlap.py
    python benchmarks/overlap.py --train 1000000 --test 200000 --peers deepchecks cleanlab rensa
    python benchmarks/overlap.py --train 10000000 --test 1000000 --only exact

Texts of about 60 words over a Zipf vocabulary; 5 % of the rows share one of 20 openings of 15
words; exact, normalised and near copies are planted in the test split, each 0.1 % of the training
rows, a fifth of them with another label. Each candidate runs in a process of its own and reads the
parquet files itself; its imports are not counted. CPU seconds of it and of the processes that it
started are what to compare on a busy machine; memory is the sum of their peaks. Peers pin old
versions of the same packages: give each an interpreter of its own (`--python
deepchecks=/path/to/python`). One that is not installed is skipped with the reason.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

BLOCK = 100_000

SAME_LABEL = 0.8
"""Of the copies, the rest stand in the test split with another label."""

RENSA_SIMILAR = 0.3
"""Estimates scatter around the similarity of 0.4 that is asked for."""

OWN = {
    "exact": "mldoctor.data.examination",
    "near": "mldoctor.data.examination",
    "daft": "mldoctor.data.examination daft",
    "ray": "mldoctor.data.examination daft ray",
}
"""Our own candidates: equal rows only, everything, and everything by the other engines."""

PEERS = {
    "deepchecks": "pandas deepchecks.tabular deepchecks.tabular.checks",
    "cleanlab": "pandas cleanlab sklearn.feature_extraction.text sklearn.random_projection",
    "rensa": "pandas rensa",
}
"""What each imports."""

SILENT = {
    "DO_NOT_TRACK": "1",
    "DAFT_ANALYTICS_ENABLED": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "DEEPCHECKS_DISABLE_LATEST_VERSION_CHECK": "1",
    "OMP_NUM_THREADS": "1",
}


def words(count: int, draw: np.random.Generator) -> list[str]:
    """Made-up words, all different."""
    syllables = [c + v for c in "bcdfghjklmnprstvwz" for v in "aeiou"]
    found: dict[str, None] = {}
    while len(found) < count:
        size = 1 + min(4, len(str(len(found) + 1)) - 1) + int(draw.integers(0, 2))
        found["".join(syllables[i] for i in draw.integers(0, len(syllables), size))] = None
    return list(found)


def generate(folder: Path, train: int, test: int, seed: int = 0) -> None:
    """Write both splits and the truth."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = np.random.default_rng(seed)
    vocabulary = np.array(words(50_000, draw), dtype=object)
    cumulated = np.cumsum(1 / (np.arange(1, 50_001) + 2.7) ** 1.05)
    cumulated /= cumulated[-1]
    openings = [
        " ".join(vocabulary[np.searchsorted(cumulated, draw.random(15))]) for _ in range(20)
    ]

    def rows(count: int) -> list[str]:
        made = []
        for _ in range(count):
            size = int(np.clip(draw.normal(55, 15), 15, 120))
            text = " ".join(vocabulary[np.searchsorted(cumulated, draw.random(size))])
            if draw.random() < 0.05:  # noqa: PLR2004 - the share of boilerplate
                text = f"{openings[int(draw.integers(20))]} {text}"
            made.append(f"{text[0].upper()}{text[1:]}.")
        return made

    planted = max(1, train // 1000)
    sources = np.sort(draw.choice(train, 3 * planted, replace=False))
    kinds = draw.permutation(np.repeat(["exact", "normalised", "near"], planted))
    copied: list[tuple[str, int]] = []
    folder.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([("text", pa.string()), ("label", pa.int64())])
    with pq.ParquetWriter(folder / "train.parquet", schema) as writer:
        for begin in range(0, train, BLOCK):
            texts = rows(min(BLOCK, train - begin))
            here = sources[(sources >= begin) & (sources < begin + len(texts))]
            labels = draw.integers(0, 4, len(texts))
            copied += [(texts[i - begin], int(labels[i - begin])) for i in here]
            writer.write_table(pa.table({"text": texts, "label": labels}, schema=schema))
    places = draw.choice(test, 3 * planted, replace=False)
    wanted = {int(p): (t, str(k)) for p, t, k in zip(places, copied, kinds, strict=True)}
    with pq.ParquetWriter(folder / "test.parquet", schema) as writer:
        for begin in range(0, test, BLOCK):
            texts = rows(min(BLOCK, test - begin))
            labels = draw.integers(0, 4, len(texts))
            for i in range(len(texts)):
                if begin + i in wanted:
                    (text, label), kind = wanted[begin + i]
                    texts[i] = altered(text, kind, vocabulary, draw)
                    labels[i] = label if draw.random() < SAME_LABEL else (label + 1) % 4
            writer.write_table(pa.table({"text": texts, "label": labels}, schema=schema))
    (folder / "truth.json").write_text(json.dumps([(p, k) for p, (_, k) in wanted.items()]))


def altered(text: str, kind: str, vocabulary: np.ndarray, draw: np.random.Generator) -> str:
    """A copy of the kind that is planted."""
    if kind == "exact":
        return text
    if kind == "normalised":
        forms = (text.upper(), text.replace(" ", "  ") + "\n", text.rstrip(".") + " !!",
                 text.replace(" ", "\u00a0", 5).lower())  # fmt: skip
        return forms[int(draw.integers(4))]
    parts = text.rstrip(".").split(" ")
    for _ in range(max(1, round(len(parts) * draw.uniform(0.05, 0.10)))):
        place = int(draw.integers(len(parts)))
        action = draw.random()
        if action < 0.6:  # noqa: PLR2004 - mostly another word
            parts[place] = str(vocabulary[int(draw.integers(50_000))])
        elif action < 0.8 and len(parts) > 5:  # noqa: PLR2004 - else one word less or more
            del parts[place]
        else:
            parts.insert(place, str(vocabulary[int(draw.integers(50_000))]))
    return " ".join(parts) + "."


def mldoctor(folder: Path, *, engine: str = "local", near: bool = True) -> set[int]:
    """Rows of the test split that `mldoctor data` flags: equal ones, and near copies."""
    from mldoctor.data.engines import choose
    from mldoctor.data.examination import Request, read_splits
    from mldoctor.data.facts import equal_rows
    from mldoctor.data.near import near_pairs

    given = Request(
        paths=(str(folder / "train.parquet"), str(folder / "test.parquet")),
        text="text",
        memory=(1 << 30) if near else 0,
        engine=engine,
    )
    executor = choose(engine, None, [])
    train, test = read_splits(given, executor, lambda _stage, _rows: None)
    flagged = {row for _, row in equal_rows(train, test)}
    if near:
        pairs = train.near.get(1)
        if pairs is None:
            pairs = near_pairs(train, test, given.memory, lambda _stage, _rows: None, executor)
        flagged |= {row for _, row, _ in pairs}
    return flagged


def exact(folder: Path) -> set[int]:
    """Equal and equal when normalised."""
    return mldoctor(folder, near=False)


def near(folder: Path) -> set[int]:
    """Near copies as well."""
    return mldoctor(folder)


def daft(folder: Path) -> set[int]:
    """The same by Daft's native runner."""
    return mldoctor(folder, engine="daft")


def ray(folder: Path) -> set[int]:
    """The same by Daft on a local Ray cluster."""
    return mldoctor(folder, engine="ray")


def deepchecks(folder: Path) -> set[int]:
    """Rows that its train-test mix reports: exact ones with the same label."""
    import pandas as pd
    from deepchecks.tabular import Dataset
    from deepchecks.tabular.checks import TrainTestSamplesMix

    train, test = (
        pd.read_parquet(folder / f"{name}.parquet").rename_axis("id").reset_index()
        for name in ("train", "test")
    )
    result = TrainTestSamplesMix().run(
        *(Dataset(d, label="label", index_name="id", cat_features=["text"]) for d in (train, test)),
        with_display=False,
    )
    return set(test.id[test.text.isin(set(result.value["data"]["text"]))])


def cleanlab(folder: Path) -> set[int]:
    """Rows of near-duplicate sets that reach into the training split, on hashed features."""
    import pandas as pd
    from cleanlab import Datalab
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.random_projection import SparseRandomProjection

    train, test = (pd.read_parquet(folder / f"{n}.parquet").text for n in ("train", "test"))
    hashed = HashingVectorizer(ngram_range=(2, 2)).transform([*train, *test])
    features = SparseRandomProjection(128, dense_output=True, random_state=0).fit_transform(hashed)
    lab = Datalab({"row": list(range(len(features)))}, verbosity=0)
    lab.find_issues(features=features, issue_types={"near_duplicate": {}})
    sets = lab.get_issues("near_duplicate")["near_duplicate_sets"]
    return {
        i - len(train)
        for i in range(len(train), len(features))
        if any(j < len(train) for j in sets[i])
    }


def rensa(folder: Path) -> set[int]:
    """Rows with a MinHash neighbour of estimated similarity 0.4, by 3-grams of words."""
    import pandas as pd
    from rensa import RMinHash, RMinHashLSH

    train, test = (pd.read_parquet(folder / f"{n}.parquet").text for n in ("train", "test"))

    def sketch(text: str) -> RMinHash:
        parts = text.casefold().split()
        made = RMinHash(num_perm=128, seed=42)
        made.update([" ".join(parts[i : i + 3]) for i in range(max(1, len(parts) - 2))])
        return made

    index = RMinHashLSH(threshold=0.4, num_perm=128, num_bands=32)
    kept = [sketch(text) for text in test]
    for i, made in enumerate(kept):
        index.insert(i, made)
    hits: set[int] = set()
    for text in train:
        made = sketch(text)
        hits |= {i for i in index.query(made) if kept[i].jaccard(made) >= RENSA_SIMILAR}
    return hits


def measured(candidate: str, folder: Path, python: str, limit: float) -> dict[str, float]:
    """Run one candidate in a process of its own."""
    try:
        done = subprocess.run(
            [python, __file__, "--run", candidate, "--folder", str(folder)],
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
            env={**os.environ, **SILENT},
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"not done after {limit:.0f} s") from error
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr else "no output")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def run(candidate: str, folder: Path) -> None:
    """What the process of one candidate does: print its figures."""
    for module in (OWN | PEERS)[candidate].split():
        importlib.import_module(module)
    before, started = time.process_time(), time.perf_counter()
    flagged = globals()[candidate](folder)
    wall = time.perf_counter() - started
    cpu, memory = time.process_time() - before, 0.0
    for seconds, megabytes in map(used, descendants(os.getpid())):
        cpu, memory = cpu + seconds, memory + megabytes
    truth = json.loads((folder / "truth.json").read_text())
    every = {row for row, _ in truth}
    figures = {
        "cpu": cpu,
        "wall": wall,
        "memory": memory + resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "precision": len(flagged & every) / max(1, len(flagged)),
    }
    for kind in ("exact", "normalised", "near"):
        rows = {row for row, of in truth if of == kind}
        figures[kind] = len(flagged & rows) / len(rows)
    print(json.dumps(figures))


def descendants(process: int) -> list[int]:
    """Processes that a process started, and those that they started (Linux)."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(
                    (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
                )
            except OSError:
                continue  # it ended meanwhile
    found = [process]
    for known in found:
        found += [child for child, parent in parents.items() if parent == known]
    return found[1:]


def used(process: int) -> tuple[float, float]:
    """CPU seconds and peak megabytes of another process."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0, 0.0
    peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    ticks = sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK"), int(peak[0]) / 1024 if peak else 0.0


def missing(candidate: str, python: str) -> str:
    """The package that a candidate lacks, or nothing."""
    for module in dict.fromkeys(m.split(".")[0] for m in (OWN | PEERS)[candidate].split()):
        test = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
        if subprocess.run([python, "-c", test], check=False).returncode:
            return module
    return ""


def main() -> None:
    """Generate the data and run every candidate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--train", type=int, default=100_000)
    parser.add_argument("--test", type=int, default=20_000)
    parser.add_argument("--peers", nargs="*", default=[], choices=list(PEERS))
    parser.add_argument("--only", nargs="*", default=["exact", "near"], choices=list(OWN))
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PATH")
    parser.add_argument("--folder", type=Path, help="keep the data here, and use what is there")
    parser.add_argument("--limit", type=float, default=900, help="seconds for each candidate")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        run(given.run, given.folder)
        return
    pythons = dict(item.split("=", 1) for item in given.python)
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        if not (folder / "truth.json").exists():
            generate(folder, given.train, given.test)
        print(f"{given.train:,} training rows, {given.test:,} test rows")
        print(f"{'':12}{'CPU s':>8}{'ratio':>8}{'wall s':>8}{'MB':>8}{'exact':>8}{'norm.':>8}"
              f"{'near':>8}{'precision':>11}")  # fmt: skip
        base: float | None = None
        for candidate in (*given.peers, *given.only):
            python = pythons.get(candidate, sys.executable)
            lacking = missing(candidate, python)
            if lacking:
                print(f"{candidate:12}skipped: {lacking} is not installed")
                continue
            try:
                f = measured(candidate, folder, python, given.limit)
            except RuntimeError as error:
                print(f"{candidate:12}failed: {error}")
                continue
            base = base or f["cpu"]
            print(f"{candidate:12}{f['cpu']:8.1f}{f['cpu'] / base:8.2f}{f['wall']:8.1f}"
                  f"{f['memory']:8.0f}{f['exact']:8.3f}{f['normalised']:8.3f}{f['near']:8.3f}"
                  f"{f['precision']:11.3f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
