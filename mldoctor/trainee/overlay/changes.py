"""What the examined script does to files, done to the overlay instead.

Every change raises what the real file system would raise, and no real file is touched. Renaming a
real folder copies it.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mldoctor.trainee.overlay import real
from mldoctor.trainee.overlay.union import Union, exists, missing, parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mldoctor.trainee.overlay.union import AnyPath


class Overlay(Union):
    """The files that the examined script made, changed and deleted."""

    def writing(
        self,
        path: AnyPath,
        *,
        keep: bool,
        exclusive: bool = False,
        must_exist: bool = False,
        mode: int = 0o666,
    ) -> str | None:
        """The path under which to write `path`, made ready; None where the real one is right.

        Args:
            path: as the script names it.
            keep: whether its present content is needed (append, update in place).
            exclusive: whether it must not exist yet.
            must_exist: whether it must exist already.
            mode: permission bits of a new file.
        """
        with self._changing():
            name = os.fsdecode(path)
            key = self._key(name) if exclusive else self._followed(self._key(name), check=True)
            if key.startswith(self._outside):
                return None
            found = self._found(key)
            if found is not None and exclusive:
                raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            if found is not None and stat.S_ISDIR(found.st_mode):
                raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), path)
            if key in self._present:
                return self.root + key
            if found is None:
                if must_exist:
                    raise missing(path)
                self._check_folder(key, path)
                self._scaffold(parent(self.root + key))
                _discard(self.root + key)
                flags = os.O_CREAT | os.O_WRONLY | os.O_EXCL | os.O_CLOEXEC
                os.close(real.open_fd(self.root + key, flags, mode))
            elif not stat.S_ISREG(found.st_mode):
                return None  # a pipe or a device: nothing is stored there
            else:
                if not real.access(key, os.W_OK):
                    raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)
                self._copy(key, found, content=keep)
            self._note(add=key, covers=found is not None)
            return self.root + key

    def reserve(self, path: AnyPath) -> tuple[str, str] | None:
        """Key and place for a file that native code will create itself; `claim` it afterwards."""
        with self._changing():
            key = self._followed(self._key(os.fsdecode(path)), check=True)
            found = self._found(key)
            if key.startswith(self._outside) or (found and not stat.S_ISREG(found.st_mode)):
                return None
            if found is None:
                self._check_folder(key, path)
            elif not real.access(self.place(key), os.W_OK):
                raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)
            self._scaffold(parent(self.root + key))
            return key, self.root + key

    def claim(self, key: str) -> None:
        """Take in what native code has written under `root + key`, if it has."""
        with self._changing():
            if key not in self._present and exists(self.root + key):
                self._note(add=key, covers=self._found(key) is not None)

    def bring(self, key: str) -> str:
        """Copy what is seen under `key` into the overlay, folders whole, and return its place."""
        with self._changing():
            found = self.lstat(key)
            place = self.root + key
            self._scaffold(parent(place))
            if stat.S_ISDIR(found.st_mode):
                there, own = self.names(key)
                if key not in self._present:
                    self._scaffold(place)
                    self._note(add=key, covers=True)
                for name in (*there, *own):
                    self.bring(f"{key}/{name}")
                if not self._hides(key):
                    self._note(hide=key)
            elif key not in self._present:
                if stat.S_ISLNK(found.st_mode):
                    target = real.readlink(key)
                    real.symlink(target, place)
                    self._note(add=key, link=target, covers=True)
                elif stat.S_ISREG(found.st_mode):
                    self._copy(key, found, content=True)
                    self._note(add=key, covers=True)
            return place

    def make(self, key: str, make: Callable[[str], None], *, link: str | None = None) -> None:
        """Create something new under `key` with `make(place)`: a folder, a link, a pipe."""
        with self._changing():
            if self._found(key) is not None:
                raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), key)
            self._check_folder(key, key)
            self._scaffold(parent(self.root + key))
            _discard(self.root + key)
            make(self.root + key)
            self._note(add=key, link=link)

    def remove(self, key: str, *, folder: bool) -> None:
        """Delete a file or link, or an empty folder; a real one is only hidden."""
        with self._changing():
            is_folder = stat.S_ISDIR(self.lstat(key).st_mode)
            if is_folder != folder:
                code = errno.EISDIR if is_folder else errno.ENOTDIR
                raise OSError(code, os.strerror(code), key)
            if is_folder and any(self.names(key)):
                raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), key)
            self._check_folder(key, key)
            _discard(self.root + key)
            self._drop(key)

    def rename(self, old: str, new: str) -> None:
        """Move a file or a folder, as `os.replace` does."""
        with self._changing():
            moved, replaced = self.lstat(old), self._found(new)
            if old == new:
                return
            self._check_folder(new, new)
            self._check_folder(old, old)
            if new.startswith(f"{old}/"):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), old, None, new)
            if replaced is not None:
                self._check_replace(moved, replaced, new)
            self.bring(old)
            _discard(self.root + new)
            if replaced is not None:
                self._drop(new)
            self._scaffold(parent(self.root + new))
            real.rename(self.root + old, self.root + new)
            self._note(move=old, to=new)
            self._drop(old)

    def conceal(self, key: str) -> None:
        """Keep a real file or folder from being seen where it is."""
        with self._changing():
            self._note(hide=key)

    def forget(self) -> None:
        """Drop everything that was written: the script sees the real files again."""
        with self._changing():
            _discard(self.root)
            self._scaffold(self.root)
            self._note(clear=True)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._journal.changing():
            self._catch_up()
            yield

    def _note(self, **change: Any) -> None:
        self._journal.write(change)
        self._apply(**change)

    def _drop(self, key: str) -> None:
        """Nothing is seen under `key` any more."""
        self._note(drop=key)
        if not self._hides(key) and exists(key):
            self._note(hide=key)

    def _check_folder(self, key: str, path: AnyPath) -> None:
        """Raise what a change under `key` raises for want of a folder that may be written to."""
        folder = parent(key)
        found = self._found(folder)
        if found is None:
            raise missing(path)
        if not stat.S_ISDIR(found.st_mode):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        if not real.access(self.place(folder), os.W_OK | os.X_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)

    def _check_replace(self, moved: os.stat_result, replaced: os.stat_result, new: str) -> None:
        code = 0
        if stat.S_ISDIR(replaced.st_mode) and not stat.S_ISDIR(moved.st_mode):
            code = errno.EISDIR
        elif stat.S_ISDIR(moved.st_mode) and not stat.S_ISDIR(replaced.st_mode):
            code = errno.ENOTDIR
        elif stat.S_ISDIR(replaced.st_mode) and any(self.names(new)):
            code = errno.ENOTEMPTY
        if code:
            raise OSError(code, os.strerror(code), new)

    def _scaffold(self, place: str) -> None:
        """Make a folder of the overlay and those above it, without showing them to the script."""
        try:
            real.mkdir(place)
        except FileExistsError:
            return
        except FileNotFoundError:
            self._scaffold(parent(place))
            real.mkdir(place)

    def _copy(self, key: str, found: os.stat_result, *, content: bool) -> None:
        place = self.root + key
        self._scaffold(parent(place))
        with real.open_file(place, "wb") as copy:
            if content:
                with real.open_file(key, "rb") as original:
                    shutil.copyfileobj(original, copy, 1 << 20)
        real.chmod(place, stat.S_IMODE(found.st_mode))
        real.utime(place, ns=(found.st_atime_ns, found.st_mtime_ns))


def _discard(place: str) -> None:
    """Delete a file or a folder of the overlay itself."""
    try:
        found = real.lstat(place)
    except OSError:
        return
    if not stat.S_ISDIR(found.st_mode):
        real.unlink(place)
        return
    for name in real.listdir(place):
        _discard(f"{place}/{name}")
    real.rmdir(place)
