"""Files that libraries open in native code, where no Python function sees the path.

For these the path itself is exchanged before the library gets it. The table names what training
scripts use; native code that is not in it and opens a path by itself writes where it was told to.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec

    from mldoctor.trainee.overlay.changes import Overlay


class How(Enum):
    """What native code does with a path."""

    READ = "read"
    WRITE = "write"
    CONTENTS = "read and write in place"
    FOLDER = "write files of its own naming into a folder"
    DATABASE = "open as SQLite does"
    MODE = "as the parameter `mode` says"
    SHARED = "map, for writing when the parameter `shared` is true"


@dataclass(frozen=True, slots=True)
class Native:
    """One function, method or class that takes a path: the parameter's position and name."""

    module: str
    attribute: str
    position: int
    keyword: str
    how: How


TABLE = (
    Native("torch._C", "PyTorchFileReader.__init__", 1, "name", How.READ),
    Native("torch._C", "PyTorchFileWriter.__init__", 1, "name", How.WRITE),
    Native("torch.storage", "UntypedStorage.from_file", 0, "filename", How.SHARED),
    Native("torch", "from_file", 0, "filename", How.SHARED),
    Native("torch.jit._serialization", "save", 1, "f", How.WRITE),
    Native("torch.jit._serialization", "load", 0, "f", How.READ),
    Native("torch.jit._script", "RecursiveScriptModule.save", 1, "f", How.WRITE),
    Native("safetensors._safetensors_rust", "serialize_file", 1, "filename", How.WRITE),
    Native("safetensors._safetensors_rust", "safe_open", 0, "filename", How.READ),
    Native("tokenizers", "Tokenizer.save", 1, "path", How.WRITE),
    Native("tokenizers", "Tokenizer.from_file", 0, "path", How.READ),
    Native("tokenizers", "Tokenizer.train", 1, "files", How.READ),
    Native("tokenizers.models", "Model.save", 1, "folder", How.FOLDER),
    Native("tokenizers.models", "BPE.read_file", 0, "vocab", How.READ),
    Native("tokenizers.models", "BPE.read_file", 1, "merges", How.READ),
    Native("tokenizers.models", "BPE.from_file", 0, "vocab", How.READ),
    Native("tokenizers.models", "BPE.from_file", 1, "merges", How.READ),
    Native("tokenizers.models", "WordPiece.read_file", 0, "vocab", How.READ),
    Native("tokenizers.models", "WordPiece.from_file", 0, "vocab", How.READ),
    Native("tokenizers.models", "WordLevel.read_file", 0, "vocab", How.READ),
    Native("tokenizers.models", "WordLevel.from_file", 0, "vocab", How.READ),
    Native("tokenizers.models", "BPE", 0, "vocab", How.READ),
    Native("tokenizers.models", "BPE", 1, "merges", How.READ),
    Native("tokenizers.models", "WordPiece", 0, "vocab", How.READ),
    Native("tokenizers.models", "WordLevel", 0, "vocab", How.READ),
    Native("pyarrow.lib", "memory_map", 0, "path", How.MODE),
    Native("pyarrow.lib", "create_memory_map", 0, "path", How.WRITE),
    Native("pyarrow.lib", "OSFile", 0, "path", How.MODE),
    Native("pyarrow.lib", "input_stream", 0, "source", How.READ),
    Native("pyarrow.lib", "output_stream", 0, "source", How.WRITE),
    Native("pyarrow.parquet.core", "ParquetWriter.__init__", 1, "where", How.WRITE),
    Native("pyarrow.parquet.core", "ParquetFile.__init__", 1, "source", How.READ),
    Native("pyarrow.parquet.core", "ParquetDataset.__init__", 1, "path_or_paths", How.READ),
    Native("pyarrow._csv", "read_csv", 0, "input_file", How.READ),
    Native("pyarrow._csv", "write_csv", 1, "output_file", How.WRITE),
    Native("pyarrow._json", "read_json", 0, "input_file", How.READ),
    Native("pyarrow.feather", "read_table", 0, "source", How.READ),
    Native("pyarrow._feather", "write_feather", 1, "dest", How.WRITE),
    Native("_sqlite3", "connect", 0, "database", How.DATABASE),
    Native("h5py._hl.files", "File.__init__", 1, "name", How.MODE),
    Native("cv2", "imread", 0, "filename", How.READ),
    Native("cv2", "imwrite", 0, "filename", How.WRITE),
)


