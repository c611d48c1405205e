"""Run the examined script as Python itself would: `python train.py`, `python -m package.train`.

It may be run several times in one process: what a run changes in the interpreter is put back after
it, and the project's own modules are imported anew by the next one.
"""

from __future__ import annotations

import builtins
import os
import signal
import sys
import threading
import traceback
from contextlib import contextmanager, suppress
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from mldoctor.errors import TargetError
from mldoctor.trainee.sites import is_user_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType

_SIGNALS = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
)


def run_script(path: str, arguments: Sequence[str] = ()) -> None:
    """Run a file as `python path arguments` does. What it raises, `SystemExit` too, comes out.

    A process forked by the script ends here like an interpreter and never returns to the caller.
    """
    file = Path(path).absolute()
    main = _main_module()
    vars(main).update(
        __file__=str(file),
        __cached__=None,
        __loader__=SourceFileLoader("__main__", str(file)),
        __package__=None,
        __spec__=None,
    )
    with _stage(main, [path, *arguments], str(file.resolve().parent)):
        # Bytes, so that the compiler finds the encoding in the source (PEP 263).
        _execute(lambda: compile(file.read_bytes(), str(file), "exec", dont_inherit=True), main)


def run_module(name: str, arguments: Sequence[str] = ()) -> None:
    """Run a module as `python -m name arguments` does; a package through its `__main__`.

    Raises:
        TargetError: when there is no such module or no source to it.
    """
    main = _main_module()

    def load() -> CodeType:
        spec, code = _module_code(name)
        vars(main).update(
            __file__=spec.origin,
            __cached__=spec.cached,
            __loader__=spec.loader,
            __package__=spec.parent,
            __spec__=spec,
        )
        sys.argv[0] = str(spec.origin)
        return code

    with _stage(main, ["-m", *arguments], str(Path.cwd())):
        _execute(load, main)


def describe(error: BaseException) -> str:
    """How a run that raised `error` ended, in a sentence; empty when it ended as scripts do."""
    place = ""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if is_user_code(frame.filename):
            place = f"{frame.filename}:{frame.lineno}"
            break
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{error.filename}:{error.lineno}"
    if isinstance(error, SystemExit):
        if error.code in (None, 0):
            return ""
        return f"{place or 'the script'} called sys.exit({error.code!r})"
    lines = [line.strip() for line in "".join(traceback.format_exception_only(error)).splitlines()]
    if isinstance(error, SyntaxError):
        lines = lines[-1:]  # before it stands the source
    elif lines[0].endswith(":"):
        lines = [" ".join(lines)]  # a message that begins with a new line
    return f"{place or 'the script'} raised {lines[0]}"


def came_from_script(error: BaseException) -> bool:
    """Whether an exception was raised by the script or below it, and not by mldoctor itself."""
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code is _execute.__code__:
            return True
        step = step.tb_next
    return False


def show(error: BaseException) -> None:
    """Write a script's exception to standard error as Python would, without mldoctor's frames."""
    step = error.__traceback__
    while step is not None and step.tb_frame.f_code is not _execute.__code__:
        step = step.tb_next
    theirs = error.__traceback__ if step is None else step.tb_next  # of no script: a function
    with suppress(OSError, ValueError, AttributeError):  # closed, gone, or not a stream any more
        traceback.print_exception(type(error), error, theirs)


def _main_module() -> ModuleType:
    main = ModuleType("__main__")
    vars(main)["__builtins__"] = builtins  # in other modules than this one it is a dictionary
    if sys.version_info < (3, 14):  # from then on annotations come into being when asked for
        vars(main)["__annotations__"] = {}
    return main


def _execute(load: Callable[[], CodeType], main: ModuleType) -> None:
    owner = os.getpid()
    try:
        exec(load(), vars(main))  # noqa: S102 - running the user's script is the purpose
    except BaseException as error:
        if os.getpid() != owner:
            _leave(error)
        raise
    if os.getpid() != owner:
        _leave(None)


