"""How a script's process can end other than by reaching its end, in the words of the report."""

from __future__ import annotations

import re
import signal

from mldoctor.trainee.sites import is_user_code

CHANNEL_LOST = 117
"""The worker's exit status when it can no longer send; outside what shells and sysexits use."""

_FRAME = re.compile(r'^  File "(?P<path>.+)", line (?P<line>\d+) in (?P<function>.+)$')
_NATIVE = {
    signal.SIGSEGV: "a segmentation fault",
    signal.SIGBUS: "a bus error",
    signal.SIGILL: "an illegal instruction",
    signal.SIGFPE: "an arithmetic error in native code",
    signal.SIGABRT: "an abort in native code",
}


def by_limit(minutes: float, stack: str, updates: int) -> str:
    """The script was still running when the time was up."""
    place = _place(stack)
    at = f" at {place}" if place else ""
    when = "" if updates else " without an optimizer step"
    return f"stopped after {minutes:g} min (--max-minutes){at}{when}"


def by_status(status: int, stack: str) -> str:
    """The process ended by itself, with this exit status or (negative) by this signal."""
    if status == CHANNEL_LOST:
        return (
            "the script closed the pipe through which mldoctor hears from it "
            "(os.closerange, or a switch to a daemon); leave open what the script did not open"
        )
    if status >= 0:
        return (
            f"the process ended with exit status {status} and no word from Python "
            "(os._exit, or an exit in native code)"
        )
    try:
        number = signal.Signals(-status)
    except ValueError:
        return f"the process was ended by signal {-status}"
    if number is signal.SIGKILL:
        return "the process was killed (SIGKILL), most often because memory ran out"
    place = _place(stack)
    at = f" at {place}" if place else ""
    if number in _NATIVE:
        return f"the script crashed with {_NATIVE[number]} ({number.name}){at}"
    return f"the process was ended by {number.name}"


def _place(stack: str) -> str:
    """The innermost user's line in what `faulthandler` wrote, the main thread's if it has one."""
    found = ""
    threads = re.split(r"^(?=(?:Current thread|Thread) )", stack, flags=re.MULTILINE)
    for thread in threads:
        frames = (_FRAME.match(line) for line in thread.splitlines())
        for frame in frames:
            if frame and is_user_code(frame["path"]):
                # Threads come newest first, so the main one is the last; where a thread crashed,
                # it alone says so.
                found = f"{frame['path']}:{frame['line']} in {frame['function']}"
                if thread.startswith("Current thread") and "Fatal" in stack:
                    return found
                break
    return found
