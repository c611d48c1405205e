"""How a probe says how much of a dataset it has seen."""

from __future__ import annotations

from mldoctor.findings import Evidence, number


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
