"""BatchStatistics: what the batch normalisations of the models in training see and keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.recorded_calls import repeat, trained_calls
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import nn

    from mldoctor.trainee.tape import RootCall


@dataclass(frozen=True, slots=True)
class Normalisation:
    """One batch normalisation of a trained model.

    Attributes:
        training: it normalises by the batch in the training call.
        values: values per channel in the latest training call, None when it did not run.
        frozen: its gain and bias require no gradient.
        drift: largest change of its running mean, in its own running deviations before training.
        built: where it was built.
    """

    name: str
    training: bool
    values: int | None
    frozen: bool
    drift: float
    built: Location | None


@dataclass(frozen=True, slots=True)
class BatchStatistics:
    """Every batch normalisation, and the batch sizes of the loaders that train."""

    rows: tuple[Normalisation, ...]
    batch_sizes: tuple[int, ...]
    updates: int


@fact(Cost.FORWARDS)
def batch_statistics(trainee: Trainee) -> BatchStatistics:
    """Repeat the recorded calls in their own mode and count what each normalisation sees."""
    from torch.nn.modules.batchnorm import _BatchNorm

    tape = trainee.tape
    rows = []
    for call in trained_calls(tape):
        norms = {p: m for p, m in call.module.named_modules() if isinstance(m, _BatchNorm)}
        if not norms:
            continue
        modes = {p: m.training for p, m in norms.items()}
        values = _values(call, list(norms.values()))
        model = tape.names.get(id(call.module), type(call.module).__name__)
        for path, module in norms.items():
            birth = tape.births.get(id(module))
            rows.append(
                Normalisation(
                    name=f"{model}.{path}" if path else model,
                    training=modes[path],
                    values=values.get(id(module)),
                    frozen=module.weight is not None and not module.weight.requires_grad,
                    drift=_drift(trainee, module),
                    built=birth.site.location() if birth and birth.site else None,
                )
            )
    if not rows:
        raise AbsentFact("no trained model has a batch normalisation")
    sizes = [i.batch_size for i in tape.loaders if i.trained and i.batch_size]
    return BatchStatistics(tuple(rows), tuple(sizes), tape.updates)


def _values(call: RootCall, norms: list[nn.Module]) -> dict[int, int]:
    """Values per channel that each normalisation is given."""
    seen: dict[int, int] = {}

    def note(module: nn.Module, args: Any) -> None:
        if args and hasattr(args[0], "numel") and args[0].dim() > 1:
            seen[id(module)] = args[0].numel() // max(1, args[0].shape[1])

    handles = [m.register_forward_pre_hook(note) for m in norms]
    try:
        repeat(call)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _drift(trainee: Trainee, module: Any) -> float:
    """Change of the running mean since the first update, in running deviations of that time."""
    if module.running_mean is None:
        return 0.0
    mean = trainee.initial_value(module.running_mean)
    variance = trainee.initial_value(module.running_var)
    if mean is None or variance is None or mean.shape != module.running_mean.shape:
        return 0.0
    moved = (module.running_mean - mean).abs() / (variance + module.eps).sqrt()
    return float(moved.max())
