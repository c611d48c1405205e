"""What the sandbox costs a script that reads many files: `python benchmarks/sandbox_cost.py`.

Opens and stats 10,000 files of a project, without a sandbox and inside one, in the states that a
script brings about: nothing written yet, a new file written, an old one replaced, one deleted.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mldoctor.trainee.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

FILES = 10_000
REPEATS = 9


def main() -> None:
    """Measure and print the ratios."""
    with tempfile.TemporaryDirectory() as project, tempfile.TemporaryDirectory() as scratch:
        folder = Path(project)
        paths = [f"{project}/{number}.bin" for number in range(FILES)]
        for path in paths:
            Path(path).touch()

        def opened() -> None:
            for path in paths:
                with open(path, "rb"):  # noqa: PTH123 - what a dataset calls
                    pass

        def looked_at() -> None:
            for path in paths:
                os.stat(path)  # noqa: PTH116 - as above

        bare = best(opened), best(looked_at)
        print(f"without      open {per_file(bare[0])}  stat {per_file(bare[1])}")
        with Sandbox(Path(scratch), folder):
            report("idle", bare, opened, looked_at)
            (folder / "new.pt").write_bytes(b"1")
            report("new file", bare, opened, looked_at)
            (folder / "0.bin").write_bytes(b"1")
            report("replaced", bare, opened, looked_at)
            (folder / "new.pt").unlink()
            (folder / "extra").mkdir()
            (folder / "1.bin").rename(folder / "extra/1.bin")
            paths.remove(f"{project}/1.bin")
            report("deleted", bare, opened, looked_at)


def best(work: Callable[[], None]) -> float:
    """The fastest of several passes, in seconds: others use this machine too."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def report(
    state: str, bare: tuple[float, float], opened: Callable[[], None], looked_at: Callable[[], None]
) -> None:
    """Print one line of ratios."""
    times = best(opened), best(looked_at)
    shown = (f"{per_file(t)} ({t / b:.2f}x)" for t, b in zip(times, bare, strict=True))
    print(f"{state:<12} open {'  stat '.join(shown)}")


def per_file(seconds: float) -> str:
    """Seconds for all files, as microseconds for one."""
    return f"{seconds / FILES * 1e6:.2f} us"


if __name__ == "__main__":
    main()
