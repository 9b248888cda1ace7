"""What a notice says of where an address comes from (GDPR Art. 14(2)(f))."""

from __future__ import annotations

from penstock.compose.fault import TemplateFault
from penstock.compose.notice_date import SpelledDates
from penstock.compose.notice_text import NoticeText
from penstock.compose.sandbox import Nest
from penstock.model.contact import Source, SourceMethod

__all__ = ["NoticeSources"]

_KEPT = 1_024


class NoticeSources:
    """The group `source` of a notice's values. Contacts of whose origin the same is said get the same object."""

    def __init__(self) -> None:
        self._dates = SpelledDates()
        self._known: dict[tuple[object, ...], Nest] = {}

    def of(self, notice: NoticeText, source: Source) -> Nest | TemplateFault | None:
        """None where the record does not say it, or the notice has no words for it."""
        key = (notice.version, source.method, source.reference, source.collected_at, source.supplier)
        found = self._known.get(key)
        if found is not None:
            return found
        made = self._made(notice, source)
        if isinstance(made, Nest):
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = made
        return made

    def _made(self, notice: NoticeText, source: Source) -> Nest | TemplateFault | None:
        phrase = notice.sources.get(source.method) if source.method is not None else None
        if source.method is SourceMethod.INFERRED:
            phrase = notice.extras.get("derived", phrase)
        if phrase is None:
            return None
        values = {
            "reference": source.reference or "",
            "collected_at": self._dates.spelled(source.collected_at, notice.language),
            "supplier": source.supplier or "",
        }
        # Most phrases are the same words for everybody.
        fixed = "{" not in phrase.source
        spoken = phrase.source.removesuffix("\n") if fixed else phrase.render({"source": Nest("source", values)})
        return spoken if isinstance(spoken, TemplateFault) else Nest("source", {**values, "phrase": spoken})
