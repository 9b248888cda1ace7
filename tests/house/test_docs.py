"""Links in the documents lead somewhere, and nothing of one machine is written into them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
NOT_OURS = frozenset({"node_modules", "dist", "build", "__pycache__"})
_FENCE = re.compile(r"^( *)(```+|~~~+).*?^\1\2[ \t]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_INLINE = re.compile(r"!?\[[^\]\n]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_REFERENCE = re.compile(r"^\[[^\]\n]+\]:\s+<?(\S+?)>?(?:\s+\"[^\"]*\")?\s*$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_OUTSIDE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_ONE_MACHINE = re.compile(r"(?<![\w./-])(?:/(?:home|Users|root|work|private|mnt|media)/\w|[A-Z]:\\\w|file://)")


def documents() -> list[Path]:
    """Every Markdown file of the project; hidden folders are a machine's own."""
    found = [
        path
        for path in ROOT.rglob("*.md")
        if not any(part.startswith(".") or part in NOT_OURS for part in path.relative_to(ROOT).parts)
    ]
    return sorted(found)


def prose_of(text: str) -> str:
    return _CODE.sub("", _FENCE.sub("", text))


def targets_of(text: str) -> Iterator[str]:
    prose = prose_of(text)
    yield from _INLINE.findall(prose)
    yield from _REFERENCE.findall(prose)


def anchors_of(text: str) -> set[str]:
    """The fragments that a Markdown viewer makes of the headings."""
    anchors: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower().replace("`", "")
        kept = "".join(c for c in plain if c in "-_ " or unicodedata.category(c)[0] in "LNM")
        slug, number = kept.strip().replace(" ", "-"), 0
        while (each := f"{slug}-{number}" if number else slug) in anchors:
            number += 1
        anchors.add(each)
    return anchors


def broken(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    for target in targets_of(text):
        if _OUTSIDE.match(target):
            continue
        name, _, fragment = unquote(target).partition("#")
        if name.startswith("/"):
            yield f"{target}: not relative"
            continue
        there = (path.parent / name).resolve() if name else path
        if not there.exists() or not there.is_relative_to(ROOT):
            yield f"{target}: no such file"
        elif fragment and there.suffix == ".md" and fragment not in anchors_of(there.read_text(encoding="utf-8")):
            yield f"{target}: no such heading"


def test_there_are_documents() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in documents()}
    assert {"README.md", "CHANGELOG.md", "docs/quickstart.md", "docs/architecture.md"} <= names


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_to_a_file_of_the_project(path: Path) -> None:
    assert [*broken(path)] == []


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_document_names_a_folder_of_one_machine(path: Path) -> None:
    assert _ONE_MACHINE.findall(path.read_text(encoding="utf-8")) == []


def test_the_decision_records_are_all_in_their_index() -> None:
    folder = ROOT / "docs/decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert records
    assert [name for name in records if f"({name})" not in index] == []


def test_the_search_for_links_finds_what_is_broken(tmp_path: Path) -> None:
    text = '# A heading: one\n[a](b.md) ![c](d.png "t") `[no](code.md)`\n\n```\n[no](fence.md)\n```\n[e]: f.md\n'
    assert [*targets_of(text)] == ["b.md", "d.png", "f.md"]
    assert anchors_of(text) == {"a-heading-one"}
