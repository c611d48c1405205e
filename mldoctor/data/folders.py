"""The splits that a folder holds: saved dataset dictionaries, files that are named by their split."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from mldoctor.data.files import DataError, Source

if TYPE_CHECKING:
    from pathlib import Path

NAMED = re.compile(r"(train|training|valid|validation|val|dev|test)(?=[-_.])", re.IGNORECASE)
"""How the files of one split are called in a repository of the Hugging Face hub."""

ORDER = {"train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "dev": 1, "test": 2}


def splits_of(path: Path) -> list[tuple[str, Source]]:
    """The splits in a folder, by name: of a saved dataset dictionary, or of files named by split.

    Anything else is one split.

    Raises:
        DataError: when the list of a dictionary is damaged, or names a folder that is not there.
    """
    listing = path / "dataset_dict.json"
    if listing.is_file():
        try:
            names = json.loads(listing.read_text(encoding="utf-8"))["splits"]
            return [(str(name), Source(path / str(name))) for name in names]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{listing} is damaged: it should list the splits") from error
    for folder in (path / "data", path) if path.is_dir() else ():
        for suffix in (".parquet", ".jsonl", ".csv"):
            named: dict[str, list[Path]] = {}
            for file in sorted(folder.glob(f"*{suffix}")):
                match = NAMED.match(file.name)
                if match:
                    named.setdefault(match[1].lower(), []).append(file)
            if len(named) > 1:
                return [
                    (name, Source(folder / f"{name}*{suffix}", parts=tuple(found)))
                    for name, found in sorted(named.items(), key=lambda item: ORDER[item[0]])
                ]
    return [(path.stem or path.name, Source(path))]
