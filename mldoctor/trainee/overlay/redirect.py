"""The file functions that the examined script gets instead of Python's own.

Each has the name and the parameters of the function it stands for, asks the overlay where the file
really is, and leaves the work to the real function.
"""
# ruff: noqa: D102, FBT001, FBT002, PLR0917 - signatures and documentation are the real functions'

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

from mldoctor.trainee.overlay import real
from mldoctor.trainee.overlay.looking import Looking

if TYPE_CHECKING:
    from collections.abc import Callable

    from mldoctor.trainee.overlay.changes import Overlay
    from mldoctor.trainee.overlay.union import AnyPath

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_ANONYMOUS = getattr(os, "O_TMPFILE", 0)


class Files(Looking):
    """Python's file functions, over the overlay that is in use or, without one, as they are.

    They are handed out as bound methods: like the built-in functions that they stand for, those do
    not bind again when a class holds one.

    Attributes:
        replacements: what stands for what, by the real function.
    """

    def __init__(self) -> None:
        self._off = True
        self._opener: Callable[[Any, int], int] = self.open
        named = {name: getattr(os, name, None) for name in _NAMES}
        self.replacements: dict[Any, Any] = {
            there: getattr(self, name) for name, there in named.items() if there is not None
        }
        self.replacements |= {
            real.open_file: self.open_file,
            real.open_code: self.open_code,
            real.FileIO: _file_io(self._opener),
        }

    def start(self, overlay: Overlay) -> None:
        """Read and write through this overlay from now on."""
        self._overlay = overlay
        self._off = False

    def stop(self) -> None:
        """From now on only the real functions work, for whoever still holds one of these."""
        self._off = True

    def __reduce__(self) -> tuple[Any, ...]:
        return _files, ()  # a function that is sent to a forked process finds its overlay there

    # Opening

    def open_file(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        if opener is None and type(file) is not int and not self._off:
            # An opener keeps the file's `name` as the script wrote it.
            reads = mode in ("r", "rb", "rt", "br", "tr")
            if not reads or (not self._overlay.empty and self._overlay.reading(file) is not file):
                opener = self._opener
        return real.open_file(file, mode, buffering, encoding, errors, newline, closefd, opener)

    def open_code(self, path: str) -> Any:
        return real.open_code(path if self._off else os.fsdecode(self._overlay.reading(path)))

    def open(
        self, path: AnyPath, flags: int, mode: int = 0o777, *, dir_fd: int | None = None
    ) -> int:
        if self._off:
            return real.open_fd(path, flags, mode, dir_fd=dir_fd)
        name = self._at(path, dir_fd)
        follow = not flags & os.O_NOFOLLOW
        if _ANONYMOUS and flags & _ANONYMOUS == _ANONYMOUS:
            return real.open_fd(self._overlay.root, flags, mode)
        if not flags & WRITES:
            return real.open_fd(self._overlay.reading(name, follow=follow), flags, mode)
        place = self._overlay.writing(
            name,
            keep=not flags & os.O_TRUNC,
            exclusive=bool(flags & os.O_CREAT and flags & os.O_EXCL),
            must_exist=not flags & os.O_CREAT,
            mode=mode,
        )
        if place is None:
            return real.open_fd(name, flags, mode)
        return real.open_fd(place, flags & ~os.O_EXCL, mode)

    # Changing

    def mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        key = self._key(path, dir_fd, follow=False)
        if key is None:
            real.mkdir(path, mode, dir_fd=dir_fd)
        else:
            self._overlay.make(key, lambda place: real.mkdir(place, mode))

    def rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        key = self._key(path, dir_fd, follow=False)
        if key is None:
            real.rmdir(path, dir_fd=dir_fd)
        else:
            self._overlay.remove(key, folder=True)

    def unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        key = self._key(path, dir_fd, follow=False)
        if key is None:
            real.unlink(path, dir_fd=dir_fd)
        else:
            self._overlay.remove(key, folder=False)

    def remove(self, path: Any, *, dir_fd: int | None = None) -> None:
        self.unlink(path, dir_fd=dir_fd)

    def rename(
        self, src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> None:
        old = self._key(src, src_dir_fd, follow=False)
        new = self._key(dst, dst_dir_fd, follow=False)
        if old is None and new is None:
            real.rename(src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
        elif old is None or new is None:
            # Between the scratch folder and the rest: as between two disks. `shutil.move` copies.
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), src, None, dst)
        else:
            self._overlay.rename(old, new)

    def replace(
        self, src: Any, dst: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None
    ) -> None:
        self.rename(src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def link(
        self,
        src: Any,
        dst: Any,
        *,
        src_dir_fd: int | None = None,
        dst_dir_fd: int | None = None,
        follow_symlinks: bool = True,
    ) -> None:
        new = self._key(dst, dst_dir_fd, follow=False)
        if new is None:
            # A link to a real file would let the script write into that file.
            old = self._key(src, src_dir_fd, follow=follow_symlinks)
            place = self._at(src, src_dir_fd) if old is None else self._overlay.bring(old)
            real.link(place, dst, dst_dir_fd=dst_dir_fd)
            return
        old = self._key(src, src_dir_fd, follow=follow_symlinks)
        place = self._at(src, src_dir_fd) if old is None else self._overlay.bring(old)
        self._overlay.make(new, lambda there: real.link(place, there))

    def symlink(
        self,
        src: Any,
        dst: Any,
        target_is_directory: bool = False,
        *,
        dir_fd: int | None = None,
    ) -> None:
        key = self._key(dst, dir_fd, follow=False)
        if key is None:
            real.symlink(src, dst, target_is_directory, dir_fd=dir_fd)
        else:
            target = os.fsdecode(src)
            self._overlay.make(key, lambda place: real.symlink(target, place), link=target)

    def mkfifo(self, path: Any, mode: int = 0o666, *, dir_fd: int | None = None) -> None:
        key = self._key(path, dir_fd, follow=False)
        if key is None:
            real.mkfifo(path, mode, dir_fd=dir_fd)
        else:
            self._overlay.make(key, lambda place: real.mkfifo(place, mode))

    def mknod(
        self, path: Any, mode: int = 0o600, device: int = 0, *, dir_fd: int | None = None
    ) -> None:
        key = self._key(path, dir_fd, follow=False)
        if key is None:
            real.mknod(path, mode, device, dir_fd=dir_fd)
        else:
            self._overlay.make(key, lambda place: real.mknod(place, mode, device))

    def truncate(self, path: Any, length: int) -> None:
        place = path
        if not self._off and type(path) is not int:
            place = self._overlay.writing(path, keep=True, must_exist=True) or path
        real.truncate(place, length)

    def chmod(
        self, path: Any, mode: int, *, dir_fd: int | None = None, follow_symlinks: bool = True
    ) -> None:
        place = self._marked(path, dir_fd, follow=follow_symlinks)
        if place is not None:
            real.chmod(place, mode, follow_symlinks=follow_symlinks)

    def fchmod(self, fd: int, mode: int) -> None:
        if self._marked(fd) is not None:
            real.fchmod(fd, mode)

    def chown(
        self,
        path: Any,
        uid: int,
        gid: int,
        *,
        dir_fd: int | None = None,
        follow_symlinks: bool = True,
    ) -> None:
        place = self._marked(path, dir_fd, follow=follow_symlinks)
        if place is not None:
            real.chown(place, uid, gid, follow_symlinks=follow_symlinks)

    def lchown(self, path: Any, uid: int, gid: int) -> None:
        self.chown(path, uid, gid, follow_symlinks=False)

    def fchown(self, fd: int, uid: int, gid: int) -> None:
        if self._marked(fd) is not None:
            real.fchown(fd, uid, gid)

    def utime(
        self,
        path: Any,
        times: Any = None,
        *,
        ns: Any = None,
        dir_fd: int | None = None,
        follow_symlinks: bool = True,
    ) -> None:
        place = self._marked(path, dir_fd, follow=follow_symlinks)
        if place is not None:
            options: dict[str, Any] = {"times": times} if ns is None else {"ns": ns}
            if not follow_symlinks:
                options["follow_symlinks"] = False
            real.utime(place, **options)

    def setxattr(
        self,
        path: Any,
        attribute: Any,
        value: Any,
        flags: int = 0,
        *,
        follow_symlinks: bool = True,
    ) -> None:
        place = self._marked(path, follow=follow_symlinks)
        if place is not None:
            real.setxattr(place, attribute, value, flags, follow_symlinks=follow_symlinks)

    def removexattr(self, path: Any, attribute: Any, *, follow_symlinks: bool = True) -> None:
        place = self._marked(path, follow=follow_symlinks)
        if place is not None:
            real.removexattr(place, attribute, follow_symlinks=follow_symlinks)

    # Common parts

    def _key(self, path: Any, dir_fd: int | None, *, follow: bool) -> str | None:
        """The key of a path that is about to change, or None to leave it to the real function."""
        if self._off:
            return None
        name = self._at(path, dir_fd)
        if not follow and name[-1:] in ("/", b"/"):
            name = name.rstrip("/" if isinstance(name, str) else b"/") or name
        return self._overlay.key(name, follow=follow)

    def _marked(self, path: Any, dir_fd: int | None = None, *, follow: bool = True) -> Any:
        """Where to change the properties of a file; None for a real one that stays as it is.

        The properties of real folders are left alone without an error: to give one others, the
        overlay would have to copy all that is in it.
        """
        if self._off:
            return self._at(path, dir_fd) if type(path) is not int else path
        if type(path) is int:
            found = real.fstat(path)
            if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
                return path
            place = real.readlink(f"/proc/self/fd/{path}")
            return None if self._overlay.key(place, follow=False) == place else path
        name = self._at(path, dir_fd)
        key = self._overlay.key(name, follow=follow)
        if key is None:
            return name
        found = self._overlay.lstat(key)
        if follow and stat.S_ISLNK(found.st_mode):
            key = self._overlay.key(os.path.realpath(name), follow=False) or key
            found = self._overlay.lstat(key)
        if stat.S_ISREG(found.st_mode):
            return self._overlay.bring(key)
        place = self._overlay.place(key)
        return None if place == (key or "/") else place


def _file_io(opener: Callable[[Any, int], int]) -> type:
    """`io.FileIO` that opens through the overlay; instances count as the real class's."""

    class Kind(type(real.FileIO)):  # type: ignore[misc]
        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, real.FileIO)

        def __subclasscheck__(cls, kind: type) -> bool:
            return issubclass(kind, real.FileIO)

    class FileIO(real.FileIO, metaclass=Kind):
        def __init__(
            self,
            file: Any,
            mode: str = "r",
            closefd: bool = True,
            opener: Any = opener,
        ) -> None:
            super().__init__(file, mode, closefd, None if type(file) is int else opener)

    return FileIO


_NAMES = (
    "open",
    "stat",
    "lstat",
    "access",
    "readlink",
    "listdir",
    "scandir",
    "chdir",
    "fchdir",
    "getcwd",
    "getcwdb",
    "statvfs",
    "pathconf",
    "mkdir",
    "rmdir",
    "unlink",
    "remove",
    "rename",
    "replace",
    "link",
    "symlink",
    "mkfifo",
    "mknod",
    "truncate",
    "chmod",
    "fchmod",
    "chown",
    "lchown",
    "fchown",
    "utime",
    *real.EXTENDED,
)

files = Files()
"""The only instance: libraries that keep one of its methods get the next overlay with it."""


def _files() -> Files:
    return files
