"""Metrics that a checkpoint, a stop or a schedule follows, and the direction it takes as better."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from mldoctor.facts.in_source.sources import Sources
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.source.module import Module, argument, dotted, method
from mldoctor.source.reach import origin

LOWER = frozenset(
    "loss error err perplexity ppl mse mae rmse wer cer nll crossentropy bpc bpb".split()  # noqa: SIM905
)
HIGHER = frozenset(
    "acc accuracy f1 auc auroc roc precision recall iou miou dice bleu rouge map mrr ndcg "  # noqa: SIM905
    "psnr ssim mcc kappa top1 top5".split()
)
CALLBACKS = ("ModelCheckpoint", "EarlyStopping")
DEFAULT = ", the default"
FIRST = {"ModelCheckpoint": 99, "EarlyStopping": 0}


@dataclass(frozen=True, slots=True)
class Monitor:
    """One follower.

    Attributes:
        follower: what follows (`EarlyStopping`); metric: by the name that the script gives it.
        better: what the follower takes as better, "lower" or "higher"; meant: what its name says.
        said: how the direction is set, as code.
    """

    follower: str
    metric: str
    better: str
    meant: str
    said: str
    location: Location


@dataclass(frozen=True, slots=True)
class Monitors:
    """Every follower whose metric has a name that leaves no doubt."""

    rows: tuple[Monitor, ...]


@fact(Cost.SOURCE)
def monitors(sources: Sources) -> Monitors:
    """Read the arguments of checkpoints, stops and schedules."""
    rows: list[Monitor] = []
    for module in sources.modules():
        for call in module.calls:
            found = _callback(module, call) or _arguments(module, call) or _plateau(module, call)
            if found is not None:
                rows.append(found)
    return Monitors(tuple(rows))


def meaning(name: str) -> str:
    """What a metric's name says of its direction; "" where it says nothing, or both."""
    words = set(re.split(r"[^a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()))
    lower, higher = bool(words & LOWER), bool(words & HIGHER)
    if lower == higher or words & {"neg", "negative", "minus", "inverse", "one"}:
        return ""
    return "lower" if lower else "higher"


def _callback(module: Module, call: ast.Call) -> Monitor | None:
    """A callback of Lightning."""
    name = module.full(call.func)
    kind = name.rpartition(".")[2]
    if kind not in CALLBACKS or not name.startswith(("lightning", "pytorch_lightning")):
        return None
    metric, mode = argument(call, FIRST[kind], "monitor"), argument(call, 99, "mode")
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    direction = "min" if mode is None else _text(mode)
    said = f'mode="{direction}"' + (DEFAULT if mode is None else "")
    return _monitor(module.location(call), kind, _text(metric), direction, said)


def _arguments(module: Module, call: ast.Call) -> Monitor | None:
    """The arguments of a transformers Trainer."""
    if not module.full(call.func).startswith("transformers.") or any(
        keyword.arg is None for keyword in call.keywords
    ):
        return None
    metric = argument(call, 999, "metric_for_best_model")
    greater = argument(call, 999, "greater_is_better")
    if not isinstance(greater, ast.Constant) or not isinstance(greater.value, bool):
        return None
    said = f"greater_is_better={greater.value}"
    mode = "max" if greater.value else "min"
    kind = module.full(call.func).rpartition(".")[2]
    return _monitor(module.location(call), kind, _text(metric), mode, said)


def _plateau(module: Module, call: ast.Call) -> Monitor | None:
    """The step of a plateau schedule."""
    owner, name = method(call)
    if name != "step" or not call.args or not owner or not isinstance(call.func, ast.Attribute):
        return None
    built = origin(module, call.func.value).node
    if not isinstance(built, ast.Call):
        return None
    if module.full(built.func) != "torch.optim.lr_scheduler.ReduceLROnPlateau":
        return None
    mode = argument(built, 1, "mode")
    direction = "min" if mode is None else _text(mode)
    metric = dotted(call.args[0]) or _text(getattr(call.args[0], "slice", None))
    said = f'mode="{direction}"' + (DEFAULT if mode is None else "")
    return _monitor(module.location(call), "ReduceLROnPlateau", metric, direction, said)


def _monitor(place: Location, follower: str, metric: str, mode: str, said: str) -> Monitor | None:
    meant = meaning(metric)
    if not meant or mode not in ("min", "max"):
        return None
    return Monitor(follower, metric, "lower" if mode == "min" else "higher", meant, said, place)


def _text(node: ast.AST | None) -> str:
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return node.value if is_text else ""  # type: ignore[union-attr] # checked in the line above
