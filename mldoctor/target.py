"""Find the script or module that is to be examined, and refuse what cannot be run."""

from __future__ import annotations

import ast
import io
import sys
import tokenize
import warnings
from difflib import get_close_matches
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from mldoctor.errors import TargetError

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from mldoctor.trainee.process import Target


def resolve(text: str, arguments: tuple[str, ...] = (), *, as_module: bool = False) -> Target:
    """The target that `text` names: a script, or a module as `python -m` would run it.

    Anything that is a path or looks like one is a script; a dotted name that is none is a module.

    Raises:
        TargetError: when there is no such file or module, or Python could not run it.
    """
    from mldoctor.trainee.process import Target

    if not text:
        raise TargetError("no script is named; give the path of a training script")
    path = Path(text)
    try:
        looks_like_path = path.exists() or path.suffix == ".py"
    except OSError as error:  # a folder on the way that may not be entered, a name too long
        raise TargetError(f"{text} cannot be read: {error.strerror}") from error
    dotted = all(part.isidentifier() for part in text.split("."))
    if as_module and not dotted:
        raise TargetError(f"{text!r} is no module name; leave -m out to examine a file")
    as_module = as_module or (dotted and not looks_like_path)
    source = module_file(text) if as_module else path
    readable(source, text)
    return Target(text, as_module, arguments)


def folder(target: Target) -> Path:
    """The folder whose configuration holds for the target."""
    return Path.cwd() if target.is_module else Path(target.path_or_module).parent


def module_file(name: str) -> Path:
    """The file that `python -m name` would run, found without importing any package on the way.

    Importing a parent package would run the project's code, and torch, in the wrong process.
    """
    spec = _find(name)
    if spec is None:
        raise TargetError(
            f"no file and no module named {name!r}; give the path of a script, or a module that "
            "python -m would run from this folder"
        )
    if spec.submodule_search_locations is not None:
        spec = _find(f"{name}.__main__")
        if spec is None:
            raise TargetError(f"{name!r} is a package without __main__.py; name a module in it")
    if spec.origin is None or not spec.origin.endswith(".py"):
        raise TargetError(f"module {name!r} has no Python source to examine")
    return Path(spec.origin)


def _find(name: str) -> ModuleSpec | None:
    places: list[str] = [str(Path.cwd()), *sys.path]
    spec = None
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:depth]), places)
        if spec is None:
            return None
        places = list(spec.submodule_search_locations or [])
    return spec


def readable(path: Path, text: str) -> None:
    """Refuse, in one sentence, a file that Python could not even begin to run.

    Raises:
        TargetError: with that sentence, in which the file is called `text`.
    """
    if path.is_dir():
        raise TargetError(f"{text} is a folder; name the training script in it{_scripts(path)}")
    if not path.exists():
        raise TargetError(f"{text}: no such file{_neighbour(path)}")
    if not path.is_file():
        raise TargetError(f"{text} is not a regular file; give the path of a training script")
    if path.suffix == ".ipynb":
        raise TargetError(
            f"{text} is a notebook; convert it with 'jupyter nbconvert --to script {text}'"
        )
    try:
        data = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        source = data.decode(encoding)
    except OSError as error:
        raise TargetError(f"{text} cannot be read: {error.strerror}") from error
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise TargetError(
            f"{text} is not text in the encoding that Python expects ({_reason(error)}); "
            "save it as UTF-8 or declare its encoding in the first line"
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the run itself shows them
        try:
            ast.parse(source, text)
        except SyntaxError as error:
            place = f"{text}:{error.lineno}:{error.offset}" if error.lineno else text
            raise TargetError(f"{place}: Python cannot run this: {error.msg}") from error
        except ValueError as error:
            raise TargetError(f"{text}: Python cannot run this: {error}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        byte = error.object[error.start]
        return f"byte 0x{byte:02x} at offset {error.start} is not {error.encoding}"
    return str(error)


def _neighbour(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    names = [entry.name for entry in path.parent.glob("*.py")]
    near = get_close_matches(path.name, names, n=1)
    return f"; did you mean {path.parent / near[0]}?" if near else ""


def _scripts(path: Path) -> str:
    names = sorted(entry.name for entry in path.glob("*.py") if not entry.name.startswith("_"))
    return f", such as {path / names[0]}" if names else ""
