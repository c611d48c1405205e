"""Names that probes had and have no more. A name is never used again, so that it keeps its meaning."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A name that was given up.

    Attributes:
        name: of the probe that is gone.
        since: the first version without it.
        replaced_by: the names that find the same fault now, most often one.
        reason: why it is gone, a sentence without a full stop.
    """

    name: str
    since: str
    replaced_by: tuple[str, ...]
    reason: str

    @property
    def sentence(self) -> str:
        """What became of the name, without a full stop."""
        names = ", ".join(self.replaced_by)
        return f"removed in {self.since}, {f'replaced by {names}' if names else 'not replaced'}"


TOMBSTONES: tuple[Tombstone, ...] = ()
"""Every name that was ever given up; none so far. Entries are added and never taken out."""


def tombstone(name: str) -> Tombstone | None:
    """The tombstone of a name, None for one that never was, or still is, a probe."""
    return next((one for one in TOMBSTONES if one.name == name), None)
