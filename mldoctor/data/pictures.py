"""Images as rows: a hash of their pixels, and a difference hash of their look."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mldoctor.data.chunks import Row

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm")


def picture(file: Any, name: str, label: str | None) -> Row | None:
    """One image as a row, None for a file that is no readable image.

    Args:
        file: a path, or an open file.
        name: what the row calls it.
        label: its class.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file) as image:
                # A damaged file may raise whatever its decoder meets first.
                pixels = np.asarray(image.convert("RGB"))
                small = np.asarray(image.convert("L").resize((9, 8)), dtype=np.int16)
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        IndexError,
        MemoryError,
        OverflowError,
        TypeError,
        Image.DecompressionBombError,
    ):
        return None
    look = np.packbits(small[:, 1:] > small[:, :-1])
    whole = hashlib.blake2b(pixels.tobytes(), digest_size=16, key=str(pixels.shape).encode())
    return {
        "file": name,
        "label": label,
        "pixels": whole.hexdigest(),
        "look": int.from_bytes(look.tobytes(), "big"),
    }
