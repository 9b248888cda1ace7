"""Which contact fields and which translations a template asks for, read from its source without running it."""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import TemplateError, meta, nodes

from penstock.compose.sandbox import Sandbox

__all__ = ["Use", "uses"]

_OFFERED = frozenset({"t", "range", "namespace", "loop", "caller", "varargs", "kwargs"})
_GROUPS = frozenset({"company", "source", "relationship", "published"})


@dataclass(frozen=True, slots=True)
class Use:
    """A field (`company.name`) or a text in `t('…')`, and the line where it first stands."""

    kind: str
    name: str
    line: int


def uses(source: str) -> list[Use]:
    """Every field and translation of a template; nothing for one that cannot be parsed, which compiling reports."""
    try:
        tree = Sandbox(html=False).parse(source)
    except (TemplateError, RecursionError):
        return []
    unbound = meta.find_undeclared_variables(tree) - _OFFERED
    found: dict[tuple[str, str], int] = {}
    for call in tree.find_all(nodes.Call):
        match call:
            case nodes.Call(node=nodes.Name(name="t"), args=[nodes.Const(value=str() as words)]):
                found.setdefault(("translation", words), call.lineno)
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        match node:
            case nodes.Getattr(node=nodes.Name(name=group), attr=field) if group in unbound & _GROUPS:
                found.setdefault(("field", f"{group}.{field}"), node.lineno)
            case nodes.Getitem(node=nodes.Name(name=group), arg=nodes.Const(value=str() as field)) if (
                group in unbound & _GROUPS
            ):
                found.setdefault(("field", f"{group}.{field}"), node.lineno)
    for name in tree.find_all(nodes.Name):
        if name.ctx == "load" and name.name in unbound - _GROUPS:
            found.setdefault(("field", name.name), name.lineno)
    return [Use(kind, name, line) for (kind, name), line in found.items()]
