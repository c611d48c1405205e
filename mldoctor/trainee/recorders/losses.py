"""The recorder of torch's loss functions: what each call was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from mldoctor.trainee import sites
from mldoctor.trainee.tape import LossCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from mldoctor.trainee.recorders.modules import ModuleRecorder
    from mldoctor.trainee.recorders.session import Session

LOSS_FUNCTIONS = (
    "cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits",
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "ctc_loss",
    "gaussian_nll_loss", "poisson_nll_loss", "soft_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "multi_margin_loss", "triplet_margin_loss",
    "margin_ranking_loss", "cosine_embedding_loss", "hinge_embedding_loss",
)  # fmt: skip

_LOSS_PARAMETERS = {
    "ctc_loss": ("log_probs", "targets", "input_lengths", "target_lengths", "blank", "reduction"),
    "cross_entropy": ("input", "target", "weight", "size_average", "ignore_index"),
    "nll_loss": ("input", "target", "weight", "size_average", "ignore_index"),
    "triplet_margin_loss": ("anchor", "positive", "negative"),
    "cosine_embedding_loss": ("input1", "input2", "target"),
    "margin_ranking_loss": ("input1", "input2", "target"),
}


class LossRecorder:
    """Watches the loss functions of torch.

    Attributes:
        calls: the latest calls, also those of driven updates.
    """

    def __init__(self, session: Session, modules: ModuleRecorder) -> None:
        self.session = session
        self.calls: list[LossCall] = []
        self._modules = modules
        self._in_loss = False

    def install(self) -> None:
        """Patch every loss function."""
        for name in LOSS_FUNCTIONS:
            self.session.patch(functional, name, self._loss(name))

    def _loss(self, name: str) -> Callable[[Any], Any]:
        def make(original: Any) -> Any:
            def loss(*args: Any, **kwargs: Any) -> Any:
                if torch.compiler.is_compiling() or self._in_loss or not self.session.live():
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
                update=self.session.tape.updates,
                prediction=prediction.detach(),
                target=target.detach() if isinstance(target, Tensor) else None,
                options={k: v.detach() if isinstance(v, Tensor) else v for k, v in given.items()},
                grad=prediction.requires_grad and torch.is_grad_enabled(),
                training=torch.is_grad_enabled(),
                head=self._modules.maker(prediction),
            )
            self.keep(call)
        try:
            value = original(*args, **kwargs)
        except Exception as error:
            if call is not None:
                call.error = f"{type(error).__name__}: {error}"
            raise
        if call is not None and isinstance(value, Tensor) and value.numel() == 1:
            call.value = float(value.detach())
        return value

    def keep(self, call: LossCall) -> None:
        """Keep the latest calls; older ones lose their tensors so that memory stays bounded."""
        kept = (
            [self.calls, self.session.tape.losses] if self.session.tape.recording else [self.calls]
        )
        for calls in kept:
            calls.append(call)
            if len(calls) > 64:  # noqa: PLR2004 - a few updates of any loop
                del calls[: len(calls) - 64]
