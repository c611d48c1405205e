"""Edits of the order of backward, step and zero_grad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from mldoctor.edits.source import (
    Source,
    argument,
    called,
    names_in,
    receiver,
    with_keyword,
)

if TYPE_CHECKING:
    from mldoctor.findings import Finding

OPTIMIZERS = frozenset(
    {
        "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "ASGD", "LBFGS", "NAdam",
        "RAdam", "RMSprop", "Rprop", "SGD", "SparseAdam",
    }
)  # fmt: skip
"""The optimizers of torch.optim, by the names they are called with."""


def clear_after_step(source: Source, finding: Finding) -> str | None:
    """Clear the gradients behind the step: right for every accumulation, too."""
    step = _statement_calling(source, finding, "step")
    if step is None:
        return None
    statement, call = step
    given = [arg.value for arg in call.args[:1]]  # scaler.step(optimizer)
    optimizer = next(iter(given), receiver(call))
    if optimizer is None:
        return None
    return source.inserted(statement, f"{source.code(optimizer)}.zero_grad()\n", after=True)


def step_after_backward(source: Source, finding: Finding) -> str | None:
    """Call a step that is only named, or step the only optimizer of the file behind the backward."""
    named = [
        part
        for statement in source.all(cst.Expr)
        if isinstance(part := statement.value, cst.Attribute) and part.attr.value == "step"
    ]
    if len(named) == 1:
        return source.replaced(named[0], cst.Call(func=named[0]))
    backward = _statement_calling(source, finding, "backward")
    optimizers = [
        statement
        for statement in source.all(cst.Assign)
        if isinstance(statement.value, cst.Call) and called(statement.value) in OPTIMIZERS
    ]
    if backward is None or len(optimizers) != 1:
        return None
    name = source.code(optimizers[0].targets[0].target)
    return source.inserted(backward[0], f"{name}.step()\n", after=True)


def clear_behind_step(source: Source, finding: Finding) -> str | None:
    """Move the clearing that stands between backward and step behind the step."""
    clearing = _statement_calling(source, finding, "zero_grad")
    if clearing is None:
        return None
    statement, _ = clearing
    block = source.siblings(statement)
    later = [s for s in block if source.line(s) > source.line(statement)]
    step = next((s for s in later if source.calls("step", s)), None)
    return source.moved([statement], step) if step is not None else None


def clip_before_step(source: Source, finding: Finding) -> str | None:
    """Move a clipping that stands before the backward, or behind the step, between the two."""
    for line in (place.line for place in (finding.location, finding.also) if place):
        statement = source.at(line)
        if statement is None or not any(
            source.calls(name, statement) for name in ("clip_grad_norm_", "clip_grad_value_")
        ):
            continue
        block = source.siblings(statement)
        backward = next((s for s in block if source.calls("backward", s)), None)
        return source.moved([statement], backward) if backward is not None else None
    return None


def train_before_loop(source: Source, finding: Finding) -> str | None:
    """Switch the model to train mode before every pass over the batches."""
    if finding.location is None:
        return None
    statement = source.at(finding.location.line)
    if statement is None:
        return None
    wanted = finding.subject.split(".")[-1]
    model = next(
        (
            source.code(call.func)
            for call in source.all(cst.Call, statement)
            if called(call) == wanted and wanted in names_in(call.func)
        ),
        None,
    )
    loops = source.loops(statement)
    if model is None or not loops:
        return None
    return source.inserted(loops[0], f"{model}.train()\n")


def positive_loss(source: Source, finding: Finding) -> str | None:
    """Take away the minus, or `maximize=True`, that turns the loss round; else turn it back."""
    if finding.location is None:
        return None
    turned = [call for call in source.all(cst.Call) if argument(call, "maximize") is not None]
    if len(turned) == 1:
        return source.replaced(turned[0], with_keyword(turned[0], "maximize", "False"))
    negated = [
        node
        for node in source.all(cst.UnaryOperation)
        if isinstance(node.operator, cst.Minus) and _is_loss(source, node)
    ]
    if len(negated) == 1:
        return source.replaced(negated[0], negated[0].expression)
    backward = _statement_calling(source, finding, "backward")
    calls = [backward[1]] if backward is not None else source.calls("backward")
    loss = receiver(calls[0]) if len(calls) == 1 else None
    if negated or loss is None:
        return None
    return source.replaced(loss, cst.parse_expression(f"(-{source.code(loss)})"))


def _is_loss(source: Source, node: cst.UnaryOperation) -> bool:
    """Whether a negated value is a loss: back-propagated at once, or kept under such a name."""
    parent = source.parent(node)
    if isinstance(parent, cst.Attribute):
        return parent.attr.value == "backward"
    if isinstance(parent, cst.Assign):
        return "loss" in source.code(parent.targets[0].target).lower()
    return False


def _statement_calling(
    source: Source, finding: Finding, name: str
) -> tuple[cst.SimpleStatementLine, cst.Call] | None:
    """The statement at one of the finding's places that calls a method of this name."""
    for place in (finding.location, finding.also):
        statement = source.at(place.line) if place else None
        calls = source.calls(name, statement) if statement is not None else []
        if statement is not None and len(calls) == 1:
            return statement, calls[0]
    return None
