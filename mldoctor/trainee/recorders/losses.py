"""The recorder of torch's loss functions: what each call was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from mldoctor.trainee import gradients, graph, sites
from mldoctor.trainee.inputs import integer_inputs
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

_CLASS = ("input", "target", "weight", "size_average", "ignore_index", "reduce", "reduction")
_LOSS_PARAMETERS = {
    "ctc_loss": (
        "log_probs", "targets", "input_lengths", "target_lengths", "blank", "reduction",
        "zero_infinity",
    ),
    "cross_entropy": _CLASS,
    "nll_loss": _CLASS,
    "kl_div": ("input", "target", "size_average", "reduce", "reduction", "log_target"),
    "binary_cross_entropy": ("input", "target", "weight", "size_average", "reduce", "reduction"),
    "binary_cross_entropy_with_logits": (
        "input", "target", "weight", "size_average", "reduce", "reduction", "pos_weight",
    ),
    "mse_loss": ("input", "target", "size_average", "reduce", "reduction"),
    "l1_loss": ("input", "target", "size_average", "reduce", "reduction"),
    "triplet_margin_loss": ("anchor", "positive", "negative"),
    "cosine_embedding_loss": ("input1", "input2", "target"),
    "margin_ranking_loss": ("input1", "input2", "target"),
}  # fmt: skip

CALLS = 64
"""Calls that are kept: a few updates of any loop."""

KEPT_BYTES = 256 * 2**20
"""What their predictions may take: some batches of logits over a large vocabulary."""


class LossRecorder:
    """Watches the loss functions of torch.

    Attributes:
        calls: the latest calls, also those of driven updates.
        terms: calls since the latest backward with their values, in the first updates.
        scale: what a gradient scaler has multiplied the loss by that is being back-propagated.
    """

    def __init__(self, session: Session, modules: ModuleRecorder) -> None:
        self.session = session
        self.calls: list[LossCall] = []
        self.scale = 1.0
        self.terms: list[tuple[LossCall, Tensor]] = []
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
        if isinstance(target, Tensor):
            wanted = self.session.control.target(target)
            args = tuple(wanted if a is target else a for a in args)
            kwargs = {k: wanted if v is target else v for k, v in kwargs.items()}
            target = wanted
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
                target_grad=isinstance(target, Tensor) and target.requires_grad,
                origin=graph.origin(prediction),
                reshaped=(
                    graph.steps_reshaped(prediction)
                    if name == "ctc_loss"
                    else graph.classes_reshaped(prediction)
                ),
            )
            self.keep(call)
            self._watch(call, prediction)
        try:
            value = original(*args, **kwargs)
        except Exception as error:
            if call is not None:
                call.error = f"{type(error).__name__}: {error}"
            raise
        if call is not None and isinstance(value, Tensor) and value.numel() == 1:
            call.value = float(value.detach())
            if self._watching() and value.requires_grad and not value.is_leaf:
                self.terms.append((call, value))
                value.register_hook(self._note_weight(call))  # type: ignore[no-untyped-call]
        return value

    def _watching(self) -> bool:
        """Whether gradients are watched: in the first updates."""
        tape = self.session.tape
        return tape.recording and tape.updates < gradients.GRAPH_UPDATES

    def _watch(self, call: LossCall, prediction: Tensor) -> None:
        """Note the gradient that the script's own backward sends to the prediction."""
        if call.grad and self._watching() and not prediction.is_leaf:
            prediction.register_hook(self._note_pull(call))  # type: ignore[no-untyped-call]

    def _note_pull(self, call: LossCall) -> Callable[[Tensor], None]:
        axis = 1 if call.function in ("cross_entropy", "nll_loss") else -1
        dense = call.prediction.dim() < (2 if axis == 1 else 3)

        def note(gradient: Tensor) -> None:
            if self.session.in_backward:
                found = gradient.detach().abs() if dense else gradient.detach().norm(dim=axis)
                call.pull = found if call.pull is None else call.pull + found

        return note

    def _note_weight(self, call: LossCall) -> Callable[[Tensor], None]:
        def note(gradient: Tensor) -> None:
            if self.session.in_backward and gradient.numel() == 1:
                call.weights.append(float(gradient.detach()) / self.scale)

        return note

    def note_given(self) -> None:
        """After a backward: keep what says which position each entry of the losses belongs to."""
        tape = self.session.tape
        for call in tape.openings:
            if call.pull is not None and not call.given and call.update == tape.updates:
                call.given = [leaf.detach().clone() for _, _, leaf in integer_inputs(tape)]
                call.outputs = list(self._modules.pulls)
        self._modules.pulls.clear()
        self.terms.clear()

    def keep(self, call: LossCall) -> None:
        """Keep the latest calls; older ones are dropped so that memory stays bounded."""
        tape = self.session.tape
        for calls in (self.calls, tape.losses) if tape.recording else (self.calls,):
            calls.append(call)
            while len(calls) > 2 and (len(calls) > CALLS or _held(calls) > KEPT_BYTES):  # noqa: PLR2004 - two are always needed
                del calls[0]
        first = tape.recording and tape.updates < gradients.GRAPH_UPDATES
        if first and len(tape.openings) < CALLS and _held([*tape.openings, call]) <= KEPT_BYTES:
            tape.openings.append(call)


def _held(calls: list[LossCall]) -> int:
    return sum(call.prediction.nbytes for call in calls)
