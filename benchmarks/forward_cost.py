"""What the forward experiments cost: `python benchmarks/forward_cost.py [cnn lstm distilbert]`.

The scripts of `loops/` are observed in this process, then every fact that repeats forwards is
obtained. Counted are the passes of the recorded batch through a root module, and their time beside
that of as many plain passes. The limit is 40 passes for all facts together.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mldoctor.observe import _obtained
from mldoctor.record import Record
from mldoctor.registry import Cost, needed_facts, select
from mldoctor.trainee import program
from mldoctor.trainee.driver import Driver

if TYPE_CHECKING:
    from torch import nn

LOOPS = Path(__file__).parent / "loops"
LIMIT = 40


def main() -> None:
    """Measure the scripts that were named, all by default."""
    print(f"script       passes (at most {LIMIT})   seconds   of as many plain passes")
    for name in sys.argv[1:] or ["cnn", "lstm", "distilbert"]:
        print(row(LOOPS / f"{name}.py"))


def row(script: Path) -> str:
    """One line of the table."""
    trainee = Driver(lambda: program.run_script(str(script)), max_updates=4)
    trainee.observe()
    record = Record()
    passes = 0

    def count(_module: nn.Module, _args: Any) -> None:
        nonlocal passes
        passes += 1

    handles = [root.register_forward_pre_hook(count) for root in trainee.tape.roots]
    spent = 0.0
    most: list[tuple[int, str]] = []
    for fact in needed_facts(select(("all",), ())).values():
        if fact.cost > Cost.FORWARDS:
            continue
        before, started = passes, time.perf_counter()
        record.accept(_obtained(fact, trainee, record))
        if passes > before:
            spent += time.perf_counter() - started
            most.append((passes - before, fact.name))
    for handle in handles:
        handle.remove()
    call = next(iter(trainee.tape.root_calls.values()))
    started = time.perf_counter()
    for _ in range(5):
        call.module(*call.args, **call.kwargs)
    plain = (time.perf_counter() - started) / 5
    trainee.stop()
    costliest = ", ".join(f"{name} {n}" for n, name in sorted(most, reverse=True)[:3])
    return (
        f"{script.stem:12} {passes:6} {spent:20.1f} s {spent / (passes * plain):8.1f}   {costliest}"
    )


if __name__ == "__main__":
    main()
