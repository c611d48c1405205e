"""Tables of numbers and categories, and what makes network inputs of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer

from kit.settings import refuse
from kit.tables import Splits, cut, need, read

if TYPE_CHECKING:
    from sklearn.base import TransformerMixin

RARE = 5
"""Categories in fewer training rows share one column."""


def table_splits(settings: Any, sample: pd.DataFrame) -> tuple[Splits, list[str]]:
    """The splits and the names of the feature columns; equal rows stay together."""
    frame = sample if settings.data is None else read(settings.data)
    label, group, published = settings.label_column, settings.group_column, settings.split_column
    need(frame, [label, group, published, *settings.ignore_columns])
    counts = {"rows": len(frame)}
    frame = frame.dropna(subset=[label]).reset_index(drop=True)
    counts["dropped without label"] = counts["rows"] - len(frame)
    out = {label, group, published, *settings.ignore_columns}
    columns = [name for name in frame.columns if name not in out and len(frame[name].unique()) > 1]
    if not columns:
        refuse("no column is left to learn from")
    same = pd.util.hash_pandas_object(frame[columns].astype(str), index=False)
    return cut(settings, frame, [label], frame[group] if group else same, counts), columns


def preprocessor(train: pd.DataFrame) -> TransformerMixin:
    """Numbers by rank to a bell curve, gaps flagged; categories one column each."""
    numbers = train.select_dtypes("number").columns.tolist()
    others = [name for name in train.columns if name not in numbers]
    rank = QuantileTransformer(
        n_quantiles=min(200, len(train)), output_distribution="normal", random_state=0
    )
    return ColumnTransformer(
        [
            # By rank, because incomes and the like would reach a hundred standard deviations.
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), rank), numbers),
            ("gaps", MissingIndicator(error_on_new=False), numbers),
            ("others", OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RARE,
                                     sparse_output=False), others),
        ]
    )  # fmt: skip
