"""Overlap of two splits: the kernel's CPU time, memory, recall and precision on planted copies.

    python benchmarks/overlap.py --train 100000 --test 20000
    python benchmarks/overlap.py --train 1000000 --test 200000 --peers deepchecks cleanlab rensa

Texts of about 60 words over a Zipf vocabulary; 5 % of the rows share one of 20 openings of 15
words; exact, normalised and near copies are planted in the test split, each 0.1 % of the training
rows. Each candidate runs in a process of its own and reads the parquet files itself; CPU seconds of
that process are what to compare on a busy machine. A peer that is not installed is skipped with its
reason.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RENSA_SIMILAR = 0.3
"""Estimates scatter around the similarity of 0.4 that is asked for."""

PEERS = {"deepchecks": "deepchecks", "cleanlab": "cleanlab", "rensa": "rensa"}


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

    left, right = rows(train), rows(test)
    planted = max(1, train // 1000)
    sources = draw.choice(train, 3 * planted, replace=False)
    places = draw.choice(test, 3 * planted, replace=False)
    truth = []
    for j, (source, place) in enumerate(zip(sources, places, strict=True)):
        kind = ("exact", "normalised", "near")[j // planted]
        right[place] = altered(left[source], kind, vocabulary, draw)
        truth.append((int(place), kind))
    folder.mkdir(parents=True, exist_ok=True)
    for name, texts in (("train", left), ("test", right)):
        pq.write_table(pa.table({"text": texts}), folder / f"{name}.parquet")
    (folder / "truth.json").write_text(json.dumps(truth))


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


def mldoctor(folder: Path) -> set[int]:
    """Rows of the test split that the kernel flags."""
    from mldoctor.data.facts import equal_rows
    from mldoctor.data.files import Source
    from mldoctor.data.near import near_pairs
    from mldoctor.data.splits import find_columns, read

    splits = []
    for name in ("train", "test"):
        source = Source(folder / f"{name}.parquet")
        columns = find_columns(source, "text", None, None, None)
        splits.append(read(name, source, columns, lambda _rows: None))
    equal = {row for _, row in equal_rows(*splits)}
    return equal | {row for _, row, _ in near_pairs(*splits, 1 << 30, lambda _stage, _rows: None)}


def deepchecks(folder: Path) -> set[int]:
    """Rows that its train-test mix reports: exact ones only."""
    import pandas as pd
    from deepchecks.tabular import Dataset
    from deepchecks.tabular.checks import TrainTestSamplesMix

    train, test = (pd.read_parquet(folder / f"{n}.parquet") for n in ("train", "test"))
    result = TrainTestSamplesMix(n_to_show=len(test)).run(
        Dataset(train, cat_features=["text"]), Dataset(test, cat_features=["text"])
    )
    known = set(train.text)
    return set(test.index[test.text.isin(known)]) if result.value else set()


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


def measured(candidate: str, folder: Path) -> dict[str, float]:
    """Run one candidate in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--run", candidate, "--folder", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr else "no output")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def run(candidate: str, folder: Path) -> None:
    """What the process of one candidate does: print its figures."""
    before, started = time.process_time(), time.perf_counter()
    flagged = globals()[candidate](folder)
    cpu, wall = time.process_time() - before, time.perf_counter() - started
    truth = json.loads((folder / "truth.json").read_text())
    every = {row for row, _ in truth}
    figures = {
        "cpu": cpu,
        "wall": wall,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "precision": len(flagged & every) / max(1, len(flagged)),
    }
    for kind in ("exact", "normalised", "near"):
        rows = {row for row, of in truth if of == kind}
        figures[kind] = len(flagged & rows) / len(rows)
    print(json.dumps(figures))


def main() -> None:
    """Generate the data and run every candidate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=int, default=100_000)
    parser.add_argument("--test", type=int, default=20_000)
    parser.add_argument("--peers", nargs="*", default=[], choices=list(PEERS))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--run")
    given = parser.parse_args()
    if given.run:
        run(given.run, given.folder)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch)
        if not (folder / "truth.json").exists():
            generate(folder, given.train, given.test)
        print(f"{given.train:,} training rows, {given.test:,} test rows")
        print(f"{'':12}{'CPU s':>8}{'MB':>8}{'exact':>8}{'norm.':>8}{'near':>8}{'precision':>11}")
        for candidate in ("mldoctor", *given.peers):
            if candidate in PEERS and importlib.util.find_spec(PEERS[candidate]) is None:
                print(f"{candidate:12}skipped: {PEERS[candidate]} is not installed")
                continue
            try:
                f = measured(candidate, folder)
            except RuntimeError as error:
                print(f"{candidate:12}failed: {error}")
                continue
            print(f"{candidate:12}{f['cpu']:8.1f}{f['memory']:8.0f}{f['exact']:8.3f}"
                  f"{f['normalised']:8.3f}{f['near']:8.3f}{f['precision']:11.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
