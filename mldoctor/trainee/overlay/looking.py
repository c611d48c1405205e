"""The functions that look at files, as the examined script gets them.

Each has the name and the parameters of the function it stands for, asks the overlay where the file
really is, and leaves the work to the real function.
"""
# ruff: noqa: D102 - the documentation is that of the function of the same name

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

from mldoctor.trainee.overlay import real
from mldoctor.trainee.overlay.listing import Entry, Listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mldoctor.trainee.overlay.changes import Overlay


class Looking:
    """Functions of `os` that read names and properties."""

    _overlay: Overlay
    _off: bool

    def stat(
        self, path: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True
    ) -> os.stat_result:
        if self._plain(path):
            return real.stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        place = self._overlay.reading(self._at(path, dir_fd), follow=follow_symlinks)
        return real.stat(place, follow_symlinks=follow_symlinks)

    def lstat(self, path: Any, *, dir_fd: int | None = None) -> os.stat_result:
        return self.stat(path, dir_fd=dir_fd, follow_symlinks=False)

    def access(
        self,
        path: Any,
        mode: int,
        *,
        dir_fd: int | None = None,
        effective_ids: bool = False,
        follow_symlinks: bool = True,
    ) -> bool:
        place, where = path, dir_fd
        if not self._plain(path):
            try:
                place = self._overlay.reading(self._at(path, dir_fd), follow=follow_symlinks)
            except FileNotFoundError:
                return False
            where = None
        return real.access(
            place, mode, dir_fd=where, effective_ids=effective_ids, follow_symlinks=follow_symlinks
        )

    def readlink(self, path: Any, *, dir_fd: int | None = None) -> Any:
        if self._plain(path):
            return real.readlink(path, dir_fd=dir_fd)
        place = self._overlay.reading(self._at(path, dir_fd), follow=False)
        target = real.readlink(os.fsdecode(place))
        return os.fsencode(target) if isinstance(path, bytes) else target

    def listdir(self, path: Any = ".") -> list[Any]:
        path = "." if path is None else path
        key = self._union(path)
        if key is None:
            return real.listdir(self._where(path))
        there, own = self._overlay.names(key)
        names = [*there, *sorted(own)]
        return [os.fsencode(n) for n in names] if isinstance(path, bytes) else names

    def scandir(self, path: Any = ".") -> Any:
        path = "." if path is None else path
        key = self._union(path)
        if key is None:
            return real.scandir(self._where(path))
        return Listing(self._entries(key, "" if type(path) is int else os.fspath(path)))

    def chdir(self, path: Any) -> None:
        if self._off or type(path) is int:
            real.chdir(path)
        else:
            real.chdir(self._overlay.reading(path))
        self._overlay.cwd = self._overlay.key_of_place(real.getcwd())

    def fchdir(self, fd: int) -> None:
        self.chdir(fd)

    def getcwd(self) -> str:
        moved = not self._off and self._overlay.cwd_moved
        return self._overlay.cwd if moved else real.getcwd()

    def getcwdb(self) -> bytes:
        return os.fsencode(self.getcwd())

    def statvfs(self, path: Any) -> Any:
        return real.statvfs(self._where(path))

    def pathconf(self, path: Any, name: Any) -> int:
        return real.pathconf(self._where(path), name)

    def getxattr(self, path: Any, attribute: Any, *, follow_symlinks: bool = True) -> bytes:
        place = path if self._plain(path) else self._overlay.reading(path, follow=follow_symlinks)
        return real.getxattr(place, attribute, follow_symlinks=follow_symlinks)

    def listxattr(self, path: Any = None, *, follow_symlinks: bool = True) -> list[str]:
        path = "." if path is None else path
        place = path if self._plain(path) else self._overlay.reading(path, follow=follow_symlinks)
        return real.listxattr(place, follow_symlinks=follow_symlinks)

    # Common parts

    def _plain(self, path: Any) -> bool:
        """Whether the real function can do it as it is asked."""
        return self._off or type(path) is int or self._overlay.empty

    def _at(self, path: Any, dir_fd: int | None) -> Any:
        """The path with its folder descriptor spelled out."""
        name = os.fspath(path)
        if dir_fd is None or name[:1] in ("/", b"/"):
            return name
        return f"{self._folder_path(dir_fd)}/{os.fsdecode(name)}"

    def _folder_path(self, fd: int) -> str:
        place = real.readlink(f"/proc/self/fd/{fd}")
        return self._overlay.key_of_place(place) or "/"

    def _where(self, path: Any) -> Any:
        """Where to read `path`, as bytes if it was."""
        place = path if self._plain(path) else self._overlay.reading(path)
        return os.fsencode(place) if isinstance(path, bytes) else place

    def _union(self, path: Any) -> str | None:
        """The key of a folder whose listing differs from the one on disk."""
        if self._off or self._overlay.empty:
            return None
        if type(path) is int:
            if not stat.S_ISDIR(real.fstat(path).st_mode):
                return None
            path = self._folder_path(path)
        key = self._overlay.key(path)
        if key is None or self._overlay.is_plain(key):
            return None
        if not stat.S_ISDIR(self._overlay.lstat(key).st_mode):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return key

    def _entries(self, key: str, path: str | bytes) -> Iterator[Any]:
        there, own = self._overlay.names(key)
        left = set(there)
        if left:
            # Under the path that was given, the entries' paths begin as the script expects.
            where: Any = path if path and self._overlay.direct else key or "/"
            with real.scandir(where) as entries:
                for entry in entries:
                    if os.fsdecode(entry.name) in left:
                        yield entry
        for name in sorted(own):
            yield Entry(self.stat, name, path, self._overlay.place(f"{key}/{name}"))
