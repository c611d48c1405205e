"""Edits of one argument of one call."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from mldoctor.edits.loop_order import OPTIMIZERS
from mldoctor.edits.source import Source, argument, called, receiver, with_keyword

if TYPE_CHECKING:
    from mldoctor.findings import Finding

RECURRENT = ("LSTM", "GRU", "RNN", "MultiheadAttention", "TransformerEncoderLayer")
NUMBER = re.compile(r"[0-9][0-9.]*(?:e[+-]?[0-9]+)?")


def other_rate(source: Source, finding: Finding) -> str | None:
    """Set the learning rate that the trial has shown to learn."""
    rates = NUMBER.findall(finding.remedy.advice if finding.remedy else "")
    if finding.location is None or not rates:
        return None
    rate = rates[-1].rstrip(".")
    call = _call_at(source, finding, OPTIMIZERS) or _only_call(source, OPTIMIZERS)
    given = argument(call, "lr", 1) if call is not None else None
    if given is None:  # transformers.Trainer builds the optimizer from its arguments
        settings = _only_call(source, ("TrainingArguments", "Seq2SeqTrainingArguments"))
        given = argument(settings, "learning_rate") if settings is not None else None
    if given is None:
        return None
    literal = _literal(source, given.value)
    return source.replaced(literal, cst.parse_expression(rate)) if literal is not None else None


def shuffle(source: Source, finding: Finding) -> str | None:
    """Let the training loader shuffle."""
    call = _call_at(source, finding, ("DataLoader",))
    if call is None or any(argument(call, name) for name in ("sampler", "batch_sampler")):
        return None
    return source.replaced(call, with_keyword(call, "shuffle", "True"))


def keep_last(source: Source, finding: Finding) -> str | None:
    """Let the loader keep its last, smaller batch."""
    call = _call_at(source, finding, ("DataLoader",))
    if call is None or argument(call, "drop_last") is None:
        return None
    return source.replaced(call, with_keyword(call, "drop_last", "False"))


def batch_first(source: Source, finding: Finding) -> str | None:
    """Tell the only sequence layer that knows of no batch axis that it comes first."""
    del finding
    layers = [call for call in source.all(cst.Call) if called(call) in RECURRENT]
    without = [call for call in layers if argument(call, "batch_first") is None]
    if len(without) != 1:
        return None
    return source.replaced(without[0], with_keyword(without[0], "batch_first", "True"))


def softmax_axis(source: Source, finding: Finding) -> str | None:
    """Normalise over the last axis."""
    call = _call_at(source, finding, ("softmax", "log_softmax", "Softmax", "LogSoftmax"))
    if call is None:
        return None
    first = 0 if called(call)[0].isupper() or _is_method(source, call) else 1
    given = argument(call, "dim", first)
    if given is None:
        return source.replaced(call, with_keyword(call, "dim", "-1"))
    return source.replaced(given.value, cst.parse_expression("-1"))


def class_loss_of_scores(source: Source, finding: Finding) -> str | None:
    """Take the class loss that expects scores in place of the one for log-probabilities."""
    names = {"NLLLoss": "CrossEntropyLoss", "nll_loss": "cross_entropy"}
    call = _call_at(source, finding, names)
    if call is None:
        call = _only_call(source, names)
    if call is None or not isinstance(call.func, cst.Attribute | cst.Name):
        return None
    fresh = cst.Name(names[called(call)])
    old = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
    return source.replaced(old, fresh)


def squeezed(source: Source, finding: Finding) -> str | None:
    """Drop the last axis of a prediction that has one axis more than its target."""
    if finding.location is None:
        return None
    statement = source.at(finding.location.line)
    calls = source.all(cst.Call, statement) if statement is not None else []
    losses = [c for c in calls if len(c.args) >= 2 and not c.args[0].star]  # noqa: PLR2004 - prediction, target
    if len(losses) != 1:
        return None
    prediction = losses[0].args[0].value
    fresh = cst.parse_expression(f"{source.code(prediction)}.squeeze(-1)")
    return source.replaced(prediction, fresh)


def _call_at(
    source: Source, finding: Finding, names: frozenset[str] | tuple[str, ...] | dict[str, str]
) -> cst.Call | None:
    """The only call of one of these functions in the statement that the finding points at."""
    for place in (finding.location, finding.also):
        statement = source.at(place.line) if place else None
        calls = source.all(cst.Call, statement) if statement is not None else []
        chosen = [call for call in calls if called(call) in names]
        if len(chosen) == 1:
            return chosen[0]
    return None


def _only_call(
    source: Source, names: frozenset[str] | tuple[str, ...] | dict[str, str]
) -> cst.Call | None:
    """The only call of one of these functions in the file."""
    every = [call for call in source.all(cst.Call) if called(call) in names]
    return every[0] if len(every) == 1 else None


def _is_method(source: Source, call: cst.Call) -> bool:
    """Whether a softmax is called on a tensor (`x.softmax(0)`) and not on a module of torch."""
    owner = receiver(call)
    return owner is not None and source.code(owner) not in (
        "F",
        "torch",
        "nn.functional",
        "torch.nn.functional",
    )


def _literal(source: Source, value: cst.BaseExpression) -> cst.BaseExpression | None:
    """The number that an expression stands for: itself, a constant, or a parser's default."""
    if isinstance(value, cst.Float | cst.Integer):
        return value
    if isinstance(value, cst.Name):
        made = [
            assign.value
            for assign in source.all(cst.Assign)
            if len(assign.targets) == 1 and source.code(assign.targets[0].target) == value.value
        ]
        return _number(made)
    if isinstance(value, cst.Attribute):  # args.lr
        option = value.attr.value
        defaults = [
            given.value
            for call in source.calls("add_argument")
            if any(
                source.code(arg.value).strip("\"'-").replace("-", "_") == option
                for arg in call.args
            )
            if (given := argument(call, "default")) is not None
        ]
        return _number(defaults)
    return None


def _number(found: list[cst.BaseExpression]) -> cst.BaseExpression | None:
    numbers = [value for value in found if isinstance(value, cst.Float | cst.Integer)]
    return numbers[0] if len(found) == 1 and numbers else None
