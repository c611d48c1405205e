"""The recorder of optimizers and gradient scalers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import optimizer as optimizer_hooks

from mldoctor.trainee import gradients, movement, plan, retention

if TYPE_CHECKING:
    from mldoctor.trainee.recorders.session import Session
    from mldoctor.trainee.tape import Event

WIDEST = 4096
"""Elements of the largest matrix that are kept, to tell new weights from moved ones."""


class OptimizerRecorder:
    """Watches steps, cleared gradients and loss scaling."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._stepping: torch.optim.Optimizer | None = None
        self._left: dict[int, list[float | None]] = {}
        self._widest: dict[int, Tensor] = {}
        self._look: movement.Look | None = None
        self._event: Event | None = None

    def install(self) -> None:
        """Hook the steps and patch what has no hook."""
        patch = self.session.patch
        patch(torch.optim.Optimizer, "__init__", self._optimizer_init)
        patch(torch.optim.Optimizer, "zero_grad", self._optimizer_zero_grad)
        patch(nn.Module, "zero_grad", self._module_zero_grad)
        patch(torch.amp.GradScaler, "__init__", self._scaler_init)
        patch(torch.amp.GradScaler, "scale", self._scaler_scale)
        patch(torch.amp.GradScaler, "unscale_", self._scaler_unscale)
        patch(torch.amp.GradScaler, "step", self._scaler_step)
        self.session.keep(
            optimizer_hooks.register_optimizer_step_pre_hook(self._before_step),
            optimizer_hooks.register_optimizer_step_post_hook(self._after_step),
        )

    def _optimizer_init(self, original: Any) -> Any:
        def init(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            original(optimizer, *args, **kwargs)
            if self.session.live():
                self.session.control.built(optimizer)
                if not self.session.closed:
                    self.session.optimizer_index(optimizer)

        return init

    def _optimizer_zero_grad(self, original: Any) -> Any:
        def zero_grad(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if self.session.live() and not self.session.in_step:
                self.session.event("zero_grad", who=self.session.optimizer_index(optimizer))
            return original(optimizer, *args, **kwargs)

        return zero_grad

    def _module_zero_grad(self, original: Any) -> Any:
        def zero_grad(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            if self.session.live():
                mine = {id(p) for p in module.parameters()}
                covered = [
                    index
                    for index, optimizer in enumerate(self.session.tape.optimizers)
                    if any(id(p) in mine for g in optimizer.param_groups for p in g["params"])
                ]
                self.session.event("zero_grad", details={"optimizers": covered})
            return original(module, *args, **kwargs)

        return zero_grad

    def _scaler_init(self, original: Any) -> Any:
        def init(scaler: Any, *args: Any, **kwargs: Any) -> None:
            original(scaler, *args, **kwargs)
            if self.session.live():
                self.session.tape.scalers.append(scaler)

        return init

    def _scaler_scale(self, original: Any) -> Any:
        def scale(scaler: Any, outputs: Any) -> Any:
            result = original(scaler, outputs)
            if self.session.live() and isinstance(outputs, Tensor) and outputs.numel() == 1:
                self.session.scaled = {id(result): float(outputs.detach())}
                self.session.event("scale", value=float(scaler.get_scale()))
            return result

        return scale

    def _scaler_unscale(self, original: Any) -> Any:
        def unscale(scaler: Any, optimizer: Any) -> Any:
            if self.session.live():
                self.session.event("unscale", who=self.session.optimizer_index(optimizer))
            return original(scaler, optimizer)

        return unscale

    def _scaler_step(self, original: Any) -> Any:
        def step(scaler: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if not self.session.live() or not scaler.is_enabled():
                return original(scaler, optimizer, *args, **kwargs)
            index = self.session.optimizer_index(optimizer)
            event = self.session.event("scaler_step", who=index, value=float(scaler.get_scale()))
            before = self.session.tape.optimizer_steps[index]
            result = original(scaler, optimizer, *args, **kwargs)
            event.details["stepped"] = self.session.tape.optimizer_steps[index] > before
            return result

        return step

    def _before_step(self, optimizer: Any, _args: Any, _kwargs: Any) -> None:
        if not self.session.live() or self.session.in_step:
            return
        index = self.session.optimizer_index(optimizer)
        if self.session.tape.optimizer_steps[index] == 0:
            self._take_over(optimizer, index)
        self.session.in_step = True
        self._stepping = optimizer
        if self.session.tape.recording:
            details = gradients.at_step(optimizer)
            left = self._left.get(index)
            details["rewritten"] = left is not None and gradients.differ(
                left, gradients.weight_norms(optimizer)
            )
            self._observe(optimizer, index, details)
            self._event = self.session.event("step", who=index, details=details)
        self.session.control.before_step(index)

    def _observe(
        self, optimizer: torch.optim.Optimizer, index: int, details: dict[str, Any]
    ) -> None:
        """What else a step shows: its plan, the age of its state, what it is about to change."""
        steps = self.session.tape.optimizer_steps[index]
        if steps == 0:
            self.session.tape.plans[index] = plan.around(sys._getframe(1))  # noqa: SLF001 - see sites
            details["follows"] = self._follows(optimizer, index)
        details["age"] = _age(optimizer)
        before, widest = self._widest.get(index), _widest(optimizer)
        if details["rewritten"] and before is not None and widest is not None:
            details["kept"] = _cosine(before, movement.sampled(widest, WIDEST))
        if steps < movement.STEPS:
            self._look = movement.Look(optimizer)

    def _take_over(self, optimizer: torch.optim.Optimizer, index: int) -> None:
        """An optimizer that is built again over the same tensors goes on counting their updates."""
        tape = self.session.tape
        mine = _tensors(optimizer)
        for other in range(index - 1, -1, -1):
            if tape.optimizer_steps[other] and _tensors(tape.optimizers[other]) == mine:
                tape.followed[index] = other
                tape.inherited[index] = tape.optimizer_steps[other] + tape.inherited.get(other, 0)
                return

    def _follows(self, optimizer: torch.optim.Optimizer, index: int) -> int | None:
        """The optimizer whose place this one has taken, when the weights are as that one left them."""
        other = self.session.tape.followed.get(index)
        if other is None or other not in self._left:
            return None
        same = not gradients.differ(self._left[other], gradients.weight_norms(optimizer))
        return other if same else None

    def _after_step(self, optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
        if not self.session.live() or self._stepping is not optimizer:
            return  # not the script's own step: one optimizer inside another, or a treatment
        self._stepping = None
        self.session.in_step = False
        self.session.after_backward = False
        index = self.session.optimizer_index(optimizer)
        if self.session.tape.recording:
            self._left[index] = gradients.weight_norms(optimizer)
            widest = _widest(optimizer)
            if widest is not None:
                self._widest[index] = movement.sampled(widest, WIDEST)
            if self._look is not None and self._event is not None:
                self._event.details["moved"] = self._look.moved()
                self._look = None
        self.session.tape.optimizer_steps[index] += 1
        tape = self.session.tape
        tape.updates = max(tape.updates, tape.optimizer_steps[index] + tape.inherited.get(index, 0))
        if self.session.tape.recording and self.session.tape.updates in retention.MOMENTS:
            self.session.tape.alive.setdefault(self.session.tape.updates, retention.alive())
        self.session.control.after_step(index)


def _widest(optimizer: torch.optim.Optimizer) -> Tensor | None:
    """The largest weight matrix that an optimizer holds."""
    held = [p for group in optimizer.param_groups for p in group["params"]]
    plain = [p for p in held if p.dim() > 1 and p.layout is torch.strided]
    return max(plain, key=lambda p: p.numel(), default=None)


def _age(optimizer: torch.optim.Optimizer) -> float | None:
    """How many steps the state of an optimizer remembers, where it counts them."""
    for state in optimizer.state.values():
        if isinstance(state, dict) and "step" in state:
            return float(state["step"])
    return None


def _cosine(left: Tensor, right: Tensor) -> float | None:
    if left.shape != right.shape:
        return None
    a, b = left.float(), right.float()
    return float((a @ b) / (a.norm() * b.norm()).clamp_min(1e-30))


def _tensors(optimizer: torch.optim.Optimizer) -> list[int]:
    return [id(p) for group in optimizer.param_groups for p in group["params"]]
