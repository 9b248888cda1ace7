"""The legal texts that may leave: what was adopted as shipped, what a person approved, and the octets of both."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from penstock.model.legal_text import ApprovedText
from penstock.ports import Clock
from penstock.store.chain import Chain
from penstock.store.database import Database
from penstock.store.instants import from_micros, iso, micros

__all__ = ["NoticeTexts"]


class NoticeTexts:
    """The kept texts; the newest of a language is the one in force."""

    def __init__(self, database: Database, clock: Clock, chain: Chain) -> None:
        self._database = database
        self._clock = clock
        self._chain = chain
        self._sql = database.statements("notice_texts")

    async def newest(self) -> dict[str, ApprovedText]:
        """The text in force by language."""

        def job(connection: apsw.Connection) -> dict[str, ApprovedText]:
            return {
                language: ApprovedText(language, id_, version, digest, reviewed_by, approved_by, from_micros(at))
                for language, id_, version, digest, reviewed_by, approved_by, at in connection.execute(
                    self._sql["newest"]
                )
            }

        return await self._database.read(job)

    async def source(self, language: str, /) -> bytes | None:
        """The octets of the text in force; None where there is none."""
        found = await self._database.read(lambda connection: connection.execute(self._sql["source"], (language,)).get)
        return None if found is None else bytes(found)

    async def adopt(self, texts: Sequence[tuple[ApprovedText, bytes]], /) -> None:
        """Keep texts as the package shipped them, for languages that this store has none of."""
        rows = [
            (text.language, text.id, text.version, text.digest, text.reviewed_by, micros(text.at), source)
            for text, source in texts
        ]
        await self._database.write(lambda connection: connection.executemany(self._sql["adopt"], rows))

    async def approve(self, texts: Sequence[tuple[ApprovedText, bytes]], /) -> None:
        """Put these texts in force, each told to the ledger. Names stay out of it: they are kept beside the text."""

        def job(connection: apsw.Connection) -> None:
            told = []
            for text, source in texts:
                row = (text.language, text.id, text.version, text.digest, text.reviewed_by, text.approved_by)
                connection.execute(self._sql["approve"], (*row, micros(text.at), source))
                told.append(self._about(text))
            self._chain.append(connection, told)

        await self._database.write(job)

    def _about(self, text: ApprovedText) -> dict[str, str]:
        return {
            "kind": "notice",
            "at": iso(self._clock.now()),
            "state": "approved",
            "language": text.language,
            "text": text.id,
            "version": text.version,
            "digest": text.digest,
            "approved_at": iso(text.at),
        }
