"""What `os.scandir` gives for a folder that the overlay has changed."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, Self

from mldoctor.trainee.overlay import real

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType


class Listing:
    """An iterator over entries that can also be closed and used in a `with` block."""

    def __init__(self, entries: Iterator[Any]) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give up the rest."""
        self._entries = iter(())


class Entry:
    """A `os.DirEntry` for a file in the overlay."""

    def __init__(
        self, status: Callable[[str], os.stat_result], name: str, folder: str | bytes, place: str
    ) -> None:
        in_bytes = isinstance(folder, bytes)
        self._status = status
        self._place = place
        self.name: Any = os.fsencode(name) if in_bytes else name
        # Joined as `os.scandir` does it, which may not normalise what it was given.
        joined: Any = folder
        self.path = os.path.join(joined, self.name) if folder else self.name  # noqa: PTH118

    def __fspath__(self) -> Any:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """The status, as `os.stat` gives it."""
        if not follow_symlinks or not self.is_symlink():
            return real.lstat(self._place)
        return self._status(self._place)

    def inode(self) -> int:
        """The inode number."""
        return real.lstat(self._place).st_ino

    def is_symlink(self) -> bool:
        """Whether it is a symbolic link."""
        return stat.S_ISLNK(real.lstat(self._place).st_mode)

    def is_junction(self) -> bool:
        """Junctions exist on Windows only."""
        return False

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a folder."""
        try:
            return stat.S_ISDIR(self.stat(follow_symlinks=follow_symlinks).st_mode)
        except FileNotFoundError:
            return False

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a plain file."""
        try:
            return stat.S_ISREG(self.stat(follow_symlinks=follow_symlinks).st_mode)
        except FileNotFoundError:
            return False
