"""The examined script leaves no trace: what it writes lands in a scratch folder.

While a `Sandbox` is on, the script sees its own writes (it saves `best.pt`, loads it again, lists
the folder, deletes old checkpoints) and the real files stay as they are, to the byte and to the
time of their last change. This works inside one Python process and the processes forked from it.

What it cannot reach, and leaves as it is:

- programs and fresh Python processes that the script starts (`subprocess`, the start methods
  "spawn" and "forkserver" of multiprocessing, joblib's loky): they write where they are told to;
- native code that opens paths by itself and is not in the table of `overlay/native.py`;
- the properties (mode, times) of real folders: changing them does nothing;
- the network, apart from uploads to the Hugging Face Hub and the trackers of `offline.py`.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

from mldoctor.trainee.offline import SILENCED, environment, silence
from mldoctor.trainee.overlay import real, redirect
from mldoctor.trainee.overlay.changes import Overlay
from mldoctor.trainee.overlay.native import TABLE, AfterImport, NativeFiles

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_SETS = ("supports_dir_fd", "supports_effective_ids", "supports_fd", "supports_follow_symlinks")


class Sandbox:
    """A context manager inside which nothing outside `scratch` changes.

    Args:
        scratch: an existing folder that takes all that is written; whoever made it removes it.
        project: the folder of the examined script; should the scratch folder be in it, for want of
            a better place, the script does not see it there.
    """

    def __init__(self, scratch: Path, project: Path) -> None:
        self._scratch = scratch.resolve()
        self._project = project.resolve()
        self._stack = ExitStack()
        self._exchanged: dict[int, tuple[Any, Any]] = {}
        self._overlay: Overlay | None = None

    def __enter__(self) -> Self:
        stack = self._stack
        self._overlay = Overlay(self._scratch)
        self._conceal(self._overlay)
        stack.callback(real.chdir, real.getcwd())
        self._variables(environment(self._scratch))
        for owner, name, value in (
            (tempfile, "tempdir", str(self._scratch / "tmp")),
            (sys, "dont_write_bytecode", True),
            # By descriptors `shutil.rmtree` would delete real files past all this.
            (shutil, "_use_fd_functions", False),
        ):
            self._replace(owner, name, value)
        replacements = redirect.files.replacements
        for name in _SETS:
            able = getattr(os, name)
            ours = {new for old, new in replacements.items() if old in able}
            self._replace(os, name, able | ours)
        redirect.files.start(self._overlay)
        stack.callback(self._exchange_back)
        self._exchange(replacements)
        stack.callback(redirect.files.stop)
        self._libraries(self._overlay)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stack.close()

    def forget(self) -> None:
        """Drop all writes so far: the script sees the project as it was before it ran."""
        if self._overlay is not None:
            self._overlay.forget()
            self._conceal(self._overlay)

    def _conceal(self, overlay: Overlay) -> None:
        if self._scratch.is_relative_to(self._project):
            overlay.conceal(str(self._scratch))

    def _variables(self, chosen: dict[str, str]) -> None:
        before = {name: os.environ.get(name) for name in chosen}
        os.environ.update(chosen)

        def restore() -> None:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value

        self._stack.callback(restore)

    def _replace(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute (or an entry of `sys.modules`) until the sandbox ends."""
        if isinstance(owner, dict):
            before = owner.get(name)
            owner[name] = value
            self._stack.callback(owner.pop if before is None else owner.__setitem__, name, before)
            return
        own = vars(owner).get(name)
        if own is None:
            self._stack.callback(delattr, owner, name)
        else:
            self._stack.callback(setattr, owner, name, own)
        setattr(owner, name, value)

    def _libraries(self, overlay: Overlay) -> None:
        native = NativeFiles(overlay, lambda old, new: self._exchange({old: new}))
        self._stack.callback(native.stop)

        def imported(module: str) -> None:
            if module in SILENCED:
                silence(module, self._replace)
            else:
                native.patch(module)

        watched = {entry.module for entry in TABLE} | set(SILENCED)
        for module in watched & sys.modules.keys():
            imported(module)
        finder = AfterImport(imported, watched - sys.modules.keys())
        sys.meta_path.insert(0, finder)
        self._stack.callback(sys.meta_path.remove, finder)

    def _exchange(self, replacements: dict[Any, Any]) -> None:
        """Put replacements wherever a module holds the original by name."""
        new = {id(old): (old, replacement) for old, replacement in replacements.items()}
        self._exchanged |= {id(value): (value, old) for old, value in new.values()}
        _swap(new)

    def _exchange_back(self) -> None:
        _swap(self._exchanged)


def _swap(pairs: dict[int, tuple[Any, Any]]) -> None:
    """In every module but mldoctor's own, exchange objects by identity."""
    for name, module in list(sys.modules.items()):
        if not isinstance(module, ModuleType) or name.split(".")[0] == "mldoctor":
            continue
        for attribute, value in list(vars(module).items()):
            pair = pairs.get(id(value))
            if pair is not None and pair[0] is value:
                vars(module)[attribute] = pair[1]
    # Two places that keep functions elsewhere than in a module: numpy's openers, a class of 3.13.
    openers: Any = getattr(sys.modules.get("numpy.lib._datasource"), "_file_openers", None)
    for suffix, held in list(getattr(openers, "_file_openers", {}).items()):
        if id(held) in pairs:
            openers._file_openers[suffix] = pairs[id(held)][1]  # noqa: SLF001 - no other way
    globbing = getattr(sys.modules.get("glob"), "_StringGlobber", None)
    for attribute, held in list(vars(globbing).items()) if globbing else ():
        pair = pairs.get(id(getattr(held, "__func__", None)))
        if pair is not None:
            setattr(globbing, attribute, staticmethod(pair[1]))
