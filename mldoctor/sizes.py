"""Amounts of memory: read from a setting, shown in a report."""

from __future__ import annotations

import re

UNITS = {
    "B": 1,
    "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40,
}  # fmt: skip
SIZE = re.compile(r"(?P<number>\d+(\.\d+)?) ?(?P<unit>[KMGT]?i?B)", re.IGNORECASE)


def bytes_of(text: str) -> int | None:
    """How many bytes a size names, None for a text that names none.

    >>> bytes_of("24GiB"), bytes_of("80 GB"), bytes_of("24")
    (25769803776, 80000000000, None)
    """
    found = SIZE.fullmatch(text.strip())
    if found is None:
        return None
    return int(float(found["number"]) * UNITS[found["unit"].upper()]) or None


def shown(size: float) -> str:
    """A number of bytes as reports show it.

    >>> shown(25769803776), shown(1536), shown(12)
    ('24 GiB', '1.5 KiB', '12 B')
    """
    value, unit = float(size), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 1024:  # noqa: PLR2004 - the step between two units
            break
        value, unit = value / 1024, larger
    return f"{value:.3g} {unit}"
