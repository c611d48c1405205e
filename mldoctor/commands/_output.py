"""Where a command's text goes: standard output, standard error or a file, coloured or not."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, TextIO

from mldoctor.errors import SettingsError

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


def prepare(path: Path) -> None:
    """Make sure that the report can be written before a long examination starts."""
    if path.is_dir():
        raise SettingsError(f"--output {path} is a folder; name a file in it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise SettingsError(f"--output {path} cannot be written: {error.strerror}") from error


def save(text: str, path: Path) -> None:
    """Write the report to a file, as UTF-8."""
    try:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise SettingsError(f"--output {path} cannot be written: {error.strerror}") from error
