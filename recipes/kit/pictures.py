"""Pictures of one size from files, and their splits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from kit.settings import refuse
from kit.tables import Splits, cut, need, read

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor


def picture_splits(settings: Any, sample: pd.DataFrame) -> Splits:
    """Labelled pictures as bytes `[side, side, 3]`; repeated ones dropped, groups whole."""
    frame = sample if settings.data is None else read(settings.data)
    image, label, group = settings.image_column, settings.label_column, settings.group_column
    need(frame, [image, label, group, settings.split_column])
    counts = {"rows": len(frame)}
    frame = frame.dropna(subset=[image, label]).reset_index(drop=True)
    counts["dropped without picture or label"] = counts["rows"] - len(frame)
    if settings.data is not None:
        folder = settings.data.parent
        frame[image] = [_loaded(folder / str(one), settings.side) for one in frame[image]]
    content = frame[image].map(lambda one: hash(one.tobytes()))
    torn = frame[label].groupby(content).transform("nunique") > 1
    counts["dropped for contradicting labels"] = int(torn.sum())
    repeated = content.duplicated() & ~torn
    counts["dropped repeated"] = int(repeated.sum())
    frame = frame[~torn & ~repeated]
    return cut(settings, frame, [label], frame.get(group), counts)


def pictures(part: pd.DataFrame, column: str) -> Tensor:
    """Numbers from 0 to 1, `[pictures, 3, side, side]`."""
    return torch.from_numpy(np.stack(list(part[column]))).permute(0, 3, 1, 2).float() / 255


def _loaded(path: Path, side: int) -> np.ndarray:
    """The middle square of a picture, in colour."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        refuse("reading pictures needs Pillow: pip install 'mldoctor[recipes]'")
    try:
        with Image.open(path) as picture:
            return np.asarray(ImageOps.fit(picture.convert("RGB"), (side, side)))
    except OSError as error:
        refuse(f"the picture {path} cannot be read: {error}")
