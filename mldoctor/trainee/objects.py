"""Examine objects in Python instead of a script.

The objects are put into a plain training loop of our own (or into their own trainer's), which then
is the trainee like any script's. Afterwards model, optimizer and random state are what they were.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mldoctor.errors import MldoctorError
from mldoctor.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import torch
    from torch import Tensor, nn

    from mldoctor.findings import Report

EPOCHS = 1000
"""The loop is ended by the examination, not by its length."""


def check(
    model: Any,
    train_loader: Iterable[Any] | None = None,
    val_loader: Iterable[Any] | None = None,
    *,
    loss_fn: Callable[..., Tensor] | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    **settings: Any,
) -> Report:
    """Examine a model and its data, or a trainer, in this process.

    Args:
        model: an `nn.Module`, a `transformers.Trainer`, or a `LightningModule` (then
            `train_loader` may be its datamodule).
        train_loader: yields `(inputs, targets)` pairs, or dicts for models that compute their own
            loss (Hugging Face).
        val_loader: evaluated after each epoch, without gradients, in eval mode.
        loss_fn: called as `loss_fn(prediction, target)`; cross-entropy for integer targets and
            mean squared error for others when left out.
        optimizer: over the parameters of `model`; AdamW at 1e-3 when left out.
        settings: any field of `mldoctor.settings.Settings`, such as `budget=30`.

    Returns:
        The report. Model, optimizer, modes and random state are restored.

    Raises:
        MldoctorError: when the objects cannot be trained as given.
    """
    from mldoctor import versions
    from mldoctor.examine import judge
    from mldoctor.observe import examine_program
    from mldoctor.registry import select

    chosen_settings = Settings(**settings)
    program, name = _program(model, train_loader, val_loader, loss_fn, optimizer)
    chosen = select(
        (*chosen_settings.select, *chosen_settings.extend_select), chosen_settings.ignore
    )
    with _restored(model, optimizer), _scratch():
        record = examine_program(program, chosen, chosen_settings, lambda _message: None)
    report = judge(record, chosen, chosen_settings.probes, name)
    return replace(report, command=("mldoctor.check", name), versions=versions.every())


def _program(
    model: Any,
    train_loader: Any,
    val_loader: Any,
    loss_fn: Callable[..., Tensor] | None,
    optimizer: torch.optim.Optimizer | None,
) -> tuple[Callable[[], None], str]:
    from torch import nn

    kind = type(model).__name__
    kinds = {base.__name__: base.__module__.split(".")[0] for base in type(model).__mro__}
    if kinds.get("Trainer") == "transformers":
        return model.train, kind
    if kinds.get("LightningModule") in ("lightning", "pytorch_lightning"):
        return _lightning(model, train_loader, val_loader), kind
    if not isinstance(model, nn.Module):
        raise MldoctorError(
            f"cannot examine a {kind}; expected an nn.Module, a transformers.Trainer "
            "or a LightningModule"
        )
    if train_loader is None:
        raise MldoctorError("a plain nn.Module needs a train_loader: check(model, train_loader)")
    steps = optimizer or _default_optimizer(model)
    return lambda: _loop(model, train_loader, val_loader, loss_fn, steps), kind


def _default_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    import torch

    return torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)


def _lightning(module: Any, data: Any, val_loader: Any) -> Callable[[], None]:
    from importlib import import_module

    base = next(b for b in type(module).__mro__ if b.__name__ == "LightningModule")
    trainer_class = import_module(f"{base.__module__.split('.')[0]}.pytorch").Trainer

    def fit() -> None:
        trainer = trainer_class(
            max_epochs=EPOCHS,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        if hasattr(data, "train_dataloader"):
            trainer.fit(module, datamodule=data)
        else:
            trainer.fit(module, data, val_loader)

    return fit


def _loop(
    model: nn.Module,
    train_loader: Iterable[Any],
    val_loader: Iterable[Any] | None,
    loss_fn: Callable[..., Tensor] | None,
    optimizer: torch.optim.Optimizer,
) -> None:
    import torch

    training = model.training
    for _ in range(EPOCHS):
        model.train(training)
        for batch in train_loader:
            optimizer.zero_grad()
            loss = _loss(model, batch, loss_fn)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if val_loader is not None:
            model.eval()
            with torch.no_grad():
                for batch in val_loader:
                    _loss(model, batch, loss_fn)


def _loss(model: nn.Module, batch: Any, loss_fn: Callable[..., Tensor] | None) -> Tensor:
    from collections.abc import Mapping

    from torch.nn import functional

    device = next((p.device for p in model.parameters()), None)

    def move(value: Any) -> Any:
        return value.to(device) if hasattr(value, "to") and device is not None else value

    if isinstance(batch, Mapping):
        output = model(**{k: move(v) for k, v in batch.items()})
        if getattr(output, "loss", None) is None:
            raise MldoctorError("the model was given a dict and returned no loss")
        loss: Tensor = output.loss
        return loss
    if not isinstance(batch, list | tuple) or len(batch) < 2:  # noqa: PLR2004 - inputs and targets
        raise MldoctorError(
            f"a batch is a {type(batch).__name__}; expected (inputs, targets) or a dict"
        )
    *inputs, target = (move(part) for part in batch)
    prediction = model(*inputs)
    if loss_fn is not None:
        return loss_fn(prediction, target)
    if target.is_floating_point():
        return functional.mse_loss(prediction, target)
    return functional.cross_entropy(prediction, target)


@contextmanager
def _restored(model: Any, optimizer: torch.optim.Optimizer | None) -> Iterator[None]:
    """Put model, optimizer and random state back, bit for bit."""
    from torch import nn

    from mldoctor.trainee.snapshot import Snapshot

    module = model if isinstance(model, nn.Module) else getattr(model, "model", None)
    modules = [module] if isinstance(module, nn.Module) else []
    optimizers = [optimizer] if optimizer is not None else []
    gradients = [(p, p.grad) for m in modules for p in m.parameters()]
    for parameter, _ in gradients:
        parameter.grad = None
    before = Snapshot.take(modules, optimizers)
    try:
        yield
    finally:
        before.restore(modules, optimizers)
        for parameter, gradient in gradients:
            parameter.grad = gradient


@contextmanager
def _scratch() -> Iterator[None]:
    """Let whatever a trainer writes land in a folder that is removed."""
    import tempfile
    from pathlib import Path

    from mldoctor.trainee.sandbox import Sandbox

    with (
        tempfile.TemporaryDirectory(prefix="mldoctor-") as folder,
        Sandbox(Path(folder), Path.cwd()),
    ):
        yield
