"""Writes tests/corpus/mime: a file for each case and the manifest. `python -m tests.corpus.make_mime`, from the top."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.corpus.eml import Case
from tests.corpus.mime_cases import (
    boundaries,
    charsets,
    encodings,
    footers,
    header_blocks,
    pages,
    protected,
    structures,
)

__all__ = ["CASES", "FOLDER", "files"]

FOLDER = Path(__file__).parent / "mime"
CASES: tuple[Case, ...] = (
    *encodings.CASES,
    *charsets.CASES,
    *boundaries.CASES,
    *structures.CASES,
    *protected.CASES,
    *pages.CASES,
    *header_blocks.CASES,
    *footers.CASES,
)
_TOP = """# What becomes of each mail. Written by make_mime.py: change the cases there.
# rfc: where the rule stands. expect: spliced, refused (by any code), the code of the refusal, or either (the RFC leaves
# it open: spliced or refused, never harmed). leaves: paths as in IMAP that get the notice when the mail is spliced.
# already: leaves that hold it. shown = false: a browser may hide it, the page is broken. notice: the only one the case
# makes sense with. some = true: which of the leaves get it is open, one has to.
"""


def _entry(each: Case) -> Iterator[str]:
    yield f"\n[{each.name}]"
    for key, value in (("rfc", each.rfc), ("what", each.what), ("expect", each.expect)):
        yield f"{key} = {json.dumps(value, ensure_ascii=False)}"
    yield f"leaves = {json.dumps(list(each.leaves))}"
    if each.already:
        yield f"already = {json.dumps(list(each.already))}"
    if not each.shown:
        yield "shown = false"
    if each.notice:
        yield f'notice = "{each.notice}"'
    if each.some:
        yield "some = true"


def files() -> dict[str, bytes]:
    """Everything the folder holds, by name."""
    manifest = _TOP + "".join(f"{line}\n" for each in CASES for line in _entry(each))
    return {"manifest.toml": manifest.encode(), ".gitattributes": b"*.eml -text\n"} | {
        f"{each.name}.eml": each.data for each in CASES
    }


def main() -> None:
    """Write what has changed and take away what no case asks for."""
    wanted = files()
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.iterdir():
        if path.name not in wanted:
            path.unlink()
    for name, data in wanted.items():
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
