"""The recorder of optimizers, schedulers and gradient scalers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler
from torch.optim import optimizer as optimizer_hooks

from mldoctor.trainee import gradients

if TYPE_CHECKING:
    from mldoctor.trainee.recorders.session import Session


class OptimizerRecorder:
    """Watches steps, cleared gradients, schedules and loss scaling."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._stepping: torch.optim.Optimizer | None = None
        self._left: dict[int, list[float | None]] = {}

    def install(self) -> None:
        """Hook the steps and patch what has no hook."""
        patch = self.session.patch
        patch(torch.optim.Optimizer, "__init__", self._optimizer_init)
        patch(torch.optim.Optimizer, "zero_grad", self._optimizer_zero_grad)
        patch(nn.Module, "zero_grad", self._module_zero_grad)
        patch(lr_scheduler.LRScheduler, "__init__", self._scheduler_init)
        for kind in _subclasses(lr_scheduler.LRScheduler):
            if "step" in vars(kind):
                patch(kind, "step", self._scheduler_step)
        patch(torch.amp.GradScaler, "__init__", self._scaler_init)
        patch(torch.amp.GradScaler, "scale", self._scaler_scale)
        patch(torch.amp.GradScaler, "unscale_", self._scaler_unscale)
        self.session.keep(
            optimizer_hooks.register_optimizer_step_pre_hook(self._before_step),
            optimizer_hooks.register_optimizer_step_post_hook(self._after_step),
        )

    def _optimizer_init(self, original: Any) -> Any:
        def init(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            original(optimizer, *args, **kwargs)
            if self.session.live():
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

    def _scheduler_init(self, original: Any) -> Any:
        def init(scheduler: Any, *args: Any, **kwargs: Any) -> None:
            if self.session.live():
                self.session.tape.schedulers.append(scheduler)
            original(scheduler, *args, **kwargs)

        return init

    def _scheduler_step(self, original: Any) -> Any:
        def step(scheduler: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(scheduler, *args, **kwargs)
            if self.session.live() and scheduler in self.session.tape.schedulers:
                rates = [float(g["lr"]) for g in scheduler.optimizer.param_groups]
                self.session.event(
                    "scheduler",
                    who=self.session.tape.schedulers.index(scheduler),
                    details={"rates": rates, "class": type(scheduler).__name__},
                )
            return result

        return step

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

    def _before_step(self, optimizer: Any, _args: Any, _kwargs: Any) -> None:
        if not self.session.live() or self.session.in_step:
            return
        index = self.session.optimizer_index(optimizer)
        self.session.in_step = True
        self._stepping = optimizer
        if self.session.tape.recording:
            details = gradients.at_step(optimizer)
            left = self._left.get(index)
            details["rewritten"] = left is not None and gradients.differ(
                left, gradients.weight_norms(optimizer)
            )
            self.session.event("step", who=index, details=details)
        self.session.control.before_step(index)

    def _after_step(self, optimizer: torch.optim.Optimizer, _args: Any, _kwargs: Any) -> None:
        if not self.session.live() or self._stepping is not optimizer:
            return  # not the script's own step: one optimizer inside another, or a treatment
        self._stepping = None
        self.session.in_step = False
        self.session.after_backward = False
        index = self.session.optimizer_index(optimizer)
        if self.session.tape.recording:
            self._left[index] = gradients.weight_norms(optimizer)
        self.session.tape.optimizer_steps[index] += 1
        self.session.tape.updates = max(self.session.tape.optimizer_steps)
        self.session.control.after_step(index)


def _subclasses(kind: type[Any]) -> list[type[Any]]:
    found = [kind]
    children: list[type[Any]] = kind.__subclasses__()
    for child in children:
        found.extend(_subclasses(child))
    return found
