"""Forms as HTTP requests carry them: urlencoded (WHATWG URL section 5) and multipart (RFC 7578)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from penstock.intake.http_problem import RequestError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

__all__ = ["Form", "FormFile", "read_form"]

_MOST_FIELDS = 5_000
_URLENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_EXTENDED_NAME = re.compile(rb"(?i);\s*filename\*=utf-8'[^']*'([^;\s]+)")


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file of a form: its name and type as given, both may be empty."""

    name: str
    type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """Texts and files by the names of their fields, in order."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[FormFile]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """The first text of a field; empty where there is none."""
        return self.texts.get(name, [""])[0]

    def named(self, prefix: str) -> dict[str, str]:
        """The first texts of all fields of that beginning, by what follows it."""
        return {name[len(prefix) :]: texts[0] for name, texts in self.texts.items() if name.startswith(prefix)}


def read_form(body: bytearray, content_type: str) -> Form:
    """The form; empties `body`. Raises RequestError 400, 413 and 415."""
    kind, _, rest = content_type.partition(";")
    match kind.strip().lower():
        case "application/x-www-form-urlencoded":
            return _urlencoded(body)
        case "multipart/form-data":
            return _Parts().form(body, rest)
    raise RequestError(415, f"is neither {_MULTIPART} nor {_URLENCODED}", where="Content-Type")


def _urlencoded(body: bytearray) -> Form:
    form = Form()
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except UnicodeDecodeError:
        raise RequestError(400, "is not percent-encoded UTF-8", where="body") from None
    except ValueError:
        raise _too_many() from None
    body.clear()
    for name, value in pairs:
        form.texts.setdefault(name, []).append(value)
    return form


class _Parts:
    """Collects the parts that the parser finds."""

    def __init__(self) -> None:
        self._form = Form()
        self._fields = 0
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._data = bytearray()
        self._whole = False

    def form(self, body: bytearray, parameters: str) -> Form:
        """Raises RequestError."""
        from python_multipart.exceptions import FormParserError
        from python_multipart.multipart import MultipartParser, parse_options_header

        boundary = parse_options_header(f"x;{parameters}")[1].get(b"boundary", b"")
        if not boundary:
            raise RequestError(400, "has no boundary", where="Content-Type")
        octets = bytes(body)
        body.clear()
        try:
            parser = MultipartParser(boundary, self._callbacks())
            parser.write(octets)
            parser.finalize()
        except (FormParserError, ValueError):
            raise RequestError(400, "is no form of several parts", where="body") from None
        if not self._whole:
            raise RequestError(400, "ends within a part", where="body")
        return self._form

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._fields += 1
        if self._fields > _MOST_FIELDS:
            raise _too_many()
        self._headers, self._data = {}, bytearray()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def _part_end(self) -> None:
        from python_multipart.multipart import parse_options_header

        given = self._headers.get(b"content-disposition", b"")
        options = parse_options_header(given)[1]
        name = _text(options.get(b"name", b""))
        if not name:
            raise RequestError(400, "a part has no name", where="body")
        if (file_name := _file_name(given, options)) is None:
            self._form.texts.setdefault(name, []).append(_text(bytes(self._data), name))
        else:
            kind = self._headers.get(b"content-type", b"").decode("latin-1")
            self._form.files.setdefault(name, []).append(FormFile(file_name, kind, bytes(self._data)))

    def _end(self) -> None:
        self._whole = True


def _file_name(given: bytes, options: dict[bytes, bytes]) -> str | None:
    if found := _EXTENDED_NAME.search(given):
        return unquote(found[1].decode("latin-1"), errors="replace")
    return _text(options[b"filename"]) if b"filename" in options else None


def _text(octets: bytes, name: str = "") -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        shown = name[:60] if name.isprintable() else ""
        raise RequestError(400, "is not UTF-8", where=shown or "body") from None


def _too_many() -> RequestError:
    return RequestError(413, f"has more than {_MOST_FIELDS} fields", where="body")
