"""Recorders: global hooks and patches that write the tape and hand over control.

Everything installed here is removed again by `Recorder.remove`. Recorders only look: the script
gets the same values, in the same order, with the same random numbers, as without them.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

import greenlet
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules import module as module_hooks
from torch.optim import lr_scheduler
from torch.optim import optimizer as optimizer_hooks
from torch.utils.data import DataLoader

from mldoctor.trainee import gradients, graph, sites
from mldoctor.trainee.names import name_in_frames
from mldoctor.trainee.tape import Birth, Event, Kind, LoaderInfo, LossCall, RootCall, Tape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOSS_FUNCTIONS = (
    "cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "ctc_loss",
    "gaussian_nll_loss", "poisson_nll_loss", "soft_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "multi_margin_loss", "triplet_margin_loss",
    "margin_ranking_loss", "cosine_embedding_loss", "hinge_embedding_loss",
)  # fmt: skip


class Control:
    """What the driver decides at the script's control points. The default lets everything run."""

    def next_batch(self, loader: int, real: Iterator[Any]) -> Any:
        """Answer a loop's request for a batch of loader number `loader`."""
        del loader
        return next(real)

    def before_step(self, optimizer: int) -> None:
        """An optimizer is about to step."""

    def after_step(self, optimizer: int) -> None:
        """An optimizer has stepped."""

    def after_backward(self, event: Event) -> None:
        """A loss has been back-propagated; `event` holds its value."""


