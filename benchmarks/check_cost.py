"""What an examination costs: `python benchmarks/check_cost.py [mlp cnn lstm distilbert]`.

Each training script of `loops/` is run bare, examined by `mldoctor check`, and its model and one
batch are given to `torchtest2.check_model` where that package is installed. The figure to keep is
the share of the allowance: start-up + 200 steps of the script's own + 5 s. Memory is the largest
resident size of any process, over that of the bare script, beside the size of one snapshot
(weights, buffers and the two moments of Adam).
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

LOOPS = Path(__file__).parent / "loops"
STEPS = 200
GRACE = 5.0
BARE_STEPS = 30
MEGABYTE = 2**20

PEER = """
import runpy, sys, torch, torchtest2
from torch.utils.data import default_collate
module = runpy.run_path(sys.argv[1])
model, data = module["model"](), module["data"]()
inputs, targets = default_collate([data[i] for i in range(int(sys.argv[2]))])
def loss(outputs, wanted):
    return torch.nn.functional.cross_entropy(getattr(outputs, "logits", outputs), wanted)
torchtest2.check_model(model, inputs, targets, loss_fn=loss)
"""


@dataclass(frozen=True)
class Cost:
    """Seconds and the largest resident size, in bytes, of a command and its children."""

    seconds: float
    memory: int


def main() -> None:
    """Measure the scripts that were named, all by default."""
    names = sys.argv[1:] or ["mlp", "cnn", "lstm", "distilbert"]
    print(
        "script       step     allowed  check    of it  steps  memory over bare  snapshot  torchtest2"
    )
    for name in names:
        print(row(name, LOOPS / f"{name}.py"))


def row(name: str, script: Path) -> str:
    """One line of the table."""
    started = cost([sys.executable, str(script), "--steps", "1"])
    bare = cost([sys.executable, str(script), "--steps", str(BARE_STEPS + 1)])
    step = max(0.0, bare.seconds - started.seconds) / BARE_STEPS
    allowed = started.seconds + STEPS * step + GRACE
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        check = cost([sys.executable, "-m", "mldoctor", "check", str(script),
                      "--report", f"json={file.name}"])  # fmt: skip
        updates = json.loads(Path(file.name).read_text(encoding="utf-8"))["run"]["updates"]
    peer = cost([sys.executable, "-c", PEER, str(script), "8" if name == "distilbert" else "32"])
    return (
        f"{name:12} {1000 * step:5.0f} ms {allowed:6.1f} s {check.seconds:6.1f} s"
        f" {check.seconds / allowed:5.2f} {updates:6}"
        f" {(check.memory - bare.memory) / MEGABYTE:14.0f} MB {snapshot(script):6.0f} MB"
        f" {peer.seconds:8.1f} s"
    )


def snapshot(script: Path) -> float:
    """Megabytes of one snapshot of the script's model: weights and two moments, and the buffers."""
    net = runpy.run_path(str(script))["model"]()
    weights = sum(p.numel() * p.element_size() for p in net.parameters())
    buffers = sum(b.numel() * b.element_size() for b in net.buffers())
    return float(3 * weights + buffers) / MEGABYTE


def cost(command: list[str]) -> Cost:
    """Run a command to its end; what it finds or says does not matter here."""
    started = time.perf_counter()
    process = psutil.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    peak = 0

    def watch() -> None:
        nonlocal peak
        while process.poll() is None:
            try:
                family = [process, *process.children(recursive=True)]
                peak = max(peak, *(p.memory_info().rss for p in family))
            except psutil.NoSuchProcess:
                pass
            time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    watcher.join()
    return Cost(time.perf_counter() - started, peak)


if __name__ == "__main__":
    main()
