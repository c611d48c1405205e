"""ModuleUse: layers that a model's call runs without having registered them, or never runs."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mldoctor.errors import AbsentFact
from mldoctor.facts.recorded_calls import trained_calls
from mldoctor.findings import Location
from mldoctor.registry import Cost, fact
from mldoctor.trainee.trainee import Trainee

if TYPE_CHECKING:
    from torch import nn

    from mldoctor.trainee.tape import RootCall, Tape


@dataclass(frozen=True, slots=True)
class Unregistered:
    """Layers in a plain list, tuple or dict of a module, with parameters of their own.

    Attributes:
        name: the attribute (`model.blocks`), and `container` its type.
        layers: layers in it whose parameters the model does not list; `used` of them ran, with
            gradients on, when the recorded call was repeated.
        parameters: number of their parameter tensors; `held` of them are in an optimizer.
    """

    name: str
    container: str
    layers: int
    used: int
    parameters: int
    held: int
    built: Location | None


@dataclass(frozen=True, slots=True)
class Unreached:
    """A layer whose trainable parameters an optimizer holds and no observed loss reaches.

    Attributes:
        name: qualified by the user's own name of the model.
        ran: it ran when the recorded call was repeated.
        mentioned: the class that holds it uses the attribute outside of `__init__`.
        fresh: built in this run, of the user's own class, and no weights were loaded, copied or trained
            earlier: it has nothing to give but what it would learn.
        silenced: it ran in that call, and each time with gradients disabled.
    """

    name: str
    kind: str
    tensors: int
    ran: bool
    mentioned: bool
    built: Location | None
    fresh: bool = False
    silenced: bool = False


@dataclass(frozen=True, slots=True)
class ModuleUse:
    """Both, over every trained model; `tensors` is the number of their trainable parameters."""

    unregistered: tuple[Unregistered, ...]
    unreached: tuple[Unreached, ...]
    tensors: int


@fact(Cost.FORWARDS)
def module_use(trainee: Trainee) -> ModuleUse:
    """Repeat the recorded calls with gradients on and watch which layers run."""
    tape = trainee.tape
    hidden: list[Unregistered] = []
    unreached: list[Unreached] = []
    judged = tensors = 0
    for call in trained_calls(tape):
        boxes = _boxes(call.module)
        runs = _ran(call, [layer for _, _, layers in boxes for layer in layers])
        if runs is None:
            continue
        ran, silent = runs
        judged += 1
        name = tape.names.get(id(call.module), type(call.module).__name__)
        hidden.extend(_hidden(tape, name, box, ran) for box in boxes)
        unreached.extend(_unreached(trainee, name, call, ran, silent))
        tensors += sum(p.requires_grad for p in call.module.parameters())
    if not judged:
        raise AbsentFact("no call of a trained model could be repeated")
    return ModuleUse(tuple(hidden), tuple(unreached), tensors)


def _boxes(root: nn.Module) -> list[tuple[str, str, list[nn.Module]]]:
    """Attributes that are plain containers of layers the model does not know."""
    from torch import nn

    known = {id(p) for p in root.parameters()}
    found = []
    for path, module in root.named_modules():
        for attribute, value in vars(module).items():
            if attribute.startswith("_") or type(value) not in (list, tuple, dict):
                continue
            items = list(value.values()) if isinstance(value, dict) else list(value)
            layers = [
                item
                for item in items
                if isinstance(item, nn.Module)
                and any(id(p) not in known and p.requires_grad for p in item.parameters())
            ]
            if layers:
                place = f"{path}.{attribute}" if path else attribute
                found.append((place, type(value).__name__, layers))
    return found


def _ran(call: RootCall, hidden: list[nn.Module]) -> tuple[set[int], set[int]] | None:
    """Ids of the modules that ran with gradients on, and of those that ran only with gradients off.

    None when the call cannot be repeated.
    """
    import torch

    from mldoctor.trainee.batches import clone
    from mldoctor.trainee.quiet import quiet, takes_hooks

    ran: set[int] = set()
    off: set[int] = set()

    def note(module: nn.Module, _args: Any) -> None:
        (ran if torch.is_grad_enabled() else off).add(id(module))

    watched = {id(m): m for top in (call.module, *hidden) for m in top.modules() if takes_hooks(m)}
    handles = [m.register_forward_pre_hook(note) for m in watched.values()]
    try:
        with quiet(call.module), torch.enable_grad():
            call.module.train(call.training)
            args, kwargs = clone((call.args, call.kwargs))
            call.module(*args, **kwargs)
    except Exception:  # noqa: BLE001 - the user's code, on inputs that it may have altered
        return None
    finally:
        for handle in handles:
            handle.remove()
    return ran, off - ran


def _hidden(
    tape: Tape, name: str, box: tuple[str, str, list[nn.Module]], ran: set[int]
) -> Unregistered:
    place, container, layers = box
    parameters = {id(p) for layer in layers for p in layer.parameters()}
    held = {id(p) for o in tape.optimizers for g in o.param_groups for p in g["params"]}
    birth = tape.births.get(id(layers[0]))
    return Unregistered(
        name=f"{name}.{place}",
        container=container,
        layers=len(layers),
        used=sum(any(id(m) in ran for m in layer.modules()) for layer in layers),
        parameters=len(parameters),
        held=len(parameters & held),
        built=birth.site.location() if birth and birth.site else None,
    )


def _unreached(
    trainee: Trainee, name: str, call: RootCall, ran: set[int], silent: set[int]
) -> list[Unreached]:
    """Layers of the user's own classes none of whose parameters ever had a gradient."""
    from torch import nn

    tape = trainee.tape
    held = {id(p) for o in tape.optimizers for g in o.param_groups for p in g["params"]}
    touched = _touched(tape)
    found = []
    skipped: set[int] = set()
    for path, module in call.module.named_modules():
        if type(module).__module__.startswith(("torch.", "transformers", "timm", "torchvision")):
            continue
        for attribute, child in module.named_children():
            own = list(child.parameters())
            if (
                id(child) in skipped
                or isinstance(child, nn.ModuleList | nn.ModuleDict)
                or not own
                or not all(p.requires_grad and id(p) in held for p in own)
                or any(id(p) in touched for p in own)
            ):
                continue
            skipped.update(id(m) for m in child.modules())
            birth = tape.births.get(id(child))
            found.append(
                Unreached(
                    name=".".join(part for part in (name, path, attribute) if part),
                    kind=type(child).__name__,
                    tensors=len(own),
                    ran=any(id(m) in ran for m in child.modules()),
                    mentioned=_mentioned(type(module), attribute),
                    built=birth.site.location() if birth and birth.site else None,
                    fresh=birth is not None
                    and not (tape.loads or _of_library(child) or _given(trainee, call, own)),
                    silenced=id(child) in silent,
                )
            )
    return found