class WatchedIterator:
    """A loader's iterator whose `next` is a control point."""

    def __init__(self, recorder: Recorder, loader: int, real: Any) -> None:
        self._recorder, self._loader, self._real = recorder, loader, real

    def __iter__(self) -> WatchedIterator:
        return self

    def __next__(self) -> Any:
        return self._recorder.request(self._loader, self._real)

    def __len__(self) -> int:
        return len(self._real)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Recorder:
    """Installs the recorders for one script greenlet and writes its tape."""

    def __init__(self, tape: Tape, control: Control) -> None:
        self.tape = tape
        self.control = control
        self.script: greenlet.greenlet | None = None
        self._undo: list[Callable[[], None]] = []
        self._process = os.getpid()
        self._thread = threading.get_ident()
        self.forwards = 0
        self.calls: list[LossCall] = []
        self._depth = 0
        self._in_backward = False
        self._in_step = False
        self._in_loss = False
        self._stepping: torch.optim.Optimizer | None = None
        self._after_backward = False
        self._left: dict[int, list[float | None]] = {}
        self._scaled: dict[int, float] = {}
        self._outputs: dict[int, tuple[weakref.ref[Tensor], nn.Module]] = {}
        self._last_leaf: nn.Module | None = None

    # -- installing and removing -------------------------------------------------------------

    def install(self) -> None:
        """Put every hook and patch in place."""
        self._patch(DataLoader, "__init__", self._loader_init)
        self._patch(DataLoader, "__iter__", self._loader_iter)
        self._patch(torch.optim.Optimizer, "__init__", self._optimizer_init)
        self._patch(torch.optim.Optimizer, "zero_grad", self._optimizer_zero_grad)
        self._patch(nn.Module, "__init__", self._module_init)
        self._patch(nn.Module, "zero_grad", self._module_zero_grad)
        self._patch(lr_scheduler.LRScheduler, "__init__", self._scheduler_init)
        for kind in _subclasses(lr_scheduler.LRScheduler):
            if "step" in vars(kind):
                self._patch(kind, "step", self._scheduler_step)
        self._patch(torch.amp.GradScaler, "__init__", self._scaler_init)
        self._patch(torch.amp.GradScaler, "scale", self._scaler_scale)
        self._patch(torch.amp.GradScaler, "unscale_", self._scaler_unscale)
        self._patch(torch.autograd, "backward", self._backward)
        for holder in (nn.utils, nn.utils.clip_grad):
            self._patch(holder, "clip_grad_norm_", self._clip("norm"))
            self._patch(holder, "clip_grad_value_", self._clip("value"))
        for name in LOSS_FUNCTIONS:
            self._patch(functional, name, self._loss(name))
        handles = [
            optimizer_hooks.register_optimizer_step_pre_hook(self._before_step),
            optimizer_hooks.register_optimizer_step_post_hook(self._after_step),
            module_hooks.register_module_forward_pre_hook(self._before_forward),
            module_hooks.register_module_forward_hook(
                self._after_forward, with_kwargs=True, always_call=True
            ),
        ]
        self._undo.extend(handle.remove for handle in handles)

    def remove(self) -> None:
        """Take every hook and patch away again."""
        while self._undo:
            self._undo.pop()()

    def _patch(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        original = getattr(owner, name)
        replacement = functools.wraps(original)(make(original))
        own = name in vars(owner)
        setattr(owner, name, replacement)

        def undo() -> None:
            if own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)

        self._undo.append(undo)

    def live(self) -> bool:
        """Whether the code that runs now is the script itself, in its own process and thread."""
        return (
            self.script is not None
            and greenlet.getcurrent() is self.script
            and os.getpid() == self._process
            and threading.get_ident() == self._thread
            and not torch.compiler.is_compiling()
        )

    def preparing(self) -> bool:
        """Whether the script makes its next batch: outside of modules, steps and backwards."""
        return self.live() and not (
            self._depth or self._in_backward or self._in_step or self._after_backward
        )

    def _event(self, kind: Kind, **values: Any) -> Event:
        event = Event(kind, self.tape.updates, self.tape.cycle, sites.current_site(), **values)
        if self.tape.recording:
            self.tape.events.append(event)
        return event

    # -- loaders -----------------------------------------------------------------------------

    def _loader_init(self, original: Any) -> Any:
        def init(loader: Any, *args: Any, **kwargs: Any) -> None:
            original(loader, *args, **kwargs)
            if self.live():
                self._loader_index(loader)

        return init

    def _loader_index(self, loader: Any) -> int:
        for index, info in enumerate(self.tape.loaders):
            if info.loader is loader:
                return index
        # A loader that the script builds and drops again is none of its loaders: only those that
        # are read are kept alive.
        size = getattr(loader, "batch_size", None)
        self.tape.loaders.append(
            LoaderInfo(weakref.ref(loader), sites.current_site(), batch_size=size or None)
        )
        return len(self.tape.loaders) - 1

    def _loader_iter(self, original: Any) -> Any:
        def iterate(loader: Any) -> Any:
            real = original(loader)
            if not self.live():
                return real
            index = self._loader_index(loader)
            self.tape.loaders[index].iterators += 1
            self.tape.loaders[index].in_use = loader
            return WatchedIterator(self, index, real)

        return iterate

    def request(self, loader: int, real: Any) -> Any:
        """A loop asks loader number `loader` for its next batch."""
        if not self.live():
            return next(real)
        info = self.tape.loaders[loader]
        info.requests += 1
        event = self._event("batch", who=loader, details={"grad": torch.is_grad_enabled()})
        try:
            return self.control.next_batch(loader, real)
        except StopIteration:
            info.ends += 1
            event.details["end"] = True
            raise

    # -- optimizers, schedulers, scalers -------------------------------------------------------

    def _optimizer_init(self, original: Any) -> Any:
        def init(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            original(optimizer, *args, **kwargs)
            if self.live():
                self._optimizer_index(optimizer)

        return init

    def _optimizer_index(self, optimizer: Any) -> int:
        for index, known in enumerate(self.tape.optimizers):
            if known is optimizer:
                return index
        self.tape.clock += 1
        self.tape.optimizers.append(optimizer)
        self.tape.optimizer_sites.append(sites.current_site())
        self.tape.optimizer_born.append(self.tape.clock)
        self.tape.optimizer_steps.append(0)
        self.tape.planned_rates.append(
            [float(group.get("lr", 0.0)) for group in optimizer.param_groups]
        )
        return len(self.tape.optimizers) - 1

    def _optimizer_zero_grad(self, original: Any) -> Any:
        def zero_grad(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if self.live() and not self._in_step:
                self._event("zero_grad", who=self._optimizer_index(optimizer))
            return original(optimizer, *args, **kwargs)

        return zero_grad

    def _module_zero_grad(self, original: Any) -> Any:
        def zero_grad(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if self.live():
                mine = {id(p) for p in module.parameters()}
                covered = [
                    index
                    for index, optimizer in enumerate(self.tape.optimizers)
                    if any(id(p) in mine for g in optimizer.param_groups for p in g["params"])
                ]
                self._event("zero_grad", details={"optimizers": covered})
            return original(module, *args, **kwargs)

        return zero_grad

    def _scheduler_init(self, original: Any) -> Any:
        def init(scheduler: Any, *args: Any, **kwargs: Any) -> None:
            if self.live():
                self.tape.schedulers.append(scheduler)
            original(scheduler, *args, **kwargs)

        return init

    def _scheduler_step(self, original: Any) -> Any:
        def step(scheduler: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(scheduler, *args, **kwargs)
            if self.live() and scheduler in self.tape.schedulers:
                rates = [float(g["lr"]) for g in scheduler.optimizer.param_groups]
                self._event(
                    "scheduler",
                    who=self.tape.schedulers.index(scheduler),
                    details={"rates": rates, "class": type(scheduler).__name__},
                )
            return result

        return step

    def _scaler_init(self, original: Any) -> Any:
        def init(scaler: Any, *args: Any, **kwargs: Any) -> None:
            original(scaler, *args, **kwargs)
            if self.live():
                self.tape.scalers.append(scaler)

        return init

    def _scaler_scale(self, original: Any) -> Any:
        def scale(scaler: Any, outputs: Any) -> Any:
            result = original(scaler, outputs)
            if self.live() and isinstance(outputs, Tensor) and outputs.numel() == 1:
                self._scaled = {id(result): float(outputs.detach())}
                self._event("scale", value=float(scaler.get_scale()))
            return result

        return scale

    def _scaler_unscale(self, original: Any) -> Any:
        def unscale(scaler: Any, optimizer: Any) -> Any:
            if self.live():
                self._event("unscale", who=self._optimizer_index(optimizer))
            return original(scaler, optimizer)

        return unscale

    def _before_step(self, optimizer: Any, _args: Any, _kwargs: Any) -> None:
        if not self.live() or self._in_step:
            return
        index = self._optimizer_index(optimizer)
        self._in_step = True
        self._stepping = optimizer
        if self.tape.recording:
            details = gradients.at_step(optimizer)
            left = self._left.get(index)
            details["rewritten"] = left is not None and gradients.differ(
                left, gradients.weight_norms(optimizer)
            )
            self._event("step", who=index, details=details)
        self.control.before_step(index)

    def _after_step(self, optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
        if not self.live() or self._stepping is not optimizer:
            return  # not the script's own step: one optimizer inside another, or a treatment
        self._stepping = None
        self._in_step = False
        self._after_backward = False
        index = self._optimizer_index(optimizer)
        if self.tape.recording:
            self._left[index] = gradients.weight_norms(optimizer)
        self.tape.optimizer_steps[index] += 1
        self.tape.updates = max(self.tape.optimizer_steps)
        self.control.after_step(index)

    # -- models --------------------------------------------------------------------------------

    def _module_init(self, original: Any) -> Any:
        def init(module: nn.Module, *args: Any, **kwargs: Any) -> None:
            original(module, *args, **kwargs)
            if self.live():
                self.tape.clock += 1
                self.tape.births[id(module)] = Birth(self.tape.clock, sites.current_site())

        return init

    def _before_forward(self, module: nn.Module, _args: Any) -> None:
        if torch.compiler.is_compiling() or not self.live() or self._in_backward:
            return
        self._depth += 1
        if self._depth == 1 and any(True for _ in module.parameters()):
            self.forwards += 1
            self._event(
                "forward",
                who=self._root_index(module),
                details={"training": module.training, "grad": torch.is_grad_enabled()},
            )

    def _root_index(self, module: nn.Module) -> int:
        for index, known in enumerate(self.tape.roots):
            if known is module:
                return index
        self.tape.roots.append(module)
        self.tape.names[id(module)] = name_in_frames(module, sys._getframe(1))  # noqa: SLF001 - see sites
        return len(self.tape.roots) - 1

    def _after_forward(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if torch.compiler.is_compiling() or not self.live() or self._in_backward:
            return
        self._depth = max(0, self._depth - 1)
        if not self.tape.recording or not torch.is_grad_enabled():
            return
        if self._depth == 0 and any(module is root for root in self.tape.roots):
            self.tape.root_calls[self._root_index(module)] = RootCall(
                module, args, dict(kwargs), sites.current_site(), module.training
            )
        if _is_layer(module):
            self._last_leaf = module
        if self._depth and isinstance(output, Tensor) and output.numel():
            self._note_output(module, output)

    def _note_output(self, module: nn.Module, output: Tensor) -> None:
        """Remember which module made a tensor: the innermost one, where a wrapper passes it on."""
        made = self._outputs.get(output.data_ptr())
        if made is not None and made[0]() is output:
            return
        if any(True for _ in module.parameters()):
            if len(self._outputs) > 256:  # noqa: PLR2004 - only the latest layers matter
                self._outputs.clear()
            self._outputs[output.data_ptr()] = (weakref.ref(output), module)

    def _maker(self, prediction: Tensor) -> nn.Module | None:
        """The module that made the values of `prediction`, else the layer that ran last."""
        made = self._outputs.get(prediction.data_ptr())
        return made[1] if made is not None else self._last_leaf

    # -- losses and gradients --------------------------------------------------------------------

    def _loss(self, name: str) -> Callable[[Any], Any]:
        def make(original: Any) -> Any:
            def loss(*args: Any, **kwargs: Any) -> Any:
                if torch.compiler.is_compiling() or self._in_loss or not self.live():
                    return original(*args, **kwargs)
                self._in_loss = True
                try:
                    return self._record_loss(name, original, args, kwargs)
                finally:
                    self._in_loss = False

            return loss

        return make

    def _record_loss(self, name: str, original: Any, args: Any, kwargs: Any) -> Any:
        given = dict(zip(_LOSS_PARAMETERS.get(name, ("input", "target")), args, strict=False))
        given.update(kwargs)
        prediction = given.pop("input", given.pop("log_probs", None))
        target = given.pop("target", given.pop("targets", None))
        call = None
        if isinstance(prediction, Tensor):
            call = LossCall(
                function=name,
                site=sites.current_site(),
                update=self.tape.updates,
                prediction=prediction.detach(),
                target=target.detach() if isinstance(target, Tensor) else None,
                options={k: v.detach() if isinstance(v, Tensor) else v for k, v in given.items()},
                grad=prediction.requires_grad and torch.is_grad_enabled(),
                training=torch.is_grad_enabled(),
                head=self._maker(prediction),
            )
            self._keep(call)
        try:
            value = original(*args, **kwargs)
        except Exception as error:
            if call is not None:
                call.error = f"{type(error).__name__}: {error}"
            raise
        if call is not None and isinstance(value, Tensor) and value.numel() == 1:
            call.value = float(value.detach())
        return value

    def _keep(self, call: LossCall) -> None:
        """Keep the latest calls; older ones lose their tensors so that memory stays bounded."""
        kept = [self.calls, self.tape.losses] if self.tape.recording else [self.calls]
        for calls in kept:
            calls.append(call)
            if len(calls) > 64:  # noqa: PLR2004 - a few updates of any loop
                del calls[: len(calls) - 64]

    def _backward(self, original: Any) -> Any:
        def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            if self._in_backward or not self.live():
                return original(tensors, *args, **kwargs)
            first = tensors[0] if isinstance(tensors, list | tuple) and tensors else tensors
            event = self._event("backward")
            if isinstance(first, Tensor):
                if first.numel() == 1:
                    event.value = self._scaled.get(id(first), float(first.detach()))
                event.details["requires_grad"] = first.requires_grad
                if self.tape.recording:
                    event.details.update(gradients.at_backward(first, self.tape))
                    self._note_hand_written(first)
                    self._note_heads()
            self._in_backward = True
            try:
                result = original(tensors, *args, **kwargs)
            except Exception as error:
                event.error = f"{type(error).__name__}: {error}"
                raise
            finally:
                self._in_backward = False
                self._after_backward = True
            self.control.after_backward(event)
            return result

        return backward

    def _note_hand_written(self, loss: Tensor) -> None:
        """A class loss made of a log-softmax and an index leaves its parts in the graph only."""
        if self.tape.updates >= gradients.GRAPH_UPDATES or loss.grad_fn is None:
            return
        if any(c.grad and c.update == self.tape.updates for c in self.calls):
            return
        for scores, target in graph.picked_classes(loss.grad_fn):
            self._keep(
                LossCall(
                    function="nll_loss",
                    site=sites.current_site(),
                    update=self.tape.updates,
                    prediction=scores,
                    target=target,
                    options={},
                    grad=True,
                    training=True,
                    head=self._last_leaf,
                    value=float(loss.detach()) if loss.numel() == 1 else None,
                )
            )

    def _note_heads(self) -> None:
        """The layers whose outputs the losses of this backward were computed from."""
        recent = [c for c in self.calls if c.grad and c.update == self.tape.updates]
        heads = [c.head for c in recent] if recent else [self._last_leaf]
        for head in heads:
            if head is not None and not any(head is known for known in self.tape.heads):
                self.tape.heads.append(head)

    def _clip(self, how: str) -> Callable[[Any], Any]:
        def make(original: Any) -> Any:
            def clip(*args: Any, **kwargs: Any) -> Any:
                result = original(*args, **kwargs)
                if self.live():
                    given = [*args[1:2], kwargs.get("max_norm"), kwargs.get("clip_value")]
                    bound = next((float(b) for b in given if b is not None), None)
                    norm = float(result) if isinstance(result, Tensor) else None
                    self._event("clip", value=norm, details={"bound": bound, "how": how})
                return result

            return clip

        return make


_LOSS_PARAMETERS = {
    "ctc_loss": ("log_probs", "targets", "input_lengths", "target_lengths", "blank", "reduction"),
    "cross_entropy": ("input", "target", "weight", "size_average", "ignore_index"),
    "nll_loss": ("input", "target", "weight", "size_average", "ignore_index"),
    "triplet_margin_loss": ("anchor", "positive", "negative"),
    "cosine_embedding_loss": ("input1", "input2", "target"),
    "margin_ranking_loss": ("input1", "input2", "target"),
}


def _is_layer(module: nn.Module) -> bool:
    """Whether a module computes with parameters of its own and not through other layers."""
    if not any(True for _ in module.parameters(recurse=False)):
        return False
    return all(not any(True for _ in child.parameters()) for child in module.children())


def _subclasses(kind: type[Any]) -> list[type[Any]]:
    found = [kind]
    children: list[type[Any]] = kind.__subclasses__()
    for child in children:
        found.extend(_subclasses(child))
    return found
