"""What can go wrong in mldoctor itself. Each error owns its sentence and leads to exit code 2."""

from __future__ import annotations

from difflib import get_close_matches
from enum import IntEnum
from typing import TYPE_CHECKING

from mldoctor.tombstones import tombstone

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    """What the exit status of `mldoctor` says."""

    CLEAN = 0
    """Nothing at or above `--fail-on`."""
    FINDINGS = 1
    """At least one finding at or above `--fail-on`."""
    FAILED = 2
    """mldoctor could not do it: usage, configuration or internal error."""
    INCOMPLETE = 3
    """The script could not be examined in full, so silence proves nothing."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C; the partial report was printed."""


class MldoctorError(Exception):
    """Root of every error that is the caller's to mend; shown without a traceback."""


class UnknownNameError(MldoctorError):
    """A name was given that mldoctor does not have; the sentence offers the nearest one.

    Of a probe that is gone it says what replaced it.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "") -> None:
        self.name = name
        gone = tombstone(name) if "probe" in kind else None
        if gone is not None:
            place = f" in {where}" if where else ""
            super().__init__(f"{kind} {name!r}{place} was {gone.sentence}: {gone.reason}")
            return
        nearest = get_close_matches(name, list(known), n=1, cutoff=0.4)
        hint = f"; did you mean {nearest[0]!r}?" if nearest else ""
        super().__init__(f"unknown {kind} {name!r}{f' in {where}' if where else ''}{hint}")


class TargetError(MldoctorError):
    """The script or module to examine cannot be read."""


class SettingsError(MldoctorError):
    """A configuration value has the wrong name or type."""


class OutputError(MldoctorError):
    """A report cannot be written where it was asked for."""


class FixError(MldoctorError):
    """An edit may not be applied to a file."""


class RegistrationError(MldoctorError):
    """A probe, fact or treatment is declared in a way that cannot work."""


class AbsentFact(Exception):  # noqa: N818 - a result that probes report, not a failure
    """A fact could not be had from this run; the message is the reason that the report shows."""
