"""What makes two inputs the same: hashes that ignore type, layout, padding, case and punctuation."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import numpy as np
import xxhash

LONGEST = 512
"""Longer rows are not modelled: they do not repeat by chance."""

_NOT_A_WORD = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """A text without differences of case, space, punctuation and Unicode form.

    A text of nothing but punctuation is kept as it is.
    """
    folded = _NOT_A_WORD.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()
    return folded or text.strip()


def fingerprint(parts: list[Any]) -> bytes:
    """A 128-bit hash of an input that ignores dtype, layout and, for token ids, end padding."""
    digest = xxhash.xxh3_128()
    for part in parts:
        digest.update(_bytes(part))
        digest.update(b"\x00|")
    return digest.digest()


def symbols(parts: list[Any]) -> tuple[float, ...] | None:
    """The longest part of an input as a row of whole numbers, None when it is anything else.

    One part is enough, and several are often one row again (a sequence and its shifted copy).
    """
    longest: tuple[float, ...] | None = None
    for part in parts:
        if isinstance(part, str):
            return None
        values = array(part)
        if values.dtype.kind not in "fiub" or values.size > LONGEST:
            return None
        if values.dtype.kind == "f" and not bool(np.all(values == np.round(values))):
            return None
        if longest is None or values.size > len(longest):
            longest = tuple(values.reshape(-1).tolist())
    return longest


def is_blank(part: Any) -> bool:
    """An empty text or an array of one repeated value: equal ones say nothing."""
    if isinstance(part, str):
        return not part.strip()
    values = array(part)
    if values.dtype.kind not in "fiub":
        return False
    return values.size == 0 or (values.size > 1 and bool(np.all(values == values.flat[0])))


def array(part: Any) -> np.ndarray:
    """A part of a sample as an array."""
    if not hasattr(part, "detach"):
        return np.asarray(part)
    tensor = part.detach().cpu()
    if tensor.is_floating_point() and tensor.dtype.itemsize < 4:  # noqa: PLR2004 - bytes; NumPy has no bfloat16
        tensor = tensor.float()
    return np.asarray(tensor)


def _bytes(part: Any) -> bytes:
    if isinstance(part, str):
        return fold(part).encode(errors="surrogatepass")
    if isinstance(part, bytes):
        return part
    values = array(part)
    if values.dtype.kind in "iub" and values.ndim == 1:
        values = np.trim_zeros(values, "b")
    if values.dtype.kind in "fiub":
        values = np.ascontiguousarray(values, dtype=np.float32)
        values = values + 0.0  # minus zero equals zero
        return values.tobytes()
    return repr(part).encode()
