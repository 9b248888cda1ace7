"""A legal text tried out before anybody relies on it: every block, wording, source and extra is rendered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from penstock.compose.fault import TemplateFault
from penstock.compose.notice_blocks import OPTOUT_MARK, PREFERENCES_MARK
from penstock.compose.notice_text import NoticeText
from penstock.compose.sandbox import Nest

__all__ = ["notice_faults"]

_CONTROLLER = (
    "legal_name",
    "address",
    "registration",
    "contact",
    "phone",
    "privacy_url",
    "eu_representative",
    "uk_representative",
)
_SOURCE = ("reference", "collected_at", "supplier", "phrase")


def notice_faults(notice: NoticeText) -> list[TemplateFault]:
    """What fails to render, with everything known and with nothing known; each once."""
    return list(dict.fromkeys([*_faults(notice, _values(notice, "x")), *_faults(notice, _values(notice, ""))]))


def _faults(notice: NoticeText, values: Mapping[str, Any]) -> Iterator[TemplateFault]:
    wordings = [each for block in notice.blocks.values() for each in block]
    for each in (*wordings, *notice.sources.values(), *notice.extras.values()):
        made = each.render(values)
        if isinstance(made, TemplateFault):
            yield made


def _values(notice: NoticeText, word: str) -> dict[str, Any]:
    listed = (word,) if word else ()
    controller = dict.fromkeys(_CONTROLLER, word) | {"storage_locations": listed, "recipients": listed}
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
