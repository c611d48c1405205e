"""Tables of examples: read, cleaned and cut into splits that share nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from kit.settings import RunSettings, refuse

if TYPE_CHECKING:
    from pathlib import Path

FOLDS = 7
"""One for validation and one for the test: about 71, 14 and 14 % of the rows."""

FEWEST = 2 * FOLDS
"""Rows of the rarest class: two in each fold, or its score would hang on a single row."""

PUBLISHED = {"train": "train", "training": "train", "val": "val", "valid": "val"} | {
    "validation": "val", "dev": "val", "test": "test"
}  # fmt: skip


@dataclass(frozen=True)
class Splits:
    """Three tables without a common row; column `target` holds the class index.

    Attributes:
        classes: name of each class index.
        counts: rows read, dropped for each reason, and left in each split.
    """

    train: pd.DataFrame
    val: pd.DataFrame
    test: pd.DataFrame
    classes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        return ", ".join(f"{name} {count:,}" for name, count in self.counts.items() if count)


def read(path: Path) -> pd.DataFrame:
    """The rows of a csv, parquet or jsonl file."""
    try:
        match path.suffix.lower():
            case ".csv":  # the word "None" in a text is a word, not a gap
                return pd.read_csv(path, keep_default_na=False, na_values=[""])
            case ".parquet":
                return pd.read_parquet(path)
            case ".jsonl":
                return pd.read_json(path, lines=True)
            case other:
                refuse(f"--data {path}: {other or 'no ending'} is not .csv, .parquet or .jsonl")
    except (ValueError, UnicodeError, ImportError) as error:
        refuse(f"--data {path} cannot be read: {error}")


def need(frame: pd.DataFrame, columns: list[str | None]) -> None:
    """Refuse a table that lacks one of the columns (those that are None are not wanted)."""
    missing = [name for name in columns if name is not None and name not in frame.columns]
    if missing:
        refuse(f"no column {', '.join(missing)}; there are: {', '.join(map(str, frame.columns))}")


def text_splits(
    settings: RunSettings, sample: pd.DataFrame, text: str, labels: list[str]
) -> Splits:
    """Labelled texts: empty, repeated and contradicting ones dropped, the rest split by content.

    Args:
        settings: those of the recipe.
        sample: the embedded rows, used without `--data`.
        text: column of the texts.
        labels: one column of classes, or several columns of 0 and 1.
    """
    frame = sample if settings.data is None else read(settings.data)
    need(frame, [text, *labels, settings.group_column, settings.split_column])
    counts = {"rows": len(frame)}

    frame = frame.dropna(subset=labels).reset_index(drop=True)
    counts["dropped without label"] = counts["rows"] - len(frame)
    content = frame[text].fillna("").astype(str).map(essence)
    frame = frame.assign(**{text: frame[text].fillna("").astype(str), "content": content})
    frame, before = frame[frame.content != ""], len(frame)
    counts["dropped empty"] = before - len(frame)

    answer = frame[labels].astype(str).agg("|".join, axis=1)
    torn = answer.groupby(frame.content).transform("nunique") > 1
    counts["dropped for contradicting labels"] = int(torn.sum())
    frame = frame[~torn]
    if settings.split_column is not None:  # the copy that stays is the one in the test split
        frame = frame.sort_values(settings.split_column, key=_rank, kind="stable")
    before = len(frame)
    frame = frame.drop_duplicates("content").sort_index()
    counts["dropped repeated"] = before - len(frame)
    return cut(settings, frame, labels, frame.get(settings.group_column), counts)


def cut(
    settings: RunSettings,
    frame: pd.DataFrame,
    labels: list[str],
    groups: pd.Series | None,
    counts: dict[str, int],
) -> Splits:
    """Train, validation and test: class shares kept, groups whole, or as published."""
    target, classes = _targets(frame, labels)
    frame = frame.assign(target=target).reset_index(drop=True)
    apart = pd.Series(range(len(frame))) if groups is None else groups.astype(str).to_numpy()
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=settings.seed)
    fold = pd.Series(0, index=frame.index)
    for number, (_, rows) in enumerate(folds.split(frame, frame.target, apart)):
        fold[rows] = number
    part = fold.map({0: "test", 1: "val"}).fillna("train")
    if settings.split_column is not None:
        part = _published(settings.split_column, frame, fold)
    train, val, test = (frame[part == name] for name in ("train", "val", "test"))
    for name, rows in (("train", train), ("val", val), ("test", test)):
        counts[name] = len(rows)
        if len(labels) == 1 and rows.target.nunique() < len(classes):
            refuse(f"the {name} split lacks a class; there are too few groups or rows")
    return Splits(train, val, test, classes, counts)


def essence(text: str) -> str:
    """What makes two texts the same: letters and digits, whatever the case and punctuation."""
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def _targets(frame: pd.DataFrame, labels: list[str]) -> tuple[pd.Series, list[str]]:
    """Class index of each row; with several label columns, the rarest label that it has."""
    if len(frame) < FEWEST:
        refuse(f"too few rows: {len(frame)} are left, at least {FEWEST} needed")
    if not labels:  # nothing to balance between the splits
        return pd.Series(0, index=frame.index), []
    if len(labels) == 1:
        name = frame[labels[0]].map(_name)
        classes = sorted(name.unique())
    else:
        strange = [one for one in labels if not frame[one].isin([0, 1]).all()]
        if strange:
            refuse(f"label column {strange[0]} must hold 0 and 1 only")
        order = frame[labels].sum().sort_values().index
        name = frame[order].astype(int).idxmax(axis=1).where(frame[labels].any(axis=1), "none")
        classes = sorted(name.unique())
        few = frame[labels].sum().sort_values()
        if few.iloc[0] < FEWEST:
            refuse(f"too few rows: label {few.index[0]!r} has {few.iloc[0]}, {FEWEST} needed")
    if len(classes) < 2:  # noqa: PLR2004 - one class is nothing to tell apart
        refuse(f"there is nothing to learn: the labels are all {', '.join(classes) or 'missing'}")
    rare = name.value_counts()
    few = rare[rare < FEWEST]
    if len(labels) == 1 and len(few):
        refuse(f"too few rows: class {few.index[0]!r} has {few.iloc[0]}, at least {FEWEST} needed")
    target = name.map({one: index for index, one in enumerate(classes)}).astype(int)
    return target, classes if len(labels) == 1 else labels


def _name(label: object) -> str:
    """A class by its name: 1 and 1.0 are one class."""
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _published(column: str, frame: pd.DataFrame, fold: pd.Series) -> pd.Series:
    part = frame[column].astype(str).str.lower().map(PUBLISHED)
    if part.isna().any():
        strange = frame[column][part.isna()].iloc[0]
        refuse(f"--split_column {column}: {strange!r} is not train, val or test")
    if not (part == "test").any():
        refuse(f"--split_column {column} has no test rows")
    if not (part == "val").any():
        part[(part == "train") & (fold == 1)] = "val"
    return part


def _rank(values: pd.Series) -> pd.Series:
    known = values.astype(str).str.lower().map(PUBLISHED)
    return known.map({"test": 0, "val": 1, "train": 2})
