"""Where the examined script's writes really are, and what it still sees of the real files.

Like a union file system in Python: every real path has one *key*, its absolute path with the links
of its folders followed. What the script wrote under a key lies in `root + key`; what it deleted is
remembered as hidden.

A limit, by design: a link at the end of a path is followed for reading only once the script has
replaced or deleted a file that was there before it. New files cannot be the target of old links.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from mldoctor.trainee.overlay import real
from mldoctor.trainee.overlay.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path

    AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]

LINKS = 40  # as many as Linux follows before it gives up with ELOOP


class Union:
    """What the examined script sees under each path, and where that really is.

    Attributes:
        root: the folder that holds what was written; `root + key` is its place.
        touched: for each folder, the names in it that are not as they are in the real folder.
        cwd: the key of the current folder, which may exist in the overlay only.
    """

    def __init__(self, scratch: Path) -> None:
        self.root = os.path.realpath(scratch) + "/overlay"
        self._outside = ("/dev/", "/proc/", "/sys/", os.path.realpath(scratch) + "/")
        with suppress(FileExistsError):
            real.mkdir(self.root)
        self._journal = Journal(scratch / "journal")
        self.cwd = self.key_of_place(real.getcwd())
        self._clear()

    def _clear(self) -> None:
        self.touched: dict[str, set[str]] = {}
        self._present: set[str] = set()
        self._hidden: set[str] = set()
        self._links: dict[str, str] = {}
        self._folders: dict[str, str] = {"": ""}
        self._real_links: dict[str, frozenset[str]] = {}
        self._covers = False  # whether a file that was there before is replaced or deleted

    # What is where

    @property
    def empty(self) -> bool:
        """Whether the script sees exactly the real files; costs no system call."""
        return not self.touched and not self._journal.behind

    def key(self, path: AnyPath, *, follow: bool = True) -> str | None:
        """The key of `path`, or None for a path that is left alone (scratch, devices)."""
        self._catch_up()
        key = self._key(os.fsdecode(path))
        if follow and (self._links or self._covers) and self._is_link(key):
            key = self._followed(key, check=True)
        return None if key.startswith(self._outside) else key

    def reading(self, path: AnyPath, *, follow: bool = True) -> AnyPath:
        """The path under which to read `path`: itself unless the script wrote it.

        Raises:
            FileNotFoundError: for a file that the script deleted.
        """
        if self.empty:
            return path
        key = self.key(path, follow=follow)
        if key is None:
            return path
        if key in self._present:
            return self.root + key
        if self._hides(key):
            raise missing(path)
        return path if self.direct else key or "/"

    @property
    def direct(self) -> bool:
        """Whether a path that leads to a real file still does so for the real functions."""
        return not self._links and not self.cwd_moved

    @property
    def cwd_moved(self) -> bool:
        """Whether the current folder is one that exists in the overlay only."""
        return self.cwd in self._present

    def lstat(self, key: str) -> os.stat_result:
        """The status of what the script sees under `key`; a link is not followed."""
        if key in self._present:
            return real.lstat(self.root + key)
        if self._hides(key):
            raise missing(key)
        return real.lstat(key or "/")

    def exists(self, path: AnyPath) -> bool:
        """Whether the script sees anything at `path`."""
        key = self.key(path)
        return exists(os.fsdecode(path)) if key is None else self._found(key) is not None

    def names(self, key: str) -> tuple[list[str], set[str]]:
        """What a folder holds: names that are as on disk, and names from the overlay."""
        touched = self.touched.get(key, set())
        own = {name for name in touched if f"{key}/{name}" in self._present}
        if self._hides(key):
            return [], own
        try:
            there = real.listdir(key or "/")
        except FileNotFoundError:
            if key not in self._present:
                raise
            there = []
        return [name for name in there if name not in touched], own

    def is_plain(self, key: str) -> bool:
        """Whether a folder looks exactly as it does on disk."""
        return key not in self.touched and key not in self._present and not self._hides(key)

    def link_target(self, key: str) -> str | None:
        """Where a link that the script made points to."""
        return self._links.get(key)

    def place(self, key: str) -> str:
        """Where what is seen under `key` really lies."""
        return self.root + key if key in self._present else key or "/"

    def key_of_place(self, place: str) -> str:
        """The key of a real path, which may lie in the overlay."""
        return place.removeprefix(self.root).rstrip("/")

    # How it is kept

    def _catch_up(self) -> None:
        if self._journal.behind:
            for change in self._journal.news():
                self._apply(**change)

    def _apply(
        self,
        *,
        add: str | None = None,
        link: str | None = None,
        covers: bool = False,
        drop: str | None = None,
        hide: str | None = None,
        move: str | None = None,
        to: str = "",
        clear: bool = False,
    ) -> None:
        if clear:
            self._clear()
        for key in (add, drop, hide):
            if key is not None:
                self._touch(key)
        if add is not None:
            self._present.add(add)
        if add is not None and link is not None:
            self._links[add] = link
        if drop is not None:
            self._present.discard(drop)
            self._links.pop(drop, None)
        if hide is not None:
            self._hidden.add(hide)
        if move is not None:
            self._move(move, to)
        self._covers = self._covers or covers or hide is not None
        if link is not None or drop is not None or move is not None:
            self._folders = {"": ""}  # what a folder's path leads to may have changed

    def _move(self, old: str, new: str) -> None:
        def moved(key: str) -> str:
            return new + key[len(old) :] if key == old or key.startswith(f"{old}/") else key

        self._present = {moved(key) for key in self._present}
        self._links = {moved(key): target for key, target in self._links.items()}
        # What was hidden below the old place stays hidden there: the real files are still in it.
        self.touched = {}
        for key in (*self._present, *self._hidden):
            self._touch(key)

    def _touch(self, key: str) -> None:
        folder, _, name = key.rpartition("/")
        self.touched.setdefault(folder, set()).add(name)

    def _key(self, name: str) -> str:
        if name.startswith(f"{self.root}/"):
            name = name[len(self.root) :]  # the script got hold of a place; give it the key
        elif not name.startswith("/"):
            if not name:
                raise missing(name)
            name = f"{self.cwd}/{name}"
        head, _, tail = name.rpartition("/")
        if tail in ("", ".", ".."):
            return self._folder(name)
        return f"{self._folder(head)}/{tail}"

    def _folder(self, name: str) -> str:
        """The key of a folder, links followed; remembered, for it costs a call per level."""
        known = self._folders.get(name)
        if known is None:
            head, _, tail = name.rpartition("/")
            parent = self._folder(head)
            if tail in ("", "."):
                known = parent
            elif tail == "..":
                known = parent.rpartition("/")[0]
            else:
                known = self._followed(f"{parent}/{tail}", check=True)
            self._folders[name] = known
        return known

    def _followed(self, key: str, *, check: bool) -> str:
        """Where a link leads. `check` says whether real links count too."""
        for _ in range(LINKS):
            target = self._links.get(key)
            if target is None:
                if not check or key in self._present or self._hides(key):
                    return key
                try:
                    target = real.readlink(key)
                except OSError:
                    return key
            key = self._key(target if target.startswith("/") else f"{parent(key)}/{target}")
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), key)

    def _is_link(self, key: str) -> bool:
        """Whether there is a link under `key`: looked up per folder, not per file."""
        if key in self._links:
            return True
        folder, _, name = key.rpartition("/")
        known = self._real_links.get(folder)
        if known is None:
            try:
                with real.scandir(folder or "/") as entries:
                    known = frozenset(entry.name for entry in entries if entry.is_symlink())
            except OSError:
                known = frozenset()
            self._real_links[folder] = known
        return name in known

    def _hides(self, key: str) -> bool:
        """Whether the real file under `key` is out of sight."""
        if not self._hidden:
            return False
        while key:
            if key in self._hidden:
                return True
            key = parent(key)
        return False

    def _found(self, key: str) -> os.stat_result | None:
        try:
            return self.lstat(key)
        except (FileNotFoundError, NotADirectoryError):
            return None


def missing(path: AnyPath) -> FileNotFoundError:
    """The error for a path at which the script sees nothing."""
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def parent(key: str) -> str:
    """The key of the folder that holds `key`."""
    return key.rpartition("/")[0]


def exists(place: str) -> bool:
    """Whether there is anything at a real path, a link that leads nowhere included."""
    try:
        real.lstat(place)
    except OSError:
        return False
    return True
