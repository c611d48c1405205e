"""TF-IDF and a linear SVM: the baseline that a neural text classifier has to beat.

    python recipes/svm_text.py
    python recipes/svm_text.py --data reviews.csv --text_column body --label_column stars

It takes seconds, and on a few thousand texts it often wins. The strength of the regularisation is
chosen on the validation split; the test split is read once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import joblib
from kit import scores
from kit.run import write_summary
from kit.samples.reviews import reviews
from kit.settings import TextSettings, parse, setting
from kit.tables import text_splits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC


@dataclass(frozen=True)
class Settings(TextSettings):
    """Each value with its reason."""

    longest_phrase: int = setting(2, "word pairs catch 'not good'; triples are rarely seen twice")
    fewest: int = setting(2, "phrases in a single text teach nothing")
    strengths: list[float] = setting(
        [0.03, 0.1, 0.3, 1.0, 3.0], "C, from strong to weak regularisation; validation decides"
    )


def main() -> None:
    """Fit one machine for each strength, keep the best, and evaluate it on the test split."""
    settings = parse(Settings, __doc__)
    sample = reviews(neutral=0.132)  # the rare class of real reviews
    splits = text_splits(settings, sample, settings.text_column, [settings.label_column])
    print(splits)
    text = settings.text_column
    history, best = [], None
    for strength in settings.strengths:
        model = make_pipeline(
            TfidfVectorizer(
                ngram_range=(1, settings.longest_phrase), min_df=settings.fewest, sublinear_tf=True
            ),
            # Balanced weights: without them the rare class is the cheapest one to get wrong.
            LinearSVC(C=strength, class_weight="balanced", random_state=settings.seed),
        )
        model.fit(splits.train[text], splits.train.target)
        val = scores.classification(
            splits.val.target, model.predict(splits.val[text]), splits.classes
        )
        history.append({"C": strength, "macro_f1": val["macro_f1"], "accuracy": val["accuracy"]})
        print(f"C {strength:<5g} accuracy {val['accuracy']:.4f}  macro_f1 {val['macro_f1']:.4f}")
        if best is None or val["macro_f1"] > best[1]["macro_f1"]:
            best = (model, val, strength)

    model, val, strength = best
    test = scores.classification(
        splits.test.target, model.predict(splits.test[text]), splits.classes
    )
    out = settings.out or Path("runs/svm_text")
    out.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, out / "best.joblib")
    summary = {
        "rows": splits.counts,
        "C": strength,
        "ckpt_path": str(out / "best.joblib"),
        "monitor": "macro_f1",
        "val_metrics": val,
        "test_metrics": test,
        "history": history,
    }
    write_summary(summary, out)
    print(f"best C {strength:g}; test: accuracy {test['accuracy']:.4f}  "
          f"macro_f1 {test['macro_f1']:.4f}\n{out / 'summary.json'}")  # fmt: skip


if __name__ == "__main__":
    main()
