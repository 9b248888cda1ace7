"""Rewrites a parsed template: loops are counted, sizes are capped, constant translations are in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.visitor import NodeTransformer

__all__ = ["COUNTED", "ENTERED", "FLAT", "PRINTED", "SIZED", "Guard", "Translator"]

Translator = Callable[[str], str]

# Names of filters that no template can spell.
COUNTED, ENTERED, PRINTED, SIZED, FLAT = "\0counted", "\0entered", "\0printed", "\0sized", "\0flat"
_NODES_A_STEP = 64


class Guard(NodeTransformer):
    """Puts into a template what holds it to its budget (`budget`)."""

    def __init__(self, translate: Translator) -> None:
        self.translate = translate

    def visit(self, node: nodes.Node, *_args: Any, **_kwargs: Any) -> Any:
        """The node to use in this node's place. Raises TemplateSyntaxError for what is not offered."""
        match node:
            case nodes.For(recursive=True):
                raise TemplateSyntaxError("recursive loops are not available", node.lineno)
            case nodes.Block():
                raise TemplateSyntaxError("blocks are not available", node.lineno)
            case nodes.Include() | nodes.Import() | nodes.FromImport() | nodes.Extends():
                raise TemplateSyntaxError("other templates cannot be loaded", node.lineno)
            case nodes.Call(node=nodes.Name(name="t"), args=[nodes.Const(value=str() as words)], kwargs=[]):
                return nodes.Const(self.translate(words), lineno=node.lineno)
        return _capped(self.generic_visit(node))


def _capped(node: Any) -> Any:
    match node:
        case nodes.For():
            steps, characters = _weight(node.body)
            node.iter = _filtered(node.iter, COUNTED, node.lineno, steps, characters)
        case nodes.Macro() | nodes.CallBlock():
            steps, _ = _weight(node.body)
            paid = _filtered(nodes.Const(steps, lineno=node.lineno), ENTERED, node.lineno)
            node.body = [nodes.If(paid, node.body, [], [], lineno=node.lineno)]
        case nodes.AssignBlock():
            node.filter = _filtered(node.filter, SIZED, node.lineno)
        case nodes.Concat():
            node.nodes = [_filtered(each, PRINTED, each.lineno) for each in node.nodes]
            return _filtered(node, SIZED, node.lineno)
        case nodes.List() | nodes.Dict() | nodes.Tuple(ctx="load"):
            return _filtered(node, FLAT, node.lineno)
    return node


def _weight(body: list[nodes.Node]) -> tuple[int, int]:
    """The steps that one turn through a body takes and the characters it has, without those of loops inside it."""
    count = characters = 0
    found: list[nodes.Node] = [*body]
    while found:
        node = found.pop()
        count += 1
        if isinstance(node, nodes.TemplateData):
            characters += len(node.data)
        if not isinstance(node, nodes.For):
            found += node.iter_child_nodes()
    return 1 + count // _NODES_A_STEP, characters


def _filtered(node: Any, name: str, line: int, *told: int) -> nodes.Filter:
    args: list[nodes.Expr] = [nodes.Const(each, lineno=line) for each in told]
    return nodes.Filter(node, name, args, [], None, None, lineno=line)
