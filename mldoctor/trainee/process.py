"""The parent of the examined script: start it in a process of its own and survive what it does.

Imports neither torch nor numpy. Everything that the worker learns arrives as messages and is kept
at once, so that a script that crashes, hangs or is killed still gets a report.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor.errors import TargetError
from mldoctor.record import Record
from mldoctor.trainee.endings import by_limit, by_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mldoctor.settings import Settings

OBSERVE = "mldoctor.observe:observe"
INTERRUPTED = "interrupted"
TAIL_BYTES = 64 * 1024
TAIL_LINES = 20
_LINE_LENGTH = 500
_CHUNK = 64 * 1024
_POLL = 0.1
_GRACE = 1.0
"""Seconds that a process gets to end by itself after SIGTERM."""

# At the end of the path: in a checkout, the folders beside mldoctor must not shadow the script's.
_BOOT = """
import sys
root = sys.argv.pop()
if root not in sys.path:
    sys.path.append(root)
from mldoctor.trainee.worker import main
main()
"""


class WorkerError(Exception):
    """mldoctor itself failed inside the worker; the message is the traceback from there."""


@dataclass(frozen=True, slots=True)
class Target:
    """What to examine: a script by its path, or a module by its name, and its arguments.

    Attributes:
        patches: (absolute path, text) of files that the script is to find with another text; the
            files themselves stay as they are.
        seed_shift: what is added to every seed that the script sets itself.
    """

    path_or_module: str
    is_module: bool = False
    arguments: tuple[str, ...] = ()
    patches: tuple[tuple[str, str], ...] = ()
    seed_shift: int = 0

    @property
    def project(self) -> Path:
        """The folder that the script's own modules are found in."""
        return Path.cwd() if self.is_module else Path(self.path_or_module).resolve().parent


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an examination is: what it does now, optimizer updates, and seconds."""

    stage: str
    updates: int
    elapsed: float
    budget: float


def examine(
    target: Target,
    settings: Settings,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
    *,
    observe: str = OBSERVE,
) -> Record:
    """Run the target under observation in a process of its own and return what was learned.

    Args:
        target: the script or module.
        settings: `max_minutes` bounds everything; `stream` passes the script's output on.
        on_progress: called with each report of progress.
        observe: the function to call in the worker, as `module:name`.

    Raises:
        TargetError: when the target is not there after all.
        WorkerError: when mldoctor fails in the worker.
    """
    scratch = _scratch_folder(target.project)
    try:
        with _terminated_as_interrupted():
            worker = Worker(target, settings, scratch, on_progress, observe)
            try:
                worker.follow()
            except KeyboardInterrupt:
                worker.outcome = INTERRUPTED
            finally:
                worker.stop()
        return worker.result()
    finally:
        _remove(scratch)


class Worker:
    """The child process of one examination, its messages and its output."""

    def __init__(
        self,
        target: Target,
        settings: Settings,
        scratch: Path,
        on_progress: Callable[[Progress], None],
        observe: str,
    ) -> None:
        self.record = Record()
        self.outcome = ""
        self._settings = settings
        self._scratch = scratch
        self._on_progress = on_progress
        self._started = time.monotonic()
        self._deadline = self._started + settings.max_minutes * 60
        self._heard: dict[str, str] = {}
        self._updates = 0
        self._partial = b""
        self._tail = bytearray()
        self._messages, theirs = os.pipe()
        config = {
            "target": asdict(target),
            "settings": asdict(settings),
            "messages": theirs,
            "scratch": str(scratch),
            "project": str(target.project),
            "started": self._started,
            "deadline": self._deadline,
            "observe": observe,
        }
        root = str(Path(__file__).resolve().parents[2])
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter and this package
            # -P: neither this folder nor the script's may shadow what mldoctor imports.
            [sys.executable, "-P", "-c", _BOOT, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(theirs,),
            env=_environment(settings),
            start_new_session=True,  # Ctrl-C reaches only the parent, which decides what it means
        )
        os.close(theirs)
        assert self._process.stdin is not None  # noqa: S101 - both were asked for above
        assert self._process.stdout is not None  # noqa: S101
        self._output = self._process.stdout.fileno()
        with suppress(BrokenPipeError), self._process.stdin as stdin:
            stdin.write(json.dumps(config).encode())
        self._open = selectors.DefaultSelector()
        for fd, read in ((self._messages, self._listen), (self._output, self._keep)):
            os.set_blocking(fd, False)
            self._open.register(fd, selectors.EVENT_READ, read)

    def follow(self) -> None:
        """Take in messages and output until the worker is done, dead or out of time."""
        while "done" not in self._heard and self._process.poll() is None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                self.outcome = "" if "examined" in self._heard else "limit"
                return
            for key, _ in self._open.select(min(_POLL, left)):
                self._take(key)

    def stop(self) -> None:
        """End the worker and all that it started, and take in what it said last."""
        if "done" not in self._heard:
            self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        self._drain()
        # Also after a natural end: what the script left running would hold the scratch folder.
        # SIGTERM first, so that multiprocessing's resource tracker, which ignores it, can clean up.
        if self._signal(signal.SIGTERM):
            until = time.monotonic() + _GRACE / 2
            while time.monotonic() < until and self._signal(0):
                time.sleep(0.01)
            self._signal(signal.SIGKILL)
        self._process.wait()
        self._open.close()
        os.close(self._messages)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def result(self) -> Record:
        """The record, with how the run ended when it did not reach its natural end."""
        if "failed" in self._heard and "examined" not in self._heard:
            raise WorkerError(self._heard["failed"])
        if "refused" in self._heard:
            raise TargetError(self._heard["refused"])
        if "started" not in self._heard and not self.outcome:
            raise WorkerError(f"the worker process did not start:\n{self._text()}")
        run = self.record.run
        outcome = self._how() or run.outcome
        here = f"{Path.cwd()}/"
        incomplete = outcome or not max(run.updates, self._updates)
        self.record.run = replace(
            run,
            updates=max(run.updates, self._updates),
            seconds=time.monotonic() - self._started,
            outcome=outcome.replace(here, ""),
            output_tail=self._lines() if incomplete else (),
        )
        return self.record

    def _how(self) -> str:
        if self.outcome == INTERRUPTED:
            return INTERRUPTED
        stack = self._stack()
        if self.outcome:
            return by_limit(self._settings.max_minutes, stack, self._updates)
        if "done" in self._heard or "examined" in self._heard:
            return ""  # whatever became of the script after that
        if "script-ended" in self._heard:
            return self._heard["script-ended"]
        return by_status(self._process.returncode, stack)

    def _stack(self) -> str:
        with suppress(OSError):
            return (self._scratch / "stack").read_text(errors="replace") or self._text()
        return ""

    # Reading

    def _take(self, key: selectors.SelectorKey) -> bool:
        try:
            data = os.read(key.fd, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._open.unregister(key.fd)
            return False
        key.data(data)
        return True

    def _drain(self) -> None:
        """Take in what is in the pipes, but do not wait for those who still hold them open."""
        until = time.monotonic() + _GRACE
        while time.monotonic() < until:
            ready = self._open.select(0) if self._open.get_map() else []
            if not [key for key, _ in ready if self._take(key)]:
                return

    def _listen(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            try:
                message = json.loads(line)
                kind = message["kind"]
            except (ValueError, KeyError, TypeError):
                continue  # not ours: the script wrote to a descriptor that it found open
            self._accept(kind, message)

    def _accept(self, kind: str, message: dict[str, Any]) -> None:
        if kind == "progress":
            self._updates = max(self._updates, message["updates"])
            fields = {name: message[name] for name in ("stage", "updates", "elapsed", "budget")}
            self._on_progress(Progress(**fields))
        elif kind == "examined":
            self._heard[kind] = ""
            self._deadline = min(self._deadline, time.monotonic() + message["seconds"])
        elif kind in ("started", "done", "script-ended", "refused", "failed"):
            self._heard[kind] = message.get("how", message.get("error", ""))
        else:
            try:
                self.record.accept(message)
            except Exception as error:  # noqa: BLE001 - one bad fact must not lose the others
                name = message.get("name", kind)
                self.record.crashed[name] = f"{type(error).__name__}: {error}"

    def _keep(self, data: bytes) -> None:
        self._tail += data
        if len(self._tail) > 2 * TAIL_BYTES:
            del self._tail[:-TAIL_BYTES]
        if self._settings.stream:
            # The bytes as they are: progress bars and colours are the script's business.
            with suppress(OSError, ValueError):
                sys.stderr.flush()
                os.write(sys.stderr.fileno(), data)

    def _text(self) -> str:
        return self._tail[-TAIL_BYTES:].decode(errors="replace")

    def _lines(self) -> tuple[str, ...]:
        """The last lines, as a terminal would show them: a progress bar overwrites itself."""
        shown = (line.rstrip("\r").rpartition("\r")[2] for line in self._text().split("\n"))
        lines = [line.rstrip()[:_LINE_LENGTH] for line in shown]
        while lines and not lines[-1]:
            lines.pop()
        return tuple(lines[-TAIL_LINES:])

    def _signal(self, number: int) -> bool:
        """Send a signal to the worker's whole group; whether there was anybody."""
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True


