"""A source file that can be edited: find the code at a line, and write it back with one change.

Everything that is not changed keeps its formatting and comments: the tree is libcst's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import libcst as cst
from libcst import matchers as m
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

if TYPE_CHECKING:
    from collections.abc import Iterator

Node = TypeVar("Node", bound=cst.CSTNode)
Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement
Loop = cst.For | cst.While


class Source:
    """The tree of one file.

    Raises:
        libcst.ParserSyntaxError: when the text is no Python.
    """

    def __init__(self, text: str) -> None:
        self._wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        self.module = self._wrapper.module
        self._places = self._wrapper.resolve(PositionProvider)
        self._parents = self._wrapper.resolve(ParentNodeProvider)

    # -- looking ---------------------------------------------------------------------------------

    def all(self, kind: type[Node], inside: cst.CSTNode | None = None) -> list[Node]:
        """Every node of a kind, in the order of the source."""
        found = m.findall(inside or self.module, m.MatchIfTrue(lambda node: isinstance(node, kind)))
        nodes = [node for node in found if isinstance(node, kind)]
        return sorted(nodes, key=lambda node: (self.line(node), self._places[node].start.column))

    def line(self, node: cst.CSTNode) -> int:
        """The line that a node begins on."""
        return int(self._places[node].start.line)

    def at(self, line: int) -> cst.SimpleStatementLine | None:
        """The simple statement that covers a line."""
        return next(
            (
                statement
                for statement in self.all(cst.SimpleStatementLine)
                if self.line(statement) <= line <= int(self._places[statement].end.line)
            ),
            None,
        )

    def calls(self, name: str, inside: cst.CSTNode | None = None) -> list[cst.Call]:
        """Calls of a function or method of this name."""
        return [call for call in self.all(cst.Call, inside) if called(call) == name]

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The node around a node."""
        return self._parents.get(node)

    def around(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """The nodes around a node, innermost first."""
        current = self.parent(node)
        while current is not None:
            yield current
            current = self.parent(current)

    def statement(self, node: cst.CSTNode) -> Statement | None:
        """The innermost statement that a node belongs to."""
        return next(
            (n for n in (node, *self.around(node)) if isinstance(n, Statement)),
            None,
        )

    def loops(self, node: cst.CSTNode) -> list[Loop]:
        """The loops around a node within its function, innermost first."""
        found: list[Loop] = []
        for outer in self.around(node):
            if isinstance(outer, cst.FunctionDef | cst.ClassDef):
                break
            if isinstance(outer, Loop):
                found.append(outer)
        return found

    def code(self, node: cst.CSTNode) -> str:
        """The text of a node."""
        return self.module.code_for_node(node).strip()

    def siblings(self, statement: cst.CSTNode) -> Sequence[cst.BaseStatement]:
        """The statements of the block that a statement stands in, itself among them."""
        block = self.parent(statement)
        body = getattr(block, "body", ())
        return body if isinstance(body, Sequence) else ()

    # -- changing --------------------------------------------------------------------------------

    def replaced(self, old: cst.CSTNode, new: cst.CSTNode) -> str:
        """The text with one node exchanged."""
        changed = self.module.deep_replace(old, new)
        return changed.code if isinstance(changed, cst.Module) else self.module.code

    def inserted(self, statement: cst.CSTNode, code: str, *, after: bool = False) -> str | None:
        """The text with a line of code before or after a statement of a block."""
        fresh = cst.parse_statement(code)
        body = list(self.siblings(statement))
        if statement not in body:
            return None
        at = body.index(statement) + after  # type: ignore[arg-type]
        return self._with_body(statement, [*body[:at], fresh, *body[at:]])

    def removed(self, *statements: cst.CSTNode) -> str | None:
        """The text without statements of one block."""
        body = [
            s for s in self.siblings(statements[0]) if not any(s is gone for gone in statements)
        ]
        return self._with_body(statements[0], body) if body else None

    def moved(self, statements: Sequence[cst.CSTNode], after: cst.CSTNode) -> str | None:
        """The text with statements of one block moved, in their order, behind another of it."""
        body = list(self.siblings(after))
        moving = [s for s in body if any(s is one for one in statements)]
        rest = [s for s in body if not any(s is one for one in statements)]
        if len(moving) != len(statements) or after not in rest:
            return None
        at = rest.index(after) + 1  # type: ignore[arg-type]
        return self._with_body(after, [*rest[:at], *moving, *rest[at:]])

    def _with_body(self, member: cst.CSTNode, body: Sequence[cst.BaseStatement]) -> str | None:
        block = self.parent(member)
        if isinstance(block, cst.Module):
            return block.with_changes(body=body).code
        if isinstance(block, cst.IndentedBlock):
            return self.replaced(block, block.with_changes(body=body))
        return None


def called(call: cst.Call) -> str:
    """The last part of the name of a called function: `cross_entropy` of `F.cross_entropy(...)`."""
    function = call.func
    if isinstance(function, cst.Attribute):
        return function.attr.value
    return function.value if isinstance(function, cst.Name) else ""


def receiver(call: cst.Call) -> cst.BaseExpression | None:
    """The object whose method is called: `optimizer` of `optimizer.step()`."""
    return call.func.value if isinstance(call.func, cst.Attribute) else None


def argument(call: cst.Call, name: str, position: int | None = None) -> cst.Arg | None:
    """An argument of a call, by keyword or else by position."""
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value == name:
            return arg
    if position is None or position >= len(call.args):
        return None
    arg = call.args[position]
    return arg if arg.keyword is None and not arg.star else None


def with_keyword(call: cst.Call, name: str, value: str) -> cst.Call:
    """The call with a keyword argument set."""
    fresh = cst.Arg(
        keyword=cst.Name(name),
        value=cst.parse_expression(value),
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )
    known = argument(call, name)
    if known is not None:
        changed = [a.with_changes(value=fresh.value) if a is known else a for a in call.args]
        return call.with_changes(args=changed)
    args = list(call.args)
    if args and isinstance(args[-1].comma, cst.Comma):  # a trailing comma, kept where it is
        return call.with_changes(args=[*args, fresh.with_changes(comma=args[-1].comma)])
    if args:
        args[-1] = args[-1].with_changes(
            comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        )
    return call.with_changes(args=[*args, fresh])


def names_in(node: cst.CSTNode) -> set[str]:
    """Every bare name in a node."""
    return {str(found.value) for found in m.findall(node, m.Name()) if isinstance(found, cst.Name)}