def _leave(error: BaseException | None) -> NoReturn:
    """End a process that the script forked: only the script's code may run in it."""
    status = 0
    if isinstance(error, SystemExit):
        if error.code is not None and not isinstance(error.code, int):
            sys.stderr.write(f"{error.code}\n")
        status = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        show(error)
        status = 1
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(status & 0xFF)


def _module_code(name: str) -> tuple[ModuleSpec, CodeType]:
    spec = _spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = _spec(f"{name}.__main__")
    if spec is None or spec.loader is None:
        raise TargetError(
            f"no module {name!r} to run; give a name that python -m would run from {Path.cwd()}, "
            "or the path of a script"
        )
    get_code = getattr(spec.loader, "get_code", None)
    code = get_code(spec.name) if get_code else None
    if code is None:
        raise TargetError(f"module {name!r} has no Python code that could be examined")
    return spec, code


def _spec(name: str) -> ModuleSpec | None:
    try:
        return find_spec(name)
    except ModuleNotFoundError as error:
        # A parent that is missing means "no such module"; a failing import inside one does not.
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            return None
        raise


# What a run changes, and puts back

_kept: set[str] = set()  # modules from before the first run
_roots: set[str] = set()  # entries of sys.path that belong to the project


@contextmanager
def _stage(main: ModuleType, argv: list[str], folder: str) -> Iterator[None]:
    """The interpreter as a fresh run finds it; afterwards as it was."""
    if not _kept:
        _kept.update(sys.modules)
    _forget_project()
    before = {name: getattr(sys, name) for name in ("argv", "stdin", "stdout", "stderr")}
    before["excepthook"] = sys.excepthook
    path, cwd, old_main = list(sys.path), Path.cwd(), sys.modules["__main__"]
    handlers = _handlers()
    start_method = _start_method()
    sys.argv = argv
    if not os.environ.get("PYTHONSAFEPATH"):
        sys.path.insert(0, folder)
    sys.modules["__main__"] = main
    try:
        yield
    finally:
        _roots.update({folder}, set(sys.path) - set(path))
        sys.modules["__main__"] = old_main
        sys.path[:] = path
        for name, value in before.items():
            setattr(sys, name, value)
        os.chdir(cwd)
        _restore_handlers(handlers)
        _restore_start_method(start_method)


def _forget_project() -> None:
    """Drop the project's modules that earlier runs have imported."""
    roots = sorted({*sys.path, *_roots}, key=len, reverse=True)
    for name, module in list(sys.modules.items()):
        if name not in _kept and isinstance(module, ModuleType) and _is_local(module, roots):
            del sys.modules[name]


def _is_local(module: ModuleType, roots: list[str]) -> bool:
    """Whether a module was found through one of the project's entries of `sys.path`.

    The longest entry above its file counts, so that neither a virtual environment inside the
    project nor a library installed in place is taken for the project. Compiled modules stay: most
    cannot be loaded twice.
    """
    file = vars(module).get("__file__")
    if file is None:  # a namespace package
        file = next((f"{place}/__init__.py" for place in vars(module).get("__path__", ())), None)
    if not isinstance(file, str) or not file.endswith(".py") or not is_user_code(file):
        return False
    root = next((root for root in roots if root and file.startswith(f"{root}/")), None)
    return root in _roots


def _handlers() -> dict[signal.Signals, Any]:
    if threading.current_thread() is not threading.main_thread():
        return {}  # elsewhere a script cannot set any either
    return {number: signal.getsignal(number) for number in _SIGNALS}


def _restore_handlers(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)
            if number is signal.SIGALRM:
                signal.setitimer(signal.ITIMER_REAL, 0)


def _start_method() -> Any:
    context = sys.modules.get("multiprocessing.context")
    return getattr(vars(context)["_default_context"], "_actual_context", None) if context else None


def _restore_start_method(before: Any) -> None:
    """`multiprocessing.set_start_method` raises when it is called a second time in a process."""
    context = sys.modules.get("multiprocessing.context")
    if context:
        vars(context)["_default_context"]._actual_context = before  # noqa: SLF001 - no other way