def _environment(settings: Settings) -> dict[str, str]:
    """The user's own environment, with hashing and buffering that make runs repeatable."""
    environment = dict(os.environ) | {"PYTHONUNBUFFERED": "1"}
    if not environment.get("PYTHONHASHSEED", "random").isdigit():
        environment["PYTHONHASHSEED"] = "0"
    if settings.device == "cpu":
        environment |= {"CUDA_VISIBLE_DEVICES": "-1", "HIP_VISIBLE_DEVICES": "-1"}
    return environment


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM to the parent counts as Ctrl-C: the worker ends and the scratch folder goes."""
    mine = threading.current_thread() is threading.main_thread()
    if not mine or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _scratch_folder(project: Path) -> Path:
    """A new folder outside the project, wherever there is one: the script may list its own."""
    places = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"), Path.home()]  # noqa: S108
    for place in places:
        if not place.resolve().is_relative_to(project):
            with suppress(OSError):
                return Path(tempfile.mkdtemp(prefix="mldoctor-", dir=place)).resolve()
    return Path(tempfile.mkdtemp(prefix="mldoctor-")).resolve()


def _remove(folder: Path) -> None:
    """Delete a folder, even where the script has taken permissions away."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        return
    for parent, names, _ in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if stat.S_ISDIR(path.lstat().st_mode):
                path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
