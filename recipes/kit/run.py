"""One training run: seeds, device, precision, early stopping, checkpoints, history, summary."""

from __future__ import annotations

import json
import platform
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import torch
from transformers import set_seed

from kit.settings import RunSettings, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Stateful(Protocol):
    """A model, optimizer, scheduler or scaler."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that is needed to go on."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any:
        """Go on from there."""


class Hardware:
    """Where the numbers live and how wide they are.

    Autocast keeps the weights in float32 and computes in half precision; it is switched on for
    CUDA only. fp16 has so small a range that gradients vanish unless the loss is scaled up, which
    is what `scaler` does; for bf16 and float32 it passes everything through.
    """

    def __init__(self, settings: RunSettings) -> None:
        found = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self.device = torch.device(found if settings.device == "auto" else settings.device)
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError) as error:
            refuse(f"--device {settings.device} cannot be used: {str(error).splitlines()[0]}")
        kinds = {"bf16": torch.bfloat16, "fp16": torch.float16}
        on_cuda = self.device.type == "cuda"
        self.half = kinds.get(settings.precision) if on_cuda else None
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.half is torch.float16)

    def autocast(self) -> AbstractContextManager[Any]:
        """The context for forward and loss; backward does not belong in it."""
        return torch.autocast("cuda", dtype=self.half) if self.half else nullcontext()


def start(settings: RunSettings) -> Hardware:
    """Seed Python, NumPy and torch, and choose the device."""
    set_seed(settings.seed)
    return Hardware(settings)


class Run:
    """Counts epochs, keeps the best checkpoint, stops when it is old, and writes the summary.

    Args:
        settings: all settings of the recipe; a resumed run must have the same ones.
        folder: where the run is kept unless `--out` says otherwise.
        monitor: the validation metric that decides which epoch is best.
        mode: whether more of it is better.
        patience: epochs without a new best after which training stops.
        keep: what the best checkpoint needs to be of use later: class names, vocabulary.
        parts: what has a state: model, optimizer, scheduler, scaler.
    """

    def __init__(
        self,
        settings: Any,
        folder: str,
        *,
        monitor: str,
        mode: Literal["max", "min"] = "max",
        patience: int,
        keep: Mapping[str, Any],
        **parts: Stateful,
    ) -> None:
        self.settings, self.monitor, self.patience, self.parts = settings, monitor, patience, parts
        self.keep = dict(keep)
        self.sign = 1 if mode == "max" else -1
        self.out = settings.out or Path("runs") / folder
        self.history: list[dict[str, float]] = []
        self.started = time.monotonic()
        self.best_path, self.last_path = self.out / "best.pt", self.out / "last.pt"
        self.out.mkdir(parents=True, exist_ok=True)
        if settings.resume:
            self._resume()
        else:
            for old in (self.best_path, self.last_path, self.out / "summary.json"):
                old.unlink(missing_ok=True)

    def epochs(self) -> Iterator[int]:
        """The epochs still to do, until the best one is `patience` epochs old."""
        for epoch in range(len(self.history) + 1, self.settings.epochs + 1):
            if self.history and epoch - self.best_epoch > self.patience:
                print(f"stopped: no better {self.monitor} in {self.patience} epochs")
                return
            yield epoch

    def finish_epoch(self, loss: float, scores: Mapping[str, float]) -> None:
        """Note the results of an epoch, keep it if it is the best so far, and save the rest."""
        flat = {name: value for name, value in scores.items() if isinstance(value, float)}
        self.history.append({"epoch": len(self.history) + 1, "train_loss": loss, **flat})
        best = self.best_epoch == len(self.history)
        if best:
            _save({"model": self.parts["model"].state_dict(), **self.keep}, self.best_path)
        state = {name: part.state_dict() for name, part in self.parts.items()}
        state |= {"history": self.history, "settings": self._plain(), "rng": torch.get_rng_state()}
        if torch.cuda.is_available():
            state["rng_cuda"] = torch.cuda.get_rng_state_all()
        _save(state, self.last_path)
        row = "  ".join(f"{name} {value:.4f}" for name, value in flat.items())
        mark = "  best" if best else ""
        print(f"epoch {len(self.history):3d}  train_loss {loss:.4f}  {row}{mark}", flush=True)

    @property
    def best_epoch(self) -> int:
        """The epoch with the best validation score; of equal ones the first."""
        scores = [self.sign * row[self.monitor] for row in self.history]
        return 1 + max(range(len(scores)), key=scores.__getitem__)

    def load_best(self) -> None:
        """Put the weights of the best epoch back into the model, for the final evaluation."""
        kept = torch.load(self.best_path, map_location="cpu", weights_only=True)
        self.parts["model"].load_state_dict(kept["model"])

    def summarise(self, counts: dict[str, int], val: Any, test: Any, **more: Any) -> None:
        """Write summary.json and print the test result."""
        summary = {
            "settings": self._plain(),
            "rows": counts,
            "best_epoch": self.best_epoch,
            "ckpt_path": str(self.best_path),
            "monitor": self.monitor,
            "val_metrics": val,
            "test_metrics": test,
            **more,
            "history": self.history,
            "seconds": round(time.monotonic() - self.started, 1),
            "versions": {"python": platform.python_version(), "torch": torch.__version__},
        }
        write_summary(summary, self.out)
        shown = "  ".join(f"{k} {v:.4f}" for k, v in test.items() if isinstance(v, float))
        print(f"best epoch {self.best_epoch}; test: {shown}\n{self.out / 'summary.json'}")

    def _plain(self) -> dict[str, Any]:
        values = asdict(self.settings)
        return {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}

    def _resume(self) -> None:
        if not self.last_path.exists():
            print(f"nothing to resume in {self.out}: starting anew")
            return
        state = torch.load(self.last_path, map_location="cpu", weights_only=True)
        before, now = state["settings"], self._plain()
        moved = [k for k in now if now[k] != before.get(k) and k not in ("resume", "out")]
        if moved:
            refuse(f"cannot resume {self.out}: it was started with another {', '.join(moved)}")
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        self.history = state["history"]
        torch.set_rng_state(state["rng"])
        if "rng_cuda" in state and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["rng_cuda"])
        print(f"resuming after epoch {len(self.history)}")


def write_summary(summary: dict[str, Any], out: Path) -> None:
    """The results of a run as JSON."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", "utf-8")


def _save(state: dict[str, Any], path: Path) -> None:
    """Write beside the old file and swap, so that an interruption leaves a whole one."""
    beside = path.with_suffix(".partial")
    torch.save(state, beside)
    beside.replace(path)