class NativeFiles:
    """Exchanges paths for native code in the modules of the table."""

    def __init__(self, overlay: Overlay, alias: Callable[[Any, Any], None]) -> None:
        """Prepare for one overlay.

        Args:
            overlay: where the files really are.
            alias: called with a function and its replacement, to exchange it wherever a module has
                imported it by name.
        """
        self._overlay = overlay
        self._alias = alias
        self._undo: list[tuple[Any, str, Any]] = []
        self._off = False

    def stop(self) -> None:
        """Put everything back."""
        for owner, name, original in reversed(self._undo):
            if original is None:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
        self._undo.clear()
        self._off = True  # for whoever still holds a replacement

    def patch(self, module: str) -> None:
        """Exchange the functions of one module that has just been imported."""
        for native in TABLE:
            if native.module == module:
                self._patch(native)

    def _patch(self, native: Native) -> None:
        *owners, name = native.attribute.split(".")
        owner: Any = sys.modules[native.module]
        for step in owners:
            owner = getattr(owner, step, None)
        original = getattr(owner, name, None)
        if original is None:
            return  # another version of the library, which cannot do this by that name
        own = vars(owner).get(name)
        exchange = self._exchange(native)
        if isinstance(original, type):
            wrapper: Any = _exchanging_class(original, exchange)
        else:
            wrapper = _exchanging(original, exchange)
        self._undo.append((owner, name, own))
        # An unbound method takes the instance first; functions on a class do not bind.
        bare = isinstance(owner, type) and not _takes_instance(own)
        setattr(owner, name, staticmethod(wrapper) if bare else wrapper)
        if isinstance(owner, ModuleType):
            self._alias(original, wrapper)

    def _exchange(self, native: Native) -> _Exchange:
        index, keyword, how = native.position, native.keyword, native.how
        overlay = self._overlay

        def exchange(args: list[Any], kwargs: dict[str, Any]) -> _After | None:
            holder: Any = args if index < len(args) else kwargs
            at: Any = index if index < len(args) else keyword
            if self._off or (holder is kwargs and keyword not in kwargs):
                return None
            value = holder[at]
            doing = _meant(how, args, kwargs, index)
            if isinstance(value, (list, tuple)) and doing is How.READ:
                holder[at] = type(value)(_read(overlay, item) for item in value)
                return None
            if not isinstance(value, (str, bytes, os.PathLike)):
                return None
            if doing is How.READ:
                holder[at] = _read(overlay, value)
            elif doing is How.CONTENTS and overlay.exists(value):
                holder[at] = overlay.writing(value, keep=True) or value
            elif doing is How.DATABASE:
                holder[at] = _database(overlay, value, uri=bool(kwargs.get("uri")))
            elif doing is How.FOLDER:
                holder[at] = tempfile.mkdtemp()
                return functools.partial(_move_out, holder[at], os.fsdecode(value))
            else:
                reserved = overlay.reserve(value)
                if reserved is not None:
                    holder[at] = reserved[1]
                    return functools.partial(_claimed, overlay, reserved[0])
            return None

        return exchange


if TYPE_CHECKING:
    _After = Callable[[Any], Any]
    _Exchange = Callable[[list[Any], dict[str, Any]], _After | None]


def _exchanging(original: Callable[..., Any], exchange: _Exchange) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        values = list(args)
        after = exchange(values, kwargs)
        result = original(*values, **kwargs)
        return result if after is None else after(result)

    return functools.update_wrapper(call, original)


def _exchanging_class(original: type, exchange: _Exchange) -> type:
    """A stand-in for a class that cannot be changed: makes instances of the class itself."""

    class Kind(type):
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            return _exchanging(original, exchange)(*args, **kwargs)

        def __instancecheck__(cls, value: Any) -> bool:
            return isinstance(value, original)

        def __subclasscheck__(cls, kind: type) -> bool:
            return issubclass(kind, original)

        def __getattr__(cls, name: str) -> Any:
            return getattr(original, name)

    body = {"__doc__": original.__doc__, "__module__": original.__module__}
    return Kind(original.__name__, (), body)


def _takes_instance(own: Any) -> bool:
    return own is not None and not isinstance(own, (staticmethod, classmethod))


def _meant(how: How, args: list[Any], kwargs: dict[str, Any], index: int) -> How:
    """READ, WRITE or CONTENTS for the functions that are told by another parameter."""
    if how not in (How.MODE, How.SHARED):
        return how
    name = "mode" if how is How.MODE else "shared"
    told = args[index + 1] if len(args) > index + 1 else kwargs.get(name)
    if how is How.SHARED:
        return How.CONTENTS if told else How.READ
    told = told or "r"
    if told in ("r", "rb"):
        return How.READ
    return How.WRITE if told in ("w", "wb") else How.CONTENTS


def _read(overlay: Overlay, path: Any) -> Any:
    return overlay.reading(path) if isinstance(path, (str, bytes, os.PathLike)) else path


def _claimed(overlay: Overlay, key: str, result: Any) -> Any:
    overlay.claim(key)
    return result


def _move_out(made: str, folder: str, result: Any) -> Any:
    """Move what native code wrote into a folder of ours to where the script wanted it."""
    for file in Path(made).iterdir():
        shutil.copyfile(file, Path(folder) / file.name)
    shutil.rmtree(made)
    if isinstance(result, (list, tuple)):
        return type(result)(
            path.replace(made, folder, 1) if isinstance(path, str) else path for path in result
        )
    return result


def _database(overlay: Overlay, database: Any, *, uri: bool) -> Any:
    name = os.fsdecode(database)
    if name in ("", ":memory:"):
        return database
    if not (uri and name.startswith("file:")):
        return overlay.writing(database, keep=True) or database
    parts = urlsplit(name)
    path, options = unquote(parts.path), parse_qs(parts.query)
    if not path or path == ":memory:" or options.get("mode") == ["memory"]:
        return database
    if options.get("mode") == ["ro"] or "immutable" in options:
        place = overlay.reading(path)
    else:
        place = overlay.writing(path, keep=True, must_exist=options.get("mode") == ["rw"]) or path
    return f"file:{os.fsdecode(place)}?{parts.query}"


class AfterImport:
    """A finder that only watches: it calls back when a module it waits for has been executed."""

    def __init__(self, imported: Callable[[str], None], waiting: set[str]) -> None:
        self._waiting = waiting
        self._imported = imported

    def find_spec(  # noqa: D102 - the protocol of `sys.meta_path`
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self._waiting:
            return None
        for finder in sys.meta_path:
            if finder is not self:
                spec = finder.find_spec(name, path, target)
                if spec is not None:
                    if spec.loader is not None:
                        self._watch(spec.loader)
                    return spec
        return None

    def _watch(self, loader: Loader) -> None:
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            execute(module)
            self._waiting.discard(module.__name__)
            self._imported(module.__name__)

        # On the instance: each module has a loader of its own, and it must stay what it is.
        loader.exec_module = exec_module  # type: ignore[method-assign]
