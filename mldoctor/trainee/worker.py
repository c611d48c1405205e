"""The child process in which the examined script runs: `python -m mldoctor.trainee.worker`.

Its configuration comes as JSON through standard input; what it learns goes out as JSON lines
through a pipe that only it writes to, while standard output and error belong to the script.
"""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import json
import os
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mldoctor.errors import MldoctorError, TargetError
from mldoctor.settings import Settings
from mldoctor.trainee import program
from mldoctor.trainee.endings import CHANNEL_LOST
from mldoctor.trainee.overlay import real
from mldoctor.trainee.process import Target
from mldoctor.trainee.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

_LEAD = 0.5
"""Seconds before the time limit at which the stack is written down for the parent."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class Channel:
    """The pipe to the parent. Forked copies of this process stay silent."""

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)
        self._fd = fd
        self._pid = os.getpid()
        self._identity = _identity(fd)
        os.register_at_fork(after_in_child=self._close)

    def send(self, message: dict[str, Any]) -> None:
        """Send one message; the process ends when the parent can no longer be told anything."""
        if os.getpid() != self._pid:
            return
        left = memoryview(json.dumps(message).encode() + b"\n")
        try:
            # The script may have closed the descriptor, and its number may now be one of its files.
            if _identity(self._fd) != self._identity:
                os._exit(CHANNEL_LOST)
            while left:
                left = left[os.write(self._fd, left) :]
        except OSError:
            os._exit(CHANNEL_LOST)

    def _close(self) -> None:
        with suppress(OSError):
            if _identity(self._fd) == self._identity:
                os.close(self._fd)


def main() -> NoReturn:
    """Run the script of one configuration under observation, then end without a trace."""
    config = json.loads(sys.stdin.buffer.read())
    _detach_input()
    _tie_to_parent()
    channel = Channel(config["messages"])
    scratch = Path(config["scratch"])
    started: float = config["started"]
    # Kept open by this name for as long as the process lives.
    stack = real.open_file(scratch / "stack", "w")
    faulthandler.enable(stack)
    left = config["deadline"] - time.monotonic() - _LEAD
    faulthandler.dump_traceback_later(max(left, 0.1), file=stack)
    channel.send({"kind": "started"})
    status = 0
    with Sandbox(scratch, Path(config["project"])) as sandbox:
        del sandbox
        try:
            observe = _named(config["observe"])
            target = Target(**_frozen(config["target"]))
            for path, text in target.patches:
                Path(path).write_text(text, encoding="utf-8")  # into the scratch folder
            observe(
                target,
                Settings(**_frozen(config["settings"])),
                channel.send,
                lambda: time.monotonic() - started,
            )
            channel.send({"kind": "done"})
        except BaseException as error:  # noqa: BLE001 - whatever a script raises is its end
            channel.send(_end(error))
            status = 1
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        # Not by returning: handlers that run at exit would write past the sandbox, or hang.
        os._exit(status)


def _end(error: BaseException) -> dict[str, Any]:
    from_script = program.came_from_script(error)
    if isinstance(error, TargetError) or (isinstance(error, MldoctorError) and not from_script):
        return {"kind": "refused", "error": str(error)}
    if from_script:
        if not isinstance(error, SystemExit):
            program.show(error)
        return {"kind": "script-ended", "how": program.describe(error)}
    return {"kind": "failed", "error": "".join(traceback.format_exception(error))}


def _named(place: str) -> Callable[..., None]:
    module, _, name = place.partition(":")
    function: Callable[..., None] = getattr(importlib.import_module(module), name)
    return function


def _frozen(value: Any) -> Any:
    """What JSON made lists of is tuples in the values that were sent."""
    if isinstance(value, dict):
        return {name: _frozen(item) for name, item in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _identity(fd: int) -> tuple[int, int]:
    found = real.fstat(fd)
    return found.st_dev, found.st_ino


def _detach_input() -> None:
    """A script that asks for input gets an end of file: nobody is there to answer."""
    null = real.open_fd(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)


def _tie_to_parent() -> None:
    """End with the parent, and be the one of both that is killed when memory runs out."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with suppress(OSError), real.open_file("/proc/self/oom_score_adj", "w") as file:
        file.write("500")


if __name__ == "__main__":
    main()
