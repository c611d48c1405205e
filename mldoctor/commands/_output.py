"""Where a command's text goes: standard output, standard error or a file, coloured or not."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, TextIO

from mldoctor.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NARROWEST = 40


def colored(choice: str, stream: TextIO, environ: Mapping[str, str] | None = None) -> bool:
    """Whether to colour: the flag, then NO_COLOR, then FORCE_COLOR, then what the terminal is."""
    environ = os.environ if environ is None else environ
    if choice != "auto":
        return choice == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and environ.get("TERM") != "dumb"


def width(stream: TextIO) -> int | None:
    """The columns to wrap at: those of a terminal, none elsewhere."""
    if not stream.isatty():
        return None
    return max(_NARROWEST, shutil.get_terminal_size().columns)


def write(text: str, stream: TextIO | None = None) -> None:
    """Write text whatever the stream's encoding; a reader that went away is no error of ours."""
    stream = sys.stdout if stream is None else stream
    encoding = getattr(stream, "encoding", None) or "utf-8"
    printable = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(printable)
        stream.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at exit; let that go nowhere as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def notice(text: str) -> None:
    """One of mldoctor's own lines, on standard error."""
    write(f"{text}\n", sys.stderr)


def prepare(path: Path, option: str) -> None:
    """Make sure that a report can be written before a long examination starts.

    Raises:
        OutputError: when it cannot.
    """
    if path.is_dir():
        raise OutputError(f"{option} {path} is a folder; name a file in it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise OutputError(_refused(path, option, error)) from error


def save(text: str, path: Path, option: str) -> None:
    """Write a report to a file, as UTF-8.

    Raises:
        OutputError: when it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise OutputError(_refused(path, option, error)) from error


def append(text: str, path: Path, option: str) -> None:
    """Add a report to the end of a file.

    Raises:
        OutputError: when it cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(_refused(path, option, error)) from error


def _refused(path: Path, option: str, error: OSError) -> str:
    return f"{option} {path} cannot be written: {error.strerror}"
