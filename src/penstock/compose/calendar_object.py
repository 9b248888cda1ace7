"""Calendar templates: printed values become RFC 5545 text, and the object is looked at before it goes anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from jinja2 import pass_context
from jinja2.runtime import Context

from penstock.compose.budget import printed
from penstock.compose.fault import TemplateFault
from penstock.compose.sandbox import Sandbox

__all__ = ["calendar_sandbox", "completed_calendar"]

_OPEN, _CLOSE, _BREAK = "\x01", "\x02", "\x03"
"""Around a printed value, and in place of its line ends, until it is known where in a line it stands."""
_VALUE = rf"{_OPEN}[^{_CLOSE}]*{_CLOSE}"
_MARKED = re.compile(rf"{_OPEN}([^{_CLOSE}]*){_CLOSE}")
_OURS = re.compile(f"[{_OPEN}-{_BREAK}]")
_ENDS = re.compile(r"\r\n?|\n")
_PARAMETER = rf"(?:\"(?:{_VALUE}|[^\"{_OPEN}])*\"|(?:{_VALUE}|[^\";:,{_OPEN}])*)"
_LINE = re.compile(
    rf"(?P<name>[A-Za-z0-9-]+)(?P<parameters>(?:;[A-Za-z0-9-]+={_PARAMETER}(?:,{_PARAMETER})*)*):(?P<value>.*)",
    re.DOTALL,
)
_ONE_PARAMETER = re.compile(rf"(?<=[=,])({_PARAMETER})(?=[;,]|$)")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OCTETS = 75
_METHODS = frozenset({"PUBLISH", "REQUEST", "REPLY", "ADD", "CANCEL", "REFRESH", "COUNTER", "DECLINECOUNTER"})
_NEEDED = {"VCALENDAR": ("VERSION", "PRODID", "METHOD"), "VEVENT": ("UID", "DTSTAMP")}
"""What a component cannot do without (RFC 5545 sections 3.6, 3.6.1; RFC 5546 section 3.2)."""


class _Property(NamedTuple):
    """One content line, unfolded: where it stands in the rendered text, its name in capitals, its value, and whole."""

    number: int
    name: str
    value: str
    line: str


def calendar_sandbox() -> Sandbox:
    """The environment of calendar templates."""
    sandbox = Sandbox(html=False)
    sandbox.finalize = _marked
    return sandbox


@pass_context
def _marked(context: Context, value: Any) -> str:
    """The value with marks around it; those of a value inside it go."""
    text = _OURS.sub(lambda mark: _BREAK if mark[0] == _BREAK else "", str(printed(context, value)))
    return f"{_OPEN}{_ENDS.sub(_BREAK, text)}{_CLOSE}"


def completed_calendar(rendered: str, file: str) -> str | TemplateFault:
    """The iCalendar object (RFC 5545) of what the template `file` printed: values escaped, lines folded, CRLF.

    In a value, what a contact's field says is TEXT; in a parameter it is quoted where needed (RFC 6868). A fault, with
    the line of the rendered text, when it is no object that a calendar program takes.
    """
    properties: list[_Property] = []
    for number, line in _unfolded(rendered):
        read = _read(number, line)
        if isinstance(read, str):
            return TemplateFault(file, number, None, read)
        properties.append(read)
    if fault := _structure_fault(properties):
        return TemplateFault(file, *fault)
    try:
        return "".join(f"{_folded(each.line)}\r\n" for each in properties)
    except UnicodeEncodeError:
        return TemplateFault(file, 1, None, "holds half a character (a lone surrogate)")


def _unfolded(rendered: str) -> Iterator[tuple[int, str]]:
    """Content lines with the number of their first line; lines of white space alone are dropped."""
    kept: tuple[int, str] | None = None
    for number, line in enumerate(_ENDS.sub("\n", rendered).split("\n"), 1):
        if not line.strip():
            continue
        if line[0] in " \t" and kept is not None:
            kept = kept[0], kept[1] + line[1:]
            continue
        if kept is not None:
            yield kept
        kept = number, line
    if kept is not None:
        yield kept


def _read(number: int, line: str) -> _Property | str:
    match = _LINE.fullmatch(line)
    if match is None:
        return "is no line of a calendar object (NAME:value)"
    parameters = _ONE_PARAMETER.sub(_parameter, match["parameters"]) if _OPEN in match["parameters"] else None
    value = _MARKED.sub(lambda marked: _text(marked[1]), match["value"])
    name = match["name"].upper()
    if name == "METHOD":  # one spelling: the writer repeats it in Content-Type
        return _Property(number, name, value, f"METHOD:{value.upper()}")
    whole = f"{match['name']}{match['parameters'] if parameters is None else parameters}:{value}"
    return "holds a control character" if _CONTROL.search(whole) else _Property(number, name, value, whole)


def _text(value: str) -> str:
    """RFC 5545 section 3.3.11."""
    value = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return value.replace(_BREAK, "\\n")


def _parameter(match: re.Match[str]) -> str:
    """A parameter's value cannot escape with a backslash: RFC 6868 has other means."""
    whole = match[1]
    bare = whole[1:-1] if whole.startswith('"') else whole
    value = _MARKED.sub(lambda m: m[1].replace("^", "^^").replace('"', "^'").replace(_BREAK, "^n"), bare)
    return f'"{value}"' if whole.startswith('"') or any(mark in value for mark in ";:,") else value


def _structure_fault(properties: Sequence[_Property]) -> tuple[int, str | None, str] | None:
    """Line, name and sentence of the first thing that is wrong with the object as a whole."""
    if not properties or properties[0].line.upper() != "BEGIN:VCALENDAR":
        return 1, None, "does not begin with BEGIN:VCALENDAR"
    stack: list[tuple[str, list[str]]] = []
    components = 0
    for number, name, value, _ in properties:
        if name == "BEGIN":
            if not stack and components:
                return number, None, "holds more than one calendar object"
            stack.append((value.upper(), []))
            components += 1
        elif not stack:
            return number, None, "goes on behind END:VCALENDAR"
        elif name == "END":
            kind, names = stack.pop()
            if kind != value.upper():
                return number, None, f"ends {value.upper()} inside {kind}"
            for needed in _NEEDED.get(kind, ()):
                if names.count(needed) != 1:
                    return number, needed, f"is not in {kind} exactly once"
        else:
            stack[-1][1].append(name)
            if name == "METHOD" and value.upper() not in _METHODS:
                return number, "METHOD", "is none of RFC 5546, such as REQUEST or PUBLISH"
    if stack:
        return properties[-1].number, None, f"does not end {stack[-1][0]}"
    return None if components > 1 else (1, None, "holds no component such as VEVENT")


def _folded(line: str) -> str:
    """At most 75 octets between line ends, no character split (RFC 5545 section 3.1)."""
    if len(line.encode()) <= _OCTETS:
        return line
    pieces, piece, octets = [], "", 0
    for character in line:
        more = len(character.encode())
        if octets + more > _OCTETS:
            pieces.append(piece)
            piece, octets = " ", 1
        piece += character
        octets += more
    return "\r\n".join([*pieces, piece])
