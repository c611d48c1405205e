"""What the tests of forward experiments share: a trainee of one call, and the full Jacobian."""

from __future__ import annotations

import torch

from mldoctor.trainee.tape import Event, LossCall, RootCall, Tape


class Fake:
    """As much of a trainee as the forward experiments look at."""

    memory_limit = None

    def __init__(self, module, *args, target=None, prediction=None, names=None, batch=None):
        self.tape = Tape()
        self.tape.roots = [module]
        self.tape.root_calls = {0: RootCall(module, args, names or {}, None, True)}
        self.tape.optimizers = [torch.optim.SGD(module.parameters(), lr=0.1)]
        norms = [1.0 for _ in module.parameters()]
        self.tape.events = [Event("step", 0, 0, None, who=0, details={"norms": norms})]
        self.batch = batch
        if target is not None:
            self.tape.losses = [
                LossCall("cross_entropy", None, 0, prediction, target, {}, True, True)
            ]

    def latest_batches(self):
        return [] if self.batch is None else [self.batch]

    def failure(self):
        return None

    def held_splits(self):
        return []

    def initial_value(self, tensor):
        return None


def jacobian(model, inputs):
    """d output / d input in eval mode, over all entries: [*output, *input]."""
    modes = [m.training for m in model.modules()]
    model.eval()
    try:
        return torch.autograd.functional.jacobian(model, inputs)
    finally:
        for module, mode in zip(model.modules(), modes, strict=True):
            module.training = mode


class OfVectors(torch.nn.Module):
    """A model of token ids seen as a model of their vectors: what a Jacobian can be taken of."""

    def __init__(self, model, embedding):
        super().__init__()
        self.model, self.embedding = model, embedding

    def forward(self, vectors):
        handle = self.embedding.register_forward_hook(lambda _m, _a, _out: vectors)
        try:
            return self.model(torch.zeros(vectors.shape[:2], dtype=torch.long))
        finally:
            handle.remove()


def across(full, axis_out, axis_in, axes_out):
    """The largest entry between each index of one output axis and each of one input axis.

    Args:
        full: the Jacobian [*output, *input].
        axis_out: axis of the output; axis_in: axis of the input.
        axes_out: number of axes of the output.
    """
    moved = full.abs().movedim((axis_out, axes_out + axis_in), (0, 1))
    return moved.flatten(2).amax(2)
