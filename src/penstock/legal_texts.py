"""The legal texts of a house as it opens: its own folder, and what its store knows of them."""

from __future__ import annotations

from datetime import datetime

from penstock.compose.notice_text import NoticeFile, NoticeShelf
from penstock.config.settings import Settings
from penstock.errors import ConfigError
from penstock.model.legal_text import ApprovedText, LegalTexts
from penstock.ports import Clock
from penstock.store.sqlite import SqliteStore
from penstock.templates import notice_digests, template_folder

__all__ = ["known_texts", "text_of"]


async def known_texts(settings: Settings, store: SqliteStore, clock: Clock) -> LegalTexts:
    """Look once at what may leave.

    Shipped texts of languages that the store has none of are adopted, where it can be written and they are as they were
    installed. Raises ConfigError for a folder that is not there or a text that cannot be read.
    """
    folder = settings.path(settings.notices.folder) if settings.notices.folder else None
    if folder is not None and not folder.is_dir():
        where = settings.where("notices", "folder")
        raise ConfigError("there is no such folder", where=where, mend="make it: LANGUAGE/notice.toml in it")
    templates = template_folder()
    shelf = NoticeShelf(templates / "notices")
    approved = await store.notice_texts.newest()
    unknown = sorted(shelf.languages() - approved.keys())
    shipped = notice_digests(templates) if unknown else {}
    files = [shelf.file(language) for language in unknown] if store.database.writable else []
    adopted = [each for each in files if shipped.get(each.language, each.digest) == each.digest]
    if adopted:
        await store.notice_texts.adopt([(text_of(each, clock.now()), each.octets) for each in adopted])
        approved = await store.notice_texts.newest()
    return LegalTexts(folder, shipped, approved)


def text_of(file: NoticeFile, at: datetime, by: str = "", reviewed_by: str = "") -> ApprovedText:
    """The text as it is kept; who reviewed it is taken from the file where nobody is named."""
    reviewed = reviewed_by or file.said("reviewed_by")
    return ApprovedText(file.language, file.id, file.version, file.digest, reviewed, by, at)
