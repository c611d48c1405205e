"""InputParts: what the parts of the samples hold, in every split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.facts.label_place import LabelPlace
from mldoctor.facts.loaders import Loader, Loaders
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from mldoctor.trainee.contents import Contents

VARIES = 1e-6
"""Relative spread under which values are equal up to rounding (float32 resolves 1.2e-7)."""


@dataclass(frozen=True, slots=True)
class Split:
    """One loader's dataset.

    Attributes:
        read, total: samples read, and in all (None for a stream).
        kept: samples whose values were looked at.
        different: different inputs among those read.
        same_up_to_rounding: the inputs of all kept samples are equal up to rounding.
        non_finite: kept samples with NaN or Inf, and up to 20 of their indices.
        non_finite_part: the first part that holds one.
        empty: samples that hold nothing, and up to 20 of their indices.
        empty_how: "empty text", "zero-length sequence" or "all padding".
    """

    loader: Loader
    read: int
    total: int | None
    kept: int
    different: int
    same_up_to_rounding: bool
    non_finite: int
    non_finite_index: tuple[int, ...]
    non_finite_part: str
    empty: int
    empty_index: tuple[int, ...]
    empty_how: str


@dataclass(frozen=True, slots=True)
class InputParts:
    """The training data first, then what evaluates."""

    rows: tuple[Split, ...]


@fact(Cost.SCAN)
def input_parts(trainee: Trainee, loaders: Loaders, place: LabelPlace) -> InputParts:
    """Look at the values of every kept sample."""
    from mldoctor.trainee.contents import contents

    rows = []
    for loader in (loaders.of("training")[0], *loaders.evaluating()):
        rows.append(_split(contents(trainee, loader.index), loader, place.path))
    return InputParts(tuple(rows))


def _split(found: Contents, loader: Loader, place: tuple[str, ...] | None) -> Split:
    target = ".".join(place) if place else None
    broken, part = _non_finite(found)
    empty, how = _empty(found, target)
    return Split(
        loader=loader,
        read=found.read,
        total=found.total,
        kept=len(found.kept),
        different=len(set(found.digests)),
        same_up_to_rounding=_same(found, target),
        non_finite=len(broken),
        non_finite_index=tuple(broken[:20]),
        non_finite_part=part,
        empty=len(empty),
        empty_index=tuple(empty[:20]),
        empty_how=how,
    )


def _non_finite(found: Contents) -> tuple[list[int], str]:
    import numpy as np

    broken, part = [], ""
    for sample, view in zip(found.kept, found.views, strict=True):
        bad = [
            name
            for name, value in view.items()
            if isinstance(value, np.ndarray)
            and value.dtype.kind == "f"
            and not np.isfinite(value).all()
        ]
        if bad:
            broken.append(sample.index)
            part = part or bad[0]
    return broken, part


def _same(found: Contents, target: str | None) -> bool:
    import numpy as np

    names = [n for n in found.parts() if n != target]
    if not names or len(found.views) < 2:  # noqa: PLR2004 - nothing to compare
        return False
    for name in names:
        column = found.column(name)
        if not all(isinstance(v, np.ndarray) and v.shape == column[0].shape for v in column):
            if len({str(v) for v in column}) > 1:
                return False
            continue
        stack = np.stack(column).astype(np.float64)
        scale = float(np.abs(stack).max(initial=0.0))
        if not np.isfinite(scale):
            return False
        if scale and float(np.ptp(stack, axis=0).max(initial=0.0)) > VARIES * scale:
            return False
    return True


def _empty(found: Contents, target: str | None) -> tuple[list[int], str]:
    """Samples without a text, without any step, or with nothing but padding."""
    from mldoctor.trainee import samples

    for how, test in (
        ("empty text", _empty_text),
        ("zero-length sequence", _zero_length),
    ):
        hit = [s.index for s in found.kept if test(samples.inputs(s.value))]
        if hit:
            return hit, how
    masked = [
        s.index
        for s, view in zip(found.kept, found.views, strict=True)
        if any(_nothing_unmasked(n, v) for n, v in view.items() if n != target)
    ]
    return masked, "all padding"


def _empty_text(inputs: list[Any]) -> bool:
    texts = [part for part in inputs if isinstance(part, str)]
    return bool(texts) and all(not text.strip() for text in texts)


def _zero_length(inputs: list[Any]) -> bool:
    import numpy as np

    arrays = [p for p in inputs if hasattr(p, "shape") or isinstance(p, list)]
    sizes = [np.asarray(p.detach().cpu() if hasattr(p, "detach") else p).size for p in arrays]
    return bool(sizes) and not any(sizes)


def _nothing_unmasked(name: str, value: Any) -> bool:
    last = name.rsplit(".", 1)[-1]
    return last == "attention_mask" and hasattr(value, "any") and not value.any()
