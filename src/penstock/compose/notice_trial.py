"""A legal text tried out before anybody relies on it: every block, wording, source and extra is rendered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.compose.fault import TemplateFault
from penstock.compose.notice_blocks import OF_THE_CONTACT, OPTOUT_MARK, PREFERENCES_MARK
from penstock.compose.notice_text import BLOCKS, Block, NoticeFile, NoticeText
from penstock.compose.sandbox import Nest
from penstock.model.contact import Function, SourceMethod

__all__ = ["TableFault", "notice_faults", "table_faults"]

_TABLES = {
    "sources": frozenset(map(str, SourceMethod)),
    "functions": frozenset(map(str, Function)),
    "labels": frozenset({"optout_link", "privacy_link"}),
}
_PLAIN = frozenset({"functions", "labels"})
_LEGAL_NAME = "Nordprobe"
"""Stands for the controller in the trial: a word that no text holds by itself."""

_WANTED: tuple[tuple[Block, str, str], ...] = (
    ("optout", "optout_url", OPTOUT_MARK),
    ("identity", "controller.legal_name", _LEGAL_NAME),
)
_CONTACT = frozenset(name for names in OF_THE_CONTACT.values() for name in names)
_NO_TEXT = "is no text of at least one character"
_CONTROLLER = (
    "address",
    "registration",
    "contact",
    "phone",
    "privacy_url",
    "eu_representative",
    "uk_representative",
)
_SOURCE = ("reference", "collected_at", "supplier", "phrase")


@dataclass(frozen=True, slots=True)
class TableFault:
    """What is wrong with a key of the file, written as in `sources.event`."""

    key: str
    what: str


def table_faults(file: NoticeFile) -> list[TableFault]:
    """What is wrong with `reply_phrase`, `[sources]`, `[functions]` and `[labels]`, which no block renders in full."""
    found = [] if _is_text(file.table.get("reply_phrase")) else [TableFault("reply_phrase", _NO_TEXT)]
    for name, known in _TABLES.items():
        table = file.table.get(name)
        if not isinstance(table, Mapping):
            found.append(TableFault(name, "is missing or no table"))
            continue
        found += [TableFault(f"{name}.{key}", "is missing") for key in sorted(known - table.keys())]
        for key, given in table.items():
            if key not in known:
                found.append(TableFault(f"{name}.{key}", f"is unknown; known are {', '.join(sorted(known))}"))
            elif not _is_text(given):
                found.append(TableFault(f"{name}.{key}", _NO_TEXT))
            elif name in _PLAIN and ("{{" in given or "{%" in given):
                found.append(TableFault(f"{name}.{key}", "is plain text: nothing is filled in there"))
    return found


def _is_text(given: object) -> bool:
    return isinstance(given, str) and bool(given.strip())


def notice_faults(notice: NoticeText) -> list[TemplateFault]:
    """What fails to render, with everything known and with nothing known, and what leaves out the link to opt out or
    the sender's name (ePrivacy Directive Art. 13(4)); each once.
    """
    return list(dict.fromkeys([*_faults(notice, _values(notice, "x")), *_faults(notice, _values(notice, ""))]))


def _faults(notice: NoticeText, values: Mapping[str, Any]) -> Iterator[TemplateFault]:
    for (_, block), wordings in notice.blocks.items():
        # What only some blocks are told is unknown in the others, as when a mail is made.
        unknown = _CONTACT - OF_THE_CONTACT.get(block, frozenset())
        seen = {name: value for name, value in values.items() if name not in unknown}
        yield from (made for each in wordings if isinstance(made := each.render(seen), TemplateFault))
    for each in (*notice.sources.values(), *notice.extras.values()):
        made = each.render(values)
        if isinstance(made, TemplateFault):
            yield made
    for variant in BLOCKS:
        for block, variable, wanted in _WANTED:
            for number, each in enumerate(notice.blocks[variant, block], 1):
                made = each.render(values)
                if isinstance(made, str) and wanted.casefold() not in made.casefold():
                    what = f"must always stand in {variant}.{block}, and does not in wording {number}"
                    yield TemplateFault(each.name, 1, variable, what)


def _values(notice: NoticeText, word: str) -> dict[str, Any]:
    listed = (word,) if word else ()
    controller = dict.fromkeys(_CONTROLLER, word) | {"storage_locations": listed, "recipients": listed}
    controller["legal_name"] = _LEGAL_NAME  # always known
    return {
        "controller": Nest("controller", controller),
        "authority": Nest("authority", {"name": word, "url": word}),
        "source": Nest("source", dict.fromkeys(_SOURCE, word)),
        **dict.fromkeys(("function", "industry", "reason", "purpose", "product"), word),
        "basis": "consent" if word else "legitimate_interest",
        "optout_url": OPTOUT_MARK,
        "preferences_url": PREFERENCES_MARK if word else "",
        "reply_phrase": notice.reply_phrase,
        "reply_possible": bool(word),
    }