def _of_library(module: nn.Module) -> bool:
    """Whether a module comes from a library of models, which are mostly loaded with weights."""
    return any(
        kind.__module__.startswith(("transformers", "timm", "torchvision", "torchaudio"))
        for m in module.modules()
        for kind in type(m).__mro__
    )


def _given(trainee: Trainee, call: RootCall, own: list[nn.Parameter]) -> bool:
    """Whether parameters were trained by an earlier stage, or began as a copy of others."""
    import torch

    mine = {id(p) for p in own}
    if mine & set(trainee.tape.earlier):
        return True
    first = trainee.initial_value(max(own, key=torch.numel))
    others = [trainee.initial_value(p) for p in call.module.parameters() if id(p) not in mine]
    return first is not None and any(
        o is not None and o.shape == first.shape and torch.equal(o, first) for o in others
    )


def _touched(tape: Tape) -> set[int]:
    """Parameters that a loss reached, or that had a gradient before any step."""
    touched: set[int] = set()
    for event in tape.of("backward"):
        graph = event.details.get("graph")
        if graph is not None:
            touched |= graph.reached
    for event in tape.of("step"):
        if event.who is not None:
            groups = tape.optimizers[event.who].param_groups
            tensors = [p for group in groups for p in group["params"]]
            norms = event.details["norms"]
            touched |= {id(p) for p, n in zip(tensors, norms, strict=False) if n is not None}
    return touched


def _mentioned(kind: type, attribute: str) -> bool:
    """Whether the class may use the attribute outside of `__init__`; True when it cannot be read."""
    try:
        source = inspect.getsource(kind)
        built = inspect.getsource(vars(kind)["__init__"]) if "__init__" in vars(kind) else ""
    except (OSError, TypeError):
        return True
    rest = source.replace(built, "")
    if re.search(r"getattr|named_|\.children\(|\.modules\(|_modules", rest):
        return True
    return re.search(rf"\.{re.escape(attribute)}\b", rest) is not None
