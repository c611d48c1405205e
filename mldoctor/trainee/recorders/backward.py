"""The recorder of backwards: the loss, the graph it hangs on, and clipped gradients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mldoctor.trainee import gradients, handwritten, sites, terms
from mldoctor.trainee.tape import LossCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from mldoctor.trainee.recorders.losses import LossRecorder
    from mldoctor.trainee.recorders.modules import ModuleRecorder
    from mldoctor.trainee.recorders.session import Session


class BackwardRecorder:
    """Watches back-propagation and what is done to the gradients before the step."""

    def __init__(self, session: Session, modules: ModuleRecorder, losses: LossRecorder) -> None:
        self.session = session
        self._modules = modules
        self._losses = losses

    def install(self) -> None:
        """Patch back-propagation and clipping."""
        self.session.patch(torch.autograd, "backward", self._backward)
        self.session.patch(torch.autograd, "grad", self._derivative)
        for holder in (nn.utils, nn.utils.clip_grad):
            self.session.patch(holder, "clip_grad_norm_", self._clip("norm"))
            self.session.patch(holder, "clip_grad_value_", self._clip("value"))

    def _backward(self, original: Any) -> Any:
        def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            if self.session.in_backward or not self.session.live():
                return original(tensors, *args, **kwargs)
            first = tensors[0] if isinstance(tensors, list | tuple) and tensors else tensors
            event = self.session.event("backward")
            if isinstance(first, Tensor):
                if first.numel() == 1:
                    event.value = self.session.scaled.get(id(first), float(first.detach()))
                event.details["requires_grad"] = first.requires_grad
                if self.session.tape.recording:
                    outputs = self._modules.outputs
                    event.details.update(gradients.at_backward(first, self.session.tape, outputs))
                    self._losses.scale = self._scale(first)
                    event.details["terms"] = self._terms(first)
                    self._note_hand_written(first)
                    self._note_heads()
            self.session.in_backward = True
            try:
                result = original(tensors, *args, **kwargs)
            except Exception as error:
                event.error = f"{type(error).__name__}: {error}"
                raise
            finally:
                self.session.in_backward = False
                self.session.after_backward = True
                if not (kwargs.get("retain_graph") or kwargs.get("create_graph")):
                    self._modules.outputs.clear()
            if self.session.tape.recording:
                self._losses.note_given()
            if self.session.tape.recording:
                event.details["given"] = gradients.present(self.session.tape)
            self.session.control.after_backward(event)
            return result

        return backward

    def _derivative(self, original: Any) -> Any:
        def grad(*args: Any, **kwargs: Any) -> Any:
            if self.session.live() and not self.session.in_backward:
                self.session.event("derivative")
            return original(*args, **kwargs)

        return grad

    def _terms(self, loss: Tensor) -> list[tuple[LossCall | None, float]]:
        """The norms of the gradients of the terms of this loss, where one may drown another."""
        tape = self.session.tape
        alone = not torch.distributed.is_available() or not torch.distributed.is_initialized()
        measured = tape.updates in terms.UPDATES and alone and self._losses.scale == 1.0
        if not measured or loss.grad_fn is None or loss.numel() != 1:
            return []
        if not terms.worth_measuring(tape, tape.updates):
            return []
        weights = [p for root in tape.roots for p in root.parameters() if p.requires_grad]
        return terms.gradient_norms(loss, self._losses.terms, weights)

    def _scale(self, loss: Tensor) -> float:
        """What a gradient scaler has multiplied this loss by."""
        unscaled = self.session.scaled.get(id(loss))
        return float(loss.detach()) / unscaled if unscaled else 1.0

    def _note_hand_written(self, loss: Tensor) -> None:
        """A loss that the script writes out leaves its parts in the graph only."""
        if loss.grad_fn is None:
            return
        if any(c.grad and c.update == self.session.tape.updates for c in self._losses.calls):
            return
        every = handwritten.written(loss.grad_fn)
        for found in every:
            call = LossCall(
                function=found.function,
                site=found.site or sites.current_site(),
                update=self.session.tape.updates,
                prediction=found.prediction,
                target=found.target,
                options={"written": "by hand"},
                grad=True,
                training=True,
                head=self._modules.last_layer,
                value=float(loss.detach()) if loss.numel() == 1 == len(every) else None,
            )
            self._losses.keep(call)
            if found.node is not None:
                found.node.register_prehook(self._note_sign(call))

    def _note_sign(self, call: LossCall) -> Callable[[Any], None]:
        """Note by how much the loss grows with the negative log-likelihood of the classes."""

        def note(gradients_: Any) -> None:
            gradient = gradients_[0]
            if gradient is not None and self.session.in_backward:
                one_sign = bool((gradient > 0).all()) or bool((gradient <= 0).all())
                call.weights.append(
                    -float(gradient.sum()) / self._losses.scale if one_sign else 0.0
                )

        return note

    def _note_heads(self) -> None:
        """The layers whose outputs the losses of this backward were computed from."""
        recent = [c for c in self._losses.calls if c.grad and c.update == self.session.tape.updates]
        heads = [c.head for c in recent] if recent else [self._modules.last_layer]
        for head in heads:
            if head is not None and not any(head is known for known in self.session.tape.heads):
                self.session.tape.heads.append(head)

    def _clip(self, how: str) -> Callable[[Any], Any]:
        def make(original: Any) -> Any:
            def clip(*args: Any, **kwargs: Any) -> Any:
                given = args[0] if args else kwargs.get("parameters")
                if isinstance(given, Iterator):
                    given = list(given)  # looked at twice: by the clip and by the tape
                    args, kwargs = (given, *args[1:]), _without(kwargs, "parameters")
                clipped = [given] if isinstance(given, Tensor) else given
                result = original(*args, **kwargs)
                if self.session.live():
                    bounds = [*args[1:2], kwargs.get("max_norm"), kwargs.get("clip_value")]
                    bound = next((float(b) for b in bounds if b is not None), None)
                    norm = float(result) if isinstance(result, Tensor) else None
                    details = {
                        "bound": bound,
                        "how": how,
                        "tensors": {id(t) for t in clipped or ()},
                    }
                    self.session.event("clip", value=norm, details=details)
                return result

            return clip

        return make


def _without(given: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != name}
