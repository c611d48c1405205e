"""EvaluationNoise: do two evaluation passes over the same batch differ, and what makes them?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.recorded_calls import moved, repeat, trained_calls
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.sites import Site
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch.overrides import TorchFunctionMode

    from mldoctor.trainee.tape import RootCall

DROPOUTS = (
    "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout",
    "feature_dropout", "dropout_", "scaled_dot_product_attention",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NoisyModel:
    """Two eval passes of one model under different random states.

    Attributes:
        difference: largest relative difference of an output value.
        dropouts: dropout functions that were active in eval mode, each with its rate and line.
    """

    name: str
    site: Location | None
    difference: float
    dropouts: tuple[tuple[str, float, Location | None], ...]


@dataclass(frozen=True, slots=True)
class EvaluationNoise:
    """Every trained model whose call could be repeated."""

    models: tuple[NoisyModel, ...]


@fact(Cost.FORWARDS)
def evaluation_noise(trainee: Trainee) -> EvaluationNoise:
    """Repeat each recorded call twice in eval mode."""
    tape = trainee.tape
    rows = []
    for call in trained_calls(tape):
        seen: dict[tuple[str, float, Site | None], None] = {}
        with _watch(seen):
            first = repeat(call, seed=1)
        second = repeat(call, seed=2)
        if first is None or second is None or not first.tensors or not first.same_shapes(second):
            continue
        rows.append(
            NoisyModel(
                name=tape.names.get(id(call.module), type(call.module).__name__),
                site=call.site.location() if call.site else None,
                difference=moved(first, second),
                dropouts=tuple(
                    (name, rate, site.location() if site else None)
                    for name, rate, site in seen
                    if not _wanted(call, name, rate)
                ),
            )
        )
    if not rows:
        raise AbsentFact("no call of a trained model could be repeated")
    return EvaluationNoise(tuple(rows))


def _wanted(call: RootCall, name: str, rate: float) -> bool:
    """Whether a dropout layer stays on in eval mode: a class that overrides `train` or `eval`."""
    from torch import nn

    del name
    return any(
        isinstance(m, nn.modules.dropout._DropoutNd)  # noqa: SLF001 - the base class of every dropout
        and m.p == rate
        and (type(m).__module__ != nn.Dropout.__module__ or "train" in vars(m))
        for m in call.module.modules()
    )


def _watch(seen: dict[tuple[str, float, Site | None], None]) -> TorchFunctionMode:
    """Note every dropout function that is called with its randomness on."""
    from torch.overrides import TorchFunctionMode

    from mldoctor.trainee.sites import current_site

    class Watch(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            del types
            named = kwargs or {}
            name = getattr(func, "__name__", "")
            if name in DROPOUTS:
                rate = _active_rate(name, args, named)
                if rate:
                    seen[name, rate, current_site()] = None
            return func(*args, **named)

    return Watch()


def _active_rate(name: str, args: Any, named: Any) -> float:
    """The rate at which a dropout function drops in this call; 0 when it is off."""
    if name == "scaled_dot_product_attention":
        return float(named.get("dropout_p", args[4] if len(args) > 4 else 0.0))  # noqa: PLR2004 - its fifth parameter
    rate = named.get("p", args[1] if len(args) > 1 else 0.5)
    on = named.get("training", args[2] if len(args) > 2 else True)  # noqa: PLR2004 - its third parameter
    return float(rate) if on else 0.0
