"""How a probe says how much of a dataset it has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mldoctor.findings import Evidence, number

if TYPE_CHECKING:
    from collections.abc import Sequence


def reading(read: int, total: int | None, of: str = "training") -> Evidence:
    """One row of evidence: what was read, and how rare a fault a sample of it would still show."""
    if total is None:
        return Evidence(f"{of} samples read", f"{number(read)} of a stream")
    if read >= total:
        return Evidence(f"{of} samples read", f"all {number(total)}")
    rare = 1 - 0.05 ** (1 / max(1, read))
    return Evidence(
        f"{of} samples read",
        f"{number(read)} of {number(total)}; a fault in {number(100 * rare)} % of them shows in 95 %"
        " of such samples",
    )


def pairs(rows: Sequence[tuple[float, ...]], shown: int = 20) -> str:
    """The first pairs of indices as text; a third number is their similarity."""
    told = [
        f"{row[0]}={row[1]}" + (f" ({row[2]:.2f})" if len(row) > 2 else "")  # noqa: PLR2004 - an optional third
        for row in rows[:shown]
    ]
    return ", ".join(told) + (f", and {number(len(rows) - shown)} more" if rows[shown:] else "")


def missed(
    read: int, total: int | None, against: int, against_total: int | None
) -> tuple[Evidence, ...]:
    """What a comparison of two samples can miss; nothing when both sides were read in full.

    A shared row is met when both of its copies were read: with n of the evaluation rows read, an
    overlap of rate p is seen with probability 1-(1-p*f)^n, where f is the share of the training
    rows that were read.
    """
    part = against / against_total if against_total else None
    if (total is not None and read >= total and part is not None and part >= 1) or part is None:
        return ()
    rate = (1 - 0.05 ** (1 / max(1, read))) / part
    if rate >= 1:
        return (Evidence("an overlap of less than all rows", "may have been missed"),)
    chance = 1 - (1 - 0.01 * part) ** read
    return (
        Evidence(
            "what these samples can miss",
            f"an overlap of {number(100 * rate)} % of the rows is seen with probability 95 %,"
            f" one of 1 % with {number(100 * chance)} %: 1-(1-p)^n",
        ),
    )


def examples(rows: Sequence[tuple[int, str, str]]) -> tuple[Evidence, ...]:
    """Texts of some pairs; a report shows them only when it is asked to quote data."""
    return tuple(
        Evidence(f"example {index}", " / ".join(dict.fromkeys((left, right))), sample=True)
        for index, left, right in rows
    )
