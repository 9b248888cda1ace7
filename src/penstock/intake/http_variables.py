"""Values for `{{ name }}` in the subject, text and HTML of a request, in the same sandbox as campaigns' templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from penstock.compose.fault import TemplateFault
from penstock.intake.http_problem import RequestError

if TYPE_CHECKING:
    from penstock.compose.sandbox import Compiled, Sandbox
    from penstock.intake.http_mail import MailIn

__all__ = ["Filling"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_WORDS = frozenset(
    ["t", "and", "or", "not", "in", "is", "if", "else", "none", "None", "true", "True", "false", "False"]
)
"""What templates say with these is something else."""
_MOST_CHARACTERS = 262_144
"""Of all templates that one request brings; what they make is bounded as well (`compose.budget`)."""


class Filling:
    """Fills mails of one request; equal templates are compiled once."""

    def __init__(self) -> None:
        self._sandboxes: dict[bool, Sandbox] = {}
        self._compiled: dict[tuple[bool, str], Compiled | TemplateFault] = {}
        self._room = _MOST_CHARACTERS

    def filled(self, item: MailIn) -> tuple[str, str | None, str | None]:
        """Subject, text and HTML of a mail that has a subject; as they are where it brings no variables.

        Raises RequestError 422 for a template that cannot be rendered and a name without a value.
        """
        if item.variables is None:
            return item.subject or "", item.text, item.html
        values = _values(item.variables)
        text = None if item.text is None else self._rendered(item.text, "text", values)
        html = None if item.html is None else self._rendered(item.html, "html", values)
        return self._rendered(item.subject or "", "subject", values), text, html

    def _rendered(self, source: str, part: str, values: Mapping[str, Any]) -> str:
        if "{" not in source:
            return source
        compiled = self._template(source, part)
        made = compiled if isinstance(compiled, TemplateFault) else compiled.render(values)
        if isinstance(made, TemplateFault):
            raise _told(made, part, values)
        return made

    def _template(self, source: str, part: str) -> Compiled | TemplateFault:
        from penstock.compose.sandbox import Sandbox, translator_of

        html = part == "html"
        if (found := self._compiled.get((html, source))) is not None:
            return found
        self._room -= len(source)
        if self._room < 0:
            what = f"the templates of this request have more than {_MOST_CHARACTERS} characters"
            raise RequestError(422, what, where=part, mend="leave `variables` out where there is nothing to fill in")
        if html not in self._sandboxes:
            self._sandboxes[html] = Sandbox(html=html)
            self._sandboxes[html].keep_trailing_newline = True  # as it stays without variables
        made = self._sandboxes[html].compiled(source, part, translator_of({}))
        self._compiled[html, source] = made
        return made


def _told(fault: TemplateFault, part: str, values: Mapping[str, Any]) -> RequestError:
    where = f"{part}, line {fault.line}"
    if fault.variable is None:
        return RequestError(422, fault.what, where=where)
    known = fault.variable.partition(".")[0] in values and "." not in fault.variable
    what = "is null: use |default or {% if %}" if known else "is not among the variables"
    return RequestError(422, f"{fault.variable} {what}", where=where)


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    for name in given:
        if not _NAME.fullmatch(name) or name in _WORDS:
            shown = name[:60] if name.isprintable() else "?"
            mend = "letters, digits and _, not beginning with a digit, and no word of templates"
            raise RequestError(422, "is no name of a variable", where=f"variables.{shown}", mend=mend)
    return {name: _guarded(value, name) for name, value in given.items()}


def _guarded(value: Any, path: str) -> Any:
    """Objects as groups of fields: no attribute of Python's own can be reached."""
    from penstock.compose.sandbox import Blank, Nest

    match value:
        case None:
            return Blank(path)
        case dict():
            return Nest(path, {name: _guarded(inner, f"{path}.{name}") for name, inner in value.items()})
        case list():
            return [_guarded(inner, path) for inner in value]
        case _:
            return value
