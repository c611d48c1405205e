"""SplitColumns: groups, times and class names that the datasets carry beside their samples."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.label_place import LabelPlace
from mldoctor.facts.loaders import Loader, Loaders
from mldoctor.facts.sample_columns import is_given, of_samples, reaching
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    import numpy as np

GROUP = re.compile(
    r"^(user|patient|speaker|subject|author|customer|participant|group|session|document|doc|person|"
    r"writer|household|device|machine|site|hospital|scene|video|recording|molecule|scaffold|cell)"
    r"(s|_?ids?|_?names?|_?keys?)?$"
)
"""Names of columns whose values tell which source a row comes from."""

TIME = re.compile(
    r"^(date|time|timestamp|datetime|day|month|year|created|created_at|published)(s|_at|_utc)?$"
)

MAPS = re.compile(
    r"(class_to_idx|label2id|label_to_id|label_map|label2idx|class2idx|label_to_index)$"
)


@dataclass(frozen=True, slots=True)
class Groups:
    """A column of groups in two splits.

    Attributes:
        shared: groups in both; train, other: groups in each; rows: evaluation rows of shared groups.
        examples: up to 5 of the shared ones.
        is_label: the column says what the label says.
    """

    evaluation: Loader
    column: str
    shared: int
    train: int
    other: int
    rows: int
    read: int
    train_per_group: float
    examples: tuple[str, ...]
    is_label: bool


@dataclass(frozen=True, slots=True)
class Times:
    """A column of times in two splits, as text of their order.

    Attributes:
        later: share of the training rows later than the first evaluation row.
        train_last, other_first: those times.
    """

    evaluation: Loader
    column: str
    later: float
    train: int
    other: int
    train_last: str
    other_first: str


@dataclass(frozen=True, slots=True)
class ClassNames:
    """A map from class names to numbers that both datasets carry.

    Attributes:
        different: "cat: 0 in training, 1 in evaluation", for names with two numbers.
        shared: names in both.
    """

    evaluation: Loader
    attribute: str
    different: tuple[str, ...]
    shared: int


@dataclass(frozen=True, slots=True)
class SplitColumns:
    """What stands beside the samples, for every evaluation loader."""

    training: Loader
    groups: tuple[Groups, ...]
    times: tuple[Times, ...]
    names: tuple[ClassNames, ...]


@fact(Cost.SCAN)
def split_columns(trainee: Trainee, loaders: Loaders, place: LabelPlace) -> SplitColumns:
    """Look among the attributes of both datasets and the keys of their samples."""
    from mldoctor.trainee.contents import contents
    from mldoctor.trainee.tables import labels

    training = loaders.of("training")[0]
    tape = trainee.tape
    base = tape.loaders[training.index].loader.dataset
    evaluations = loaders.evaluating()
    if not evaluations:
        raise AbsentFact("no loader was read without training on it")
    groups, times, names = [], [], []
    train_columns = _columns(base)
    found = contents(trainee, training.index)
    values = labels(found, place.path)
    labelled = dict(zip((s.index for s in found.kept), values, strict=True)) if values else {}
    given = reaching(trainee, found)
    beside = of_samples(found, _tells)
    for evaluation in evaluations:
        dataset = tape.loaders[evaluation.index].loader.dataset
        if dataset is base:
            continue
        columns = _columns(dataset)
        read = of_samples(contents(trainee, evaluation.index), _tells) if beside else {}
        both = [(n, train_columns[n], columns[n], labelled) for n in train_columns if n in columns]
        seen = {_last(name) for name, *_ in both}
        ordered = dict(enumerate(values or ()))
        both += [
            (n, beside[n], read[n], ordered) for n in beside if n in read and _last(n) not in seen
        ]
        for name, mine, theirs, known in both:
            last = _last(name)
            if is_given(mine, given, found, by_position=known is ordered):
                continue
            if GROUP.match(last):
                same = _is_label(mine, known)
                groups.append(groups_of(evaluation, last, mine, theirs, is_label=same))
            elif TIME.match(last):
                times += times_of(evaluation, last, mine, theirs)
        names += _names(evaluation, base, dataset)
    return SplitColumns(training, tuple(groups), tuple(times), tuple(names))


def _columns(dataset: Any) -> dict[str, list[Any]]:
    """Columns with one plain value per row: of a frame, an arrow table, arrays, or lists of dicts."""
    import numpy as np
    import pandas as pd
    from torch.utils.data import Subset

    if isinstance(dataset, Subset):
        inner = _columns(dataset.dataset)
        index = [int(i) for i in dataset.indices]
        return {
            name: [v[i] for i in index]
            for name, v in inner.items()
            if len(v) > max(index, default=0)
        }
    try:
        size = len(dataset)
    except (TypeError, NotImplementedError):
        return {}
    found: dict[str, list[Any]] = {}
    if hasattr(dataset, "column_names") and hasattr(dataset, "features"):
        for name in dataset.column_names:
            if GROUP.match(name.lower()) or TIME.match(name.lower()):
                found[name] = list(dataset[name])
        return found
    holders = {"": dataset} if isinstance(dataset, list) else dict(getattr(dataset, "__dict__", {}))
    for attribute, value in holders.items():
        if isinstance(value, pd.DataFrame) and len(value) == size:
            for column in map(str, value.columns):
                if GROUP.match(column.lower()) or TIME.match(column.lower()):
                    found[column] = value[column].tolist()
        elif (
            isinstance(value, list) and len(value) == size and value and isinstance(value[0], dict)
        ):
            for key in value[0]:
                if GROUP.match(str(key).lower()) or TIME.match(str(key).lower()):
                    found[str(key)] = [row.get(key) for row in value]
        elif (
            (
                (isinstance(value, np.ndarray) and value.ndim == 1)
                or (isinstance(value, list | tuple) and value and isinstance(value[0], str | int))
                or (hasattr(value, "dim") and value.dim() == 1)
            )
            and len(value) == size
            and (GROUP.match(attribute.lower()) or TIME.match(attribute.lower()))
        ):
            found[attribute] = value.tolist() if hasattr(value, "tolist") else list(value)
    return found


def _tells(name: str) -> bool:
    """Whether a name is one of a group or of a time."""
    return bool(GROUP.match(name.lower()) or TIME.match(name.lower()))


def _last(name: str) -> str:
    return name.rsplit(".", 1)[-1].lower()


def _is_label(column: list[Any], labelled: dict[int, int]) -> bool:
    """Whether groups and labels go one to one."""
    pairs = {(str(column[i]), label) for i, label in labelled.items() if i < len(column)}
    return bool(pairs) and len(pairs) == len({g for g, _ in pairs}) == len({y for _, y in pairs})


def groups_of(
    evaluation: Loader, column: str, mine: list[Any], theirs: list[Any], *, is_label: bool
) -> Groups:
    """Compare one column of groups between two splits."""
    train, other = {str(v) for v in mine}, {str(v) for v in theirs}
    shared = train & other
    return Groups(
        evaluation=evaluation,
        column=column,
        shared=len(shared),
        train=len(train),
        other=len(other),
        rows=sum(str(v) in shared for v in theirs),
        read=len(theirs),
        train_per_group=len(mine) / max(1, len(train)),
        examples=tuple(sorted(shared)[:5]),
        is_label=is_label,
    )


def times_of(evaluation: Loader, column: str, mine: list[Any], theirs: list[Any]) -> list[Times]:
    """Compare one column of times between two splits; nothing where it holds no points in time."""
    train, other = _instants(mine), _instants(theirs)
    if train is None or other is None or not len(train) or not len(other):
        return []
    first = other.min()
    return [
        Times(
            evaluation=evaluation,
            column=column,
            later=float((train > first).mean()),
            train=len(train),
            other=len(other),
            train_last=str(train.max()),
            other_first=str(first),
        )
    ]


def _instants(values: list[Any]) -> np.ndarray | None:
    """Points in time; None for numbers that may be anything else, such as a time of day."""
    import numpy as np
    import pandas as pd

    values = [v for v in values if v is not None]
    if values and isinstance(values[0], int | float) and not isinstance(values[0], bool):
        low, high = min(values), max(values)
        if low >= 1900 and high <= 2100:  # noqa: PLR2004 - years
            years = [f"{int(v)}-01-01" for v in values]
            return np.asarray(years, dtype="datetime64[s]")
        if low < 1e8:  # noqa: PLR2004 - seconds since 1970 are larger from 1973 on
            return None
        unit = "s" if high < 1e11 else "ms" if high < 1e14 else "ns"  # noqa: PLR2004 - digits of today in each unit
        return np.asarray(values, dtype=np.int64).astype(f"datetime64[{unit}]")
    try:
        parsed = pd.to_datetime(pd.Series(values), errors="raise", format="mixed")
    except (ValueError, TypeError, OverflowError):
        return None
    return np.asarray(parsed.dropna())


def _names(evaluation: Loader, base: Any, other: Any) -> list[ClassNames]:
    from mldoctor.trainee.samples import innermost

    one, two = innermost(base), innermost(other)
    if one is two:
        return []
    found = []
    for name, mine in getattr(one, "__dict__", {}).items():
        theirs = getattr(two, name, None)
        if not isinstance(mine, dict) or not isinstance(theirs, dict) or not MAPS.search(name):
            continue
        shared = [k for k in mine if k in theirs]
        different = [k for k in shared if mine[k] != theirs[k]]
        found.append(
            ClassNames(
                evaluation=evaluation,
                attribute=f"{type(one).__name__}.{name}",
                different=tuple(
                    f"{k}: {mine[k]} in training, {theirs[k]} in evaluation" for k in different[:10]
                ),
                shared=len(shared),
            )
        )
    return found
