"""A TOML file that knows on which line each key stands, so that a fault can be shown where it was made."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.errors import PenstockError

__all__ = ["KeyPath", "TomlDocument", "dotted", "key_lines", "read_text", "read_toml"]

KeyPath = tuple[str | int, ...]
"""Table names and keys from the top; a number counts the tables of an array such as `[[stage]]`, from 0."""

_KEY = re.compile(r"""\s*(?:"(?P<basic>(?:[^"\\]|\\.)*)"|'(?P<literal>[^']*)'|(?P<bare>[A-Za-z0-9_-]+))\s*""")
_TOKEN = re.compile(r"""\"\"\"|'''|"(?:[^"\\]|\\.)*"|'[^']*'|\#.*|[\[\]{}]""")
_AT_LINE = re.compile(r"\s*\(at (?:line (?P<line>\d+), column \d+|end of document)\)\s*$")


@dataclass(frozen=True, slots=True)
class TomlDocument:
    """A parsed file. `name` is the path as the user wrote it."""

    name: str
    table: dict[str, Any]
    lines: Mapping[KeyPath, int]

    def where(self, path: KeyPath) -> str:
        """`config.toml:12 web.listen`; the line of the nearest enclosing key when the key itself has none."""
        for end in range(len(path), 0, -1):
            if line := self.lines.get(path[:end]):
                return f"{self.name}:{line} {dotted(path)}"
        return f"{self.name} {dotted(path)}".rstrip()


def dotted(path: KeyPath) -> str:
    """The path as people write it: `relay.credentials[0].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def read_text(path: Path, error: type[PenstockError]) -> str:
    """The file as text. Raises `error` for a file that is missing, a folder, forbidden or not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise error(f"octet {fault.start} is not UTF-8", where=str(path), mend="save the file as UTF-8") from None
    except (OSError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) and fault.strerror else "no usable file name"
        raise error(f"cannot be read: {why}", where=str(path)) from None


def read_toml(path: Path, error: type[PenstockError]) -> TomlDocument:
    """Read and parse. Raises `error`, naming the line, for a file that cannot be read or is not TOML."""
    text = read_text(path, error)
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        found = _AT_LINE.search(str(fault))
        line = (found and found["line"]) or text.count("\n") + 1
        what = _AT_LINE.sub("", str(fault)) if isinstance(fault, tomllib.TOMLDecodeError) else "nested too deeply"
        raise error(f"not TOML: {what}", where=f"{path}:{line}") from None
    return TomlDocument(str(path), table, key_lines(text))


def key_lines(text: str) -> dict[KeyPath, int]:
    """Key path to line number, from 1, in text that is known to be TOML; without keys of inline tables."""
    lines: dict[KeyPath, int] = {}
    sizes: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in _statements(text):
        if line.startswith("[["):
            table = _placed(_keys(line[2:]), sizes, last=False)
            sizes[table] = sizes.get(table, 0) + 1
            table = (*table, sizes[table] - 1)
            path = table
        elif line.startswith("["):
            table = path = _placed(_keys(line[1:]), sizes, last=True)
        else:
            path = table + _keys(line)
        for end in range(1, len(path) + 1):
            lines.setdefault(path[:end], number)
    return lines


def _placed(keys: KeyPath, sizes: Mapping[KeyPath, int], *, last: bool) -> KeyPath:
    """The header's path with the number of the array table it stands in."""
    path: KeyPath = ()
    for place, key in enumerate(keys):
        path = (*path, key)
        if path in sizes and (last or place < len(keys) - 1):
            path = (*path, sizes[path] - 1)
    return path


def _keys(text: str) -> KeyPath:
    keys: list[str] = []
    at = 0
    while found := _KEY.match(text, at):
        keys.append(found["basic"] or found["literal"] or found["bare"] or "")
        at = found.end()
        if text[at : at + 1] != ".":
            break
        at += 1
    return tuple(keys)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Lines that begin a header or a key, with their numbers; lists and long strings are passed over."""
    depth, quote = 0, ""
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if not depth and not quote:
            if not line or line.startswith("#"):
                continue
            yield number, line
            if line.startswith("["):
                continue
        depth, quote = _after(line, depth, quote)


def _after(line: str, depth: int, quote: str) -> tuple[int, str]:
    """Bracket depth and open long quote at the end of the line."""
    at = 0
    while at <= len(line):
        if quote:
            end = line.find(quote, at)
            if end < 0:
                return depth, quote
            at, quote = end + 3, ""
        found = _TOKEN.search(line, at)
        if found is None:
            break
        at = found.end()
        match found[0]:
            case '"""' | "'''":
                quote = found[0]
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
            case _:
                pass
    return depth, quote
