"""Edits that move or remove whole statements, or a normaliser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from mldoctor.edits.source import Source, called, names_in

if TYPE_CHECKING:
    from mldoctor.findings import Finding

MODULES = ("F", "functional", "nn.functional", "torch", "torch.nn.functional", "self")
"""What a normaliser is called on where it is no method of the tensor."""

NORMALISERS = ("softmax", "sigmoid", "log_softmax")


def optimizer_after_model(source: Source, finding: Finding) -> str | None:
    """Build the optimizer, and what hangs on it, after the layers that it does not hold."""
    built, late = finding.location, finding.also
    first = source.at(built.line) if built else None
    last = source.at(late.line) if late else None
    if first is None or last is None or source.line(last) <= source.line(first):
        return None
    block = source.siblings(first)
    if last not in block:
        return None
    between = [s for s in block if source.line(first) <= source.line(s) <= source.line(last)]
    moving: list[cst.CSTNode] = [*_inputs(source, first)]
    carried = _assigned(first)
    for statement in between:
        if statement is first or names_in(statement) & carried:
            moving.append(statement)
            carried |= _assigned(statement)
    if any(statement is last for statement in moving):
        return None
    return source.moved(moving, _end_of_model(source, last))


def hold_model(source: Source, finding: Finding) -> str | None:
    """Give the optimizer the parameters of the whole model instead of those of a part."""
    root = finding.subject.split(".")[0]
    statement = source.at(finding.location.line) if finding.location else None
    if statement is None or not root.isidentifier():
        return None
    parts = [
        call
        for call in source.calls("parameters", statement)
        if source.code(call).startswith(f"{root}.") and source.code(call) != f"{root}.parameters()"
    ]
    if len(parts) != 1:
        return None
    return source.replaced(parts[0], cst.parse_expression(f"{root}.parameters()"))


def optimizer_over_model(source: Source, finding: Finding) -> str | None:
    """Move the optimizer behind the model, or give it the whole model."""
    return optimizer_after_model(source, finding) or hold_model(source, finding)


def unfrozen(source: Source, finding: Finding) -> str | None:
    """Take out the only statement that freezes parameters."""
    del finding
    freezing = [s for s in source.all(cst.SimpleStatementLine) if _freezes(source, s)]
    if len(freezing) != 1:
        return None
    statement: cst.CSTNode = freezing[0]
    while len(source.siblings(statement)) == 1:
        outer = source.parent(source.parent(statement) or statement)
        if not isinstance(outer, cst.For | cst.If | cst.With):
            return None
        statement = outer
    return source.removed(statement)


def without_seed(source: Source, finding: Finding) -> str | None:
    """Take out a seed that is set inside the loop."""
    statement = source.at(finding.location.line) if finding.location else None
    if statement is None or not any("seed" in called(c) for c in source.all(cst.Call, statement)):
        return None
    return source.removed(statement)


def without_normaliser(source: Source, finding: Finding) -> str | None:
    """Hand the loss the scores: take out the only softmax or sigmoid of the file."""
    del finding
    functions = [
        call
        for call in source.all(cst.Call)
        if called(call) in NORMALISERS and not _in_evaluation(source, call)
    ]
    layers = [call for call in source.all(cst.Call) if called(call) in ("Softmax", "Sigmoid")]
    if len(functions) == 1 and not layers:
        return _bare(source, functions[0])
    if len(layers) == 1 and not functions:
        return _without_layer(source, layers[0])
    if len(layers) == 1 and len(functions) == 1:  # self.softmax = nn.Softmax(...); self.softmax(x)
        return _bare(source, functions[0])
    return None


def _bare(source: Source, call: cst.Call) -> str | None:
    """A call of a normaliser replaced by what it is called on."""
    owner = call.func.value if isinstance(call.func, cst.Attribute) else None
    module = owner is None or source.code(owner) in MODULES
    if module and call.args:
        return source.replaced(call, call.args[0].value)
    return source.replaced(call, owner) if owner is not None and not module else None


def _without_layer(source: Source, call: cst.Call) -> str | None:
    """An element of a `Sequential` taken out; elsewhere the layer becomes the identity."""
    arg = source.parent(call)
    holder = source.parent(arg) if arg is not None else None
    if isinstance(arg, cst.Arg) and isinstance(holder, cst.Call) and called(holder) == "Sequential":
        rest = [a for a in holder.args if a is not arg]
        if rest and arg is holder.args[-1] and not isinstance(arg.comma, cst.Comma):
            rest[-1] = rest[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        return source.replaced(holder, holder.with_changes(args=rest))
    owner = call.func.value if isinstance(call.func, cst.Attribute) else None
    prefix = f"{source.code(owner)}." if owner is not None else "torch.nn."
    return source.replaced(call, cst.parse_expression(f"{prefix}Identity()"))


def _in_evaluation(source: Source, node: cst.CSTNode) -> bool:
    return any(
        isinstance(outer, cst.With) and "no_grad" in source.code(outer.items[0])
        for outer in source.around(node)
    )


def _freezes(source: Source, statement: cst.SimpleStatementLine) -> bool:
    code = source.code(statement).replace(" ", "")
    return code.endswith(("requires_grad=False", "requires_grad_(False)"))


def _assigned(statement: cst.CSTNode) -> set[str]:
    """The names that a statement sets."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return set()
    return {
        name
        for part in statement.body
        if isinstance(part, cst.Assign)
        for target in part.targets
        if isinstance(target.target, cst.Name)
        for name in names_in(target.target)
    }


def _inputs(source: Source, statement: cst.SimpleStatementLine) -> list[cst.CSTNode]:
    """Earlier statements of the block that collect the parameters which a statement is given."""
    wanted = names_in(statement)
    return [
        s
        for s in source.siblings(statement)
        if source.line(s) < source.line(statement)
        and _assigned(s) & wanted
        and source.calls("parameters", s)
    ]


def _end_of_model(source: Source, late: cst.SimpleStatementLine) -> cst.CSTNode:
    """The last of the directly following statements that set a part of the same object."""
    end: cst.CSTNode = late
    owner = source.code(late).split(".")[0]
    for statement in source.siblings(late):
        if source.line(statement) <= source.line(end):
            continue
        code = source.code(statement)
        if not (isinstance(statement, cst.SimpleStatementLine) and code.startswith(f"{owner}.")):
            break
        end = statement
    return end
