"""ScriptFailure: what the script raised before the examination was complete, and at which line."""

from __future__ import annotations

import linecache
import traceback
from dataclasses import dataclass

from mldoctor.errors import AbsentFact
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee


@dataclass(frozen=True, slots=True)
class ScriptFailure:
    """An exception that ended the script.

    Attributes:
        kind: the class of the exception; message: its first line.
        site: the innermost line of the user's own code; line: the text of it.
    """

    kind: str
    message: str
    site: Location
    line: str


@fact(Cost.TAPE)
def script_failure(trainee: Trainee) -> ScriptFailure:
    """Find the user's line that raised."""
    from mldoctor.trainee.sites import is_user_code

    error = trainee.failure()
    if error is None:
        raise AbsentFact("the script raised nothing")
    frames = traceback.extract_tb(error.__traceback__)
    mine = [f for f in frames if is_user_code(f.filename) and f.lineno]
    if not mine:
        raise AbsentFact("the script raised outside of its own code")
    place = mine[-1]
    return ScriptFailure(
        kind=type(error).__name__,
        message=next(iter(str(error).splitlines()), ""),
        site=Location(place.filename, place.lineno or 1),
        line=linecache.getline(place.filename, place.lineno or 1).strip(),
    )
