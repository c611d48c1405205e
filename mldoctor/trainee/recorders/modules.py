"""The recorder of modules: which models run, in which mode, and which layer made a tensor."""

from __future__ import annotations

import sys
import weakref
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as module_hooks

from mldoctor.trainee import gradients, modes, sites
from mldoctor.trainee.batches import leaves
from mldoctor.trainee.held_arrays import few_rows
from mldoctor.trainee.names import name_in_frames
from mldoctor.trainee.quiet import takes_hooks
from mldoctor.trainee.tape import Birth, RootCall

if TYPE_CHECKING:
    from mldoctor.trainee.recorders.session import Session


class ModuleRecorder:
    """Watches modules being built and called.

    Attributes:
        forwards: calls of root modules with parameters so far.
        last_layer: the layer that ran last.
        outputs: autograd nodes of what root modules returned since the latest backward.
        pulls: size of the gradient of each entry of the sequences they returned, in this backward.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.forwards = 0
        self.last_layer: nn.Module | None = None
        self.outputs: deque[Any] = deque(maxlen=64)
        self.pulls: list[Tensor] = []
        self._states: dict[int, tuple[int, Tensor]] = {}
        self._outputs: dict[int, tuple[weakref.ref[Tensor], nn.Module]] = {}

    def install(self) -> None:
        """Hook every module's forward."""
        self.session.patch(nn.Module, "__init__", self._module_init)
        self.session.keep(
            module_hooks.register_module_forward_pre_hook(self._before_forward),
            module_hooks.register_module_forward_hook(
                self._after_forward, with_kwargs=True, always_call=True
            ),
        )

    def _module_init(self, original: Any) -> Any:
        def init(module: nn.Module, *args: Any, **kwargs: Any) -> None:
            original(module, *args, **kwargs)
            if self.session.live():
                self.session.tape.clock += 1
                self.session.tape.births[id(module)] = Birth(
                    self.session.tape.clock, sites.current_site()
                )

        return init

    def _before_forward(self, module: nn.Module, args: Any) -> None:
        if torch.compiler.is_compiling() or not self.session.live() or self.session.in_backward:
            return
        self.session.depth += 1
        if isinstance(module, nn.RNNBase) and self.session.tape.recording:
            self._note_state(module, args)
        if self.session.depth == 1 and _has_weights(module):
            self.forwards += 1
            self.session.event(
                "forward",
                who=self._root_index(module),
                details={
                    "training": module.training,
                    "grad": torch.is_grad_enabled(),
                    "autocast": _autocast(),
                    "active": self.session.tape.recording and modes.active(module),
                },
            )

    def _note_state(self, layer: nn.RNNBase, args: Any) -> None:
        """Whether a recurrent layer is given the state that it had returned before the step."""
        state = _first(args[1]) if len(args) > 1 else None
        known = self._states.get(id(layer))
        if state is None or known is None or not torch.is_grad_enabled():
            return
        update, kept = known
        if update < self.session.tape.updates:
            same = kept.shape == state.shape and torch.equal(kept, state.detach())
            self.session.tape.carried.append((self.session.tape.updates, id(layer), same))

    def _root_index(self, module: nn.Module) -> int:
        for index, known in enumerate(self.session.tape.roots):
            if known is module:
                return index
        self.session.tape.roots.append(module)
        self.session.tape.names[id(module)] = name_in_frames(module, sys._getframe(1))  # noqa: SLF001 - see sites
        return len(self.session.tape.roots) - 1

    def _after_forward(self, module: nn.Module, args: Any, *rest: Any) -> None:
        # Torch leaves the keyword arguments out where the forward has raised.
        raised = len(rest) == 1
        kwargs, output = ({}, None) if raised else rest
        if torch.compiler.is_compiling() or not self.session.live() or self.session.in_backward:
            return
        self.session.depth = max(0, self.session.depth - 1)
        if not self.session.tape.recording:
            return
        if not torch.is_grad_enabled():
            self._note_evaluated(module, (args, kwargs))
        elif raised:
            self._note_failed(module, args)
        else:
            self._note_trained(module, args, kwargs, output)

    def _note_trained(self, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        """Keep the call of a root module, and the tensors that layers have made."""
        if self.session.depth == 0 and any(module is root for root in self.session.tape.roots):
            index = self._root_index(module)
            if takes_hooks(module):
                self.session.tape.root_calls[index] = RootCall(
                    module, args, dict(kwargs), sites.current_site(), module.training
                )
            if index not in self.session.tape.first_rows:
                self.session.tape.first_rows[index] = few_rows((args, kwargs))
            if self.session.tape.updates < gradients.GRAPH_UPDATES:
                self._watch_outputs(output)
        if _is_layer(module):
            self.last_layer = module
        if isinstance(module, nn.RNNBase) and isinstance(output, tuple):
            state = _first(output[1])
            if state is not None:
                self._states[id(module)] = (self.session.tape.updates, state.detach().clone())
        if self.session.depth and isinstance(output, Tensor) and output.numel():
            self._note_output(module, output)

    def _note_evaluated(self, module: nn.Module, given: Any) -> None:
        """Keep the latest call without gradients of each line, of a few of them."""
        if self.session.depth != 0 or not any(module is r for r in self.session.tape.roots):
            return
        known, site = self.session.tape.evaluated, sites.current_site()
        if site in known or len(known) < 8:  # noqa: PLR2004 - more lines evaluate in no script
            rows = few_rows(given)
            known[site] = module, known[site][1] if site in known else rows, rows
            told = self.session.tape.asked.setdefault(site, Counter())
            if rows is not None and len(told) < 4096:  # noqa: PLR2004 - batches of an evaluation
                told[hash(rows.cpu().contiguous().view(torch.uint8).numpy().tobytes())] += 1

    def _note_failed(self, module: nn.Module, args: Any) -> None:
        """Keep the call of a root module that raised."""
        if self.session.depth != 0 or not any(module is r for r in self.session.tape.roots):
            return
        kwargs = _given_by_name(module)
        if args or kwargs:
            self.session.tape.failed = RootCall(
                module, args, kwargs, sites.current_site(), module.training
            )

    def _watch_outputs(self, output: Any) -> None:
        """Note where the outputs stand in the graph, and what gradient reaches a sequence."""
        made = [leaf for _, leaf in leaves(output) if getattr(leaf, "grad_fn", None) is not None]
        self.outputs.extend(leaf.grad_fn for leaf in made)
        for leaf in made:
            if leaf.dim() == 3:  # noqa: PLR2004 - [batch, time, features]
                leaf.register_hook(self._note_pull)

    def _note_pull(self, gradient: Tensor) -> None:
        if self.session.in_backward and len(self.pulls) < 8:  # noqa: PLR2004 - a few outputs of a few models
            self.pulls.append(gradient.detach().norm(dim=-1))

    def _note_output(self, module: nn.Module, output: Tensor) -> None:
        """Remember which module made a tensor: the innermost one, where a wrapper passes it on."""
        made = self._outputs.get(output.data_ptr())
        if made is not None and made[0]() is output:
            return
        if any(True for _ in module.parameters()):
            if len(self._outputs) > 256:  # noqa: PLR2004 - only the latest layers matter
                self._outputs.clear()
            self._outputs[output.data_ptr()] = (weakref.ref(output), module)

    def maker(self, prediction: Tensor) -> nn.Module | None:
        """The module that made the values of `prediction`, else the layer that ran last."""
        made = self._outputs.get(prediction.data_ptr())
        return made[1] if made is not None else self.last_layer


def _given_by_name(module: nn.Module) -> dict[str, Any]:
    """The keyword arguments of the call that is being left with an error."""
    trace = sys.exc_info()[2]
    while trace is not None:
        held = trace.tb_frame.f_locals
        if held.get("self") is module and isinstance(held.get("kwargs"), dict):
            return dict(held["kwargs"])
        trace = trace.tb_next
    return {}


def _autocast() -> str:
    """The type that operations are cast to right now, "" outside of autocast."""
    for device in ("cuda", "cpu"):
        if torch.is_autocast_enabled(device):
            return str(torch.get_autocast_dtype(device)).removeprefix("torch.")
    return ""


def _first(state: Any) -> Tensor | None:
    """The hidden state, of the pair with a cell state too."""
    state = state[0] if isinstance(state, tuple) and state else state
    return state if isinstance(state, Tensor) else None


def _has_weights(module: nn.Module) -> bool:
    """Whether a module has parameters with values; on the meta device they only have a shape."""
    first = next(module.parameters(), None)
    return first is not None and not first.is_meta


def _is_layer(module: nn.Module) -> bool:
    """Whether a module computes with parameters of its own and not through other layers."""
    if not any(True for _ in module.parameters(recurse=False)):
        return False
    return all(not any(True for _ in child.parameters()) for child in module.children())
