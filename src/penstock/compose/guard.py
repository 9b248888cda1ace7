"""Rewrites a parsed template: loops are counted, sizes are capped, constant translations are in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.visitor import NodeTransformer

__all__ = ["COUNTED", "FLAT", "SIZED", "Guard", "Translator"]

Translator = Callable[[str], str]

# Names of filters that no template can spell.
COUNTED, SIZED, FLAT = "\0counted", "\0sized", "\0flat"


class Guard(NodeTransformer):
    """`repeats` is True afterwards when the template can print more than it is long."""

    def __init__(self, translate: Translator) -> None:
        self.translate = translate
        self.repeats = False

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
        self.repeats |= isinstance(node, nodes.For | nodes.Macro | nodes.AssignBlock)
        return _capped(self.generic_visit(node))


def _capped(node: Any) -> Any:
    match node:
        case nodes.For():
            node.iter = _filtered(node.iter, COUNTED, node.lineno)
        case nodes.AssignBlock():
            node.filter = _filtered(node.filter, SIZED, node.lineno)
        case nodes.Concat():
            return _filtered(node, SIZED, node.lineno)
        case nodes.List() | nodes.Dict() | nodes.Tuple(ctx="load"):
            return _filtered(node, FLAT, node.lineno)
    return node


def _filtered(node: Any, name: str, line: int) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=line)
