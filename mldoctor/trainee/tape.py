"""The tape: what the training loop did, in order, each event with the user's line.

Recorders write it, facts read it. Events keep plain values; tensors are reduced to figures when
they are recorded, except for the few objects that experiments need (see `Observed`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import weakref
    from collections import Counter

    import torch
    from torch import Tensor, nn

    from mldoctor.trainee.plan import Plan
    from mldoctor.trainee.sites import Site

Kind = Literal[
    "batch", "forward", "loss", "scale", "backward", "unscale", "clip",
    "step", "zero_grad", "scheduler", "optimizer", "loader", "scaler_step", "seed", "derivative",
]  # fmt: skip


@dataclass(slots=True)
class Event:
    """One thing that happened.

    Attributes:
        update: how many optimizer steps had been completed when it happened.
        cycle: how many times the training loop had come round to its control point.
        who: index of the module, optimizer or loader concerned, in order of first appearance.
        value: the figure that belongs to the kind: the loss of a backward, the norm before a clip.
        details: further figures, by name.
        error: what the call raised, when it did.
    """

    kind: Kind
    update: int
    cycle: int
    site: Site | None
    who: int | None = None
    value: float | None = None
    details: dict[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass(slots=True)
class Likelihood:
    """One log-probability of values that are given, under a distribution that is learned.

    Attributes:
        signs: for each backward that reached it, 1 where it is raised for every value, -1 where it is
            lowered, 0 where it is both.
    """

    site: Site | None
    value: Tensor
    signs: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Birth:
    """When (on the tape's clock) and where in the user's code a module was built."""

    order: int
    site: Site | None


@dataclass(frozen=True, slots=True)
class Construction:
    """When and where a schedule was built; `chain` is every user line on the stack."""

    update: int
    site: Site | None
    chain: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class RandomMark:
    """The random generators as a root module was entered or left, as (name, figure) pairs."""

    update: int
    entering: bool
    states: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class KeptState:
    """A state dictionary that the script made between two updates.

    `widest` is its largest tensor, for as long as anything holds it; `before` are some of its values
    at that time.
    """

    widest: weakref.ref[Tensor]
    update: int
    site: Site | None
    before: Tensor


@dataclass(slots=True)
class LossCall:
    """A call of a loss function of torch: what it was given.

    `prediction` and `target` are the very tensors (detached) of this call; only the latest calls
    keep them.

    Attributes:
        target_grad: the target has a gradient.
        reshaped: the classes became the second axis of the prediction by a reshape; for the loss of
            CTC, time became the first one so.
        origin: operation that made the prediction, changes of shape left out: "layer", "softmax",
            "log-softmax", "sigmoid", torch's name of any other, "" without a graph.
        weights: derivative of the back-propagated loss by the value of this call, once for each
            backward that reached it; only watched in the first updates.
        pull: size of the gradient of each entry of the prediction, its classes or features taken
            together, likewise.
        given: integer and boolean tensors of at most two axes that the models were called with,
            for calls whose `pull` is known.
        outputs: size of the gradient of each entry of the sequences [batch, time, features] that
            the models returned, likewise.
    """

    function: str
    site: Site | None
    update: int
    prediction: Tensor
    target: Tensor | None
    options: dict[str, Any]
    grad: bool
    training: bool
    head: nn.Module | None = None
    value: float | None = None
    error: str = ""
    target_grad: bool = False
    origin: str = ""
    reshaped: bool = False
    weights: list[float] = field(default_factory=list)
    pull: Tensor | None = None
    given: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)


@dataclass(slots=True)
class LoaderInfo:
    """A DataLoader the script built or iterated, and how it was used.

    `known` refers to it weakly; `in_use` keeps it once it is read; `reader` is its latest iterator.
    `name` is what the script calls it, once any loader is read. `states` are the attributes of its
    dataset, each time that reading began.
    """

    known: weakref.ref[Any]
    site: Site | None
    requests: int = 0
    iterators: int = 0
    ends: int = 0
    trained: int = 0
    evaluated: int = 0
    prefetch: int = 0
    batch_size: int | None = None
    in_use: Any = None
    reader: weakref.ref[Any] | None = None
    name: str = ""
    states: set[frozenset[tuple[str, Any]]] = field(default_factory=set)

    def unread(self) -> LoaderInfo:
        """The same loader, before anything was read from it."""
        return LoaderInfo(self.known, self.site, batch_size=self.batch_size, name=self.name)

    @property
    def loader(self) -> Any:
        """The loader, or None when the script has dropped it without reading it."""
        return self.known()


@dataclass(slots=True)
class RootCall:
    """The latest call of a root module in the training loop: what experiments repeat."""

    module: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    site: Site | None
    training: bool


@dataclass(frozen=True, slots=True)
class Load:
    """A call of `load_state_dict`: shapes of the module's own tensors and of those it was given."""

    module: nn.Module
    own: dict[str, tuple[int, ...]]
    given: dict[str, tuple[int, ...]]
    site: Site | None


@dataclass(frozen=True, slots=True)
class Tie:
    """A module was given a parameter that another one had been given before."""

    first: weakref.ref[nn.Module]
    second: weakref.ref[nn.Module]
    site: Site | None


@dataclass(slots=True)
class Tape:
    """Everything recorded about one run of the script.

    Attributes:
        followed: for an optimizer that took the place of another, over the same tensors, that one;
            `inherited` are the steps that were taken before it.
        failed: the latest call of a root module in the training loop that raised.
        first_rows: a few rows of what each root module was given in its first call in training.
        evaluated: for each line that calls a root module without gradients, the module and a few
            rows of what it was given first and last.
        asked: for each of those lines, how often it was given the same rows, by their fingerprint.
        alive: operations in all graphs that existed after so many updates.
        carried: (update, id of a recurrent layer, whether the state it was given is the one it had
            returned before the latest step), for each call in training that was given a state.
        optimizer_paths: every user instruction on the stack as each optimizer was built.
        told: the samplers, by id, that were told which epoch begins.
        earlier: the tensors, by id, that optimizers of an earlier stage of the training held; empty
            for the first stage.
    """

    events: list[Event] = field(default_factory=list)
    losses: list[LossCall] = field(default_factory=list)
    openings: list[LossCall] = field(default_factory=list)
    likelihoods: list[Likelihood] = field(default_factory=list)
    updates: int = 0
    cycle: int = 0
    recording: bool = True
    roots: list[nn.Module] = field(default_factory=list)
    root_calls: dict[int, RootCall] = field(default_factory=dict)
    failed: RootCall | None = None
    optimizers: list[torch.optim.Optimizer] = field(default_factory=list)
    optimizer_sites: list[Site | None] = field(default_factory=list)
    optimizer_paths: list[tuple[tuple[str, int, int], ...]] = field(default_factory=list)
    optimizer_born: list[int] = field(default_factory=list)
    optimizer_steps: list[int] = field(default_factory=list)
    followed: dict[int, int] = field(default_factory=dict)
    inherited: dict[int, int] = field(default_factory=dict)
    planned_rates: list[list[float]] = field(default_factory=list)
    schedulers: list[Any] = field(default_factory=list)
    scheduler_births: list[Construction] = field(default_factory=list)
    plans: dict[int, Plan] = field(default_factory=dict)
    random: list[RandomMark] = field(default_factory=list)
    states: list[KeptState] = field(default_factory=list)
    saves: list[int] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)
    ties: list[Tie] = field(default_factory=list)
    first_rows: dict[int, Tensor | None] = field(default_factory=dict)
    evaluated: dict[Site | None, tuple[nn.Module, Tensor | None, Tensor | None]] = field(
        default_factory=dict
    )
    asked: dict[Site | None, Counter[int]] = field(default_factory=dict)
    alive: dict[int, int] = field(default_factory=dict)
    carried: list[tuple[int, int, bool]] = field(default_factory=list)
    scalers: list[Any] = field(default_factory=list)
    loaders: list[LoaderInfo] = field(default_factory=list)
    births: dict[int, Birth] = field(default_factory=dict)
    heads: list[nn.Module] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    earlier: dict[int, Tensor] = field(default_factory=dict)
    clock: int = 0
    told: set[int] = field(default_factory=set)

    def current(self) -> list[int]:
        """The optimizers that no other one has taken the place of."""
        gone = set(self.followed.values())
        return [index for index in range(len(self.optimizers)) if index not in gone]

    def next_stage(self, *kept: int) -> Tape:
        """An empty tape for the stage of the training that begins now.

        What was built earlier, and what was trained, stays known. Loaders keep their numbers: their
        iterators may be in use. Of the optimizers, those with the numbers in `kept` go on.
        """
        held = (p for o in self.optimizers for g in o.param_groups for p in g["params"])
        return Tape(
            optimizers=[self.optimizers[i] for i in kept],
            optimizer_sites=[self.optimizer_sites[i] for i in kept],
            optimizer_paths=[self.optimizer_paths[i] for i in kept],
            optimizer_born=[self.optimizer_born[i] for i in kept],
            optimizer_steps=[0 for _ in kept],
            planned_rates=[self.planned_rates[i] for i in kept],
            loaders=[info.unread() for info in self.loaders],
            births=self.births,
            loads=self.loads,
            ties=self.ties,
            scalers=self.scalers,
            earlier=self.earlier | {id(p): p for p in held},
            clock=self.clock,
        )

    def forget(self) -> None:
        """Begin anew in place: what was recorded so far was not the training.

        What was built and seeded, and which files were written, stays known.
        """
        kept = ("recording", "states", "saves", "told")
        known = {name: getattr(self, name) for name in kept}
        fresh = replace(self.next_stage(), events=self.of("seed"), **known)
        for each in fields(self):
            setattr(self, each.name, getattr(fresh, each.name))

    def of(self, *kinds: Kind) -> list[Event]:
        """The events of these kinds, in order."""
        return [event for event in self.events if event.kind in kinds]
