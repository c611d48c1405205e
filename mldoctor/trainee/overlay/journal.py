"""What changed in the overlay, told to every process that was forked from the examined script.

A pool of forked processes may write what its parent reads later. Each change is a line of one file;
a counter in shared memory says how long that file is, so that noticing "nothing new" costs no
system call.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mldoctor.trainee.overlay import real

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Journal:
    """Lines in the order in which the processes wrote them.

    The file is opened anew for every change: a script that closes all descriptors that it did not
    open itself (daemons do) must not make mldoctor write into one of its files.
    """

    def __init__(self, path: Path) -> None:
        self._path = os.fspath(path)
        self._length = memoryview(mmap.mmap(-1, 8)).cast("Q")
        self._read = 0
        self._lock = threading.RLock()
        self._fd = -1
        _journals.add(self)

    @property
    def behind(self) -> bool:
        """Whether some process has changed the overlay since this one last looked."""
        return self._length[0] != self._read

    def news(self) -> list[dict[str, Any]]:
        """The changes since the last call, oldest first."""
        with self._lock:
            if not self.behind:
                return []
            end = self._length[0]
            with real.open_file(self._path, "rb") as file:
                file.seek(self._read)
                lines = file.read(end - self._read).splitlines()
            self._read = end
        return [json.loads(line) for line in lines]

    @contextmanager
    def changing(self) -> Iterator[None]:
        """No other thread or process changes the overlay inside this block. May be nested."""
        with self._lock:
            if self._fd >= 0:
                yield
                return
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._fd = real.open_fd(self._path, flags, 0o600)
            try:
                fcntl.lockf(self._fd, fcntl.LOCK_EX)
                yield
            finally:
                os.close(self._fd)  # which releases the lock
                self._fd = -1

    def write(self, change: dict[str, Any]) -> None:
        """Add one change; only inside `changing`, and only after `news` were applied."""
        os.write(self._fd, json.dumps(change).encode() + b"\n")
        self._length[0] = self._read = real.fstat(self._fd).st_size

    def _forked(self) -> None:
        # A thread that does not exist in the child may have held the lock at the fork.
        self._lock = threading.RLock()
        self._fd = -1


_journals: weakref.WeakSet[Journal] = weakref.WeakSet()


def _after_fork() -> None:
    for journal in _journals:
        journal._forked()  # noqa: SLF001 - same module


os.register_at_fork(after_in_child=_after_fork)
