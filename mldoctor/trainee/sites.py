"""Where in the user's own code something happened."""

from __future__ import annotations

import site
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mldoctor.findings import Location

if TYPE_CHECKING:
    from types import FrameType

_PACKAGE = str(Path(__file__).resolve().parents[1])
_LIBRARIES = tuple(
    {
        str(Path(path).resolve())
        for path in (
            sysconfig.get_path("stdlib"),
            sysconfig.get_path("platstdlib"),
            sysconfig.get_path("purelib"),
            sysconfig.get_path("platlib"),
            *site.getsitepackages(),
            site.getusersitepackages(),
        )
    }
)


class Site(NamedTuple):
    """One line of the user's code and the function it stands in."""

    path: str
    line: int
    function: str

    def location(self, label: str = "") -> Location:
        """The site as a report shows it."""
        return Location(self.path, self.line, label=label)


@lru_cache(maxsize=4096)
def is_user_code(filename: str) -> bool:
    """Whether a code object's file belongs to the examined project."""
    if filename.startswith("<"):
        return False
    if "site-packages" in filename or "dist-packages" in filename:
        return False
    path = str(Path(filename).resolve())
    return not path.startswith((_PACKAGE, *_LIBRARIES))


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame of the user's own code, at or below `frame`."""
    while frame is not None and not is_user_code(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def current_site() -> Site | None:
    """The user's line that is being executed, or None when no user code is on the stack."""
    frame = user_frame(sys._getframe(1))  # noqa: SLF001 - the documented way to a cheap frame
    if frame is None:
        return None
    return Site(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


def call_chain() -> tuple[tuple[str, int], ...]:
    """Every user line on the stack, innermost first: tells two callers of one helper apart."""
    chain = []
    frame = user_frame(sys._getframe(1))  # noqa: SLF001 - as above
    while frame is not None:
        chain.append((frame.f_code.co_filename, frame.f_lineno))
        frame = user_frame(frame.f_back)
    return tuple(chain)


def call_path() -> tuple[tuple[str, int, int], ...]:
    """Every user instruction on the stack, innermost first: tells two calls on one line apart."""
    path = []
    frame = user_frame(sys._getframe(1))  # noqa: SLF001 - as above
    while frame is not None:
        path.append((frame.f_code.co_filename, frame.f_lineno, frame.f_lasti))
        frame = user_frame(frame.f_back)
    return tuple(path)


def in_library(depth: int = 1) -> bool:
    """Whether the direct caller, `depth` frames up, is library code and not the user's."""
    frame: FrameType | None = sys._getframe(depth + 1)  # noqa: SLF001 - as above
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame is not None and not is_user_code(frame.f_code.co_filename)
