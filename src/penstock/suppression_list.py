"""The suppression list as people handle it: by address, domain, company id or hash; files in and out."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from penstock.errors import InvalidInput
from penstock.model.address import Address, parse_address
from penstock.model.moment import as_moment
from penstock.model.suppression import Hit, Suppression, SuppressionKind, SuppressionReason
from penstock.ports import RowFault
from penstock.sources.suppression_formats.foreign_rows import LeftOut, SuppressionRow
from penstock.sources.suppression_formats.suppression_file import AUTO, open_suppression_file
from penstock.store.suppressions import StoredSuppression
from penstock.suppression_subject import HASH, Subject, SubjectReader
from penstock.wiring import House

__all__ = ["Imported", "SuppressionList"]

COLUMNS = ("address", "domain", "company_id", "hash", "reason", "scope", "at")
_PAGE = 1000
REASONS = tuple(reason.value for reason in SuppressionReason if reason is not SuppressionReason.ERASURE)


@dataclass(slots=True)
class Imported:
    """What a file came to: rows = added + all `left_out` + `faults`.

    `format`: `auto` for our own columns, else the service whose export it is, with its list in `list_name`.
    `left_out`: why rows that are no suppressions were passed over, with their number.
    """

    rows: int = 0
    added: int = 0
    faults: tuple[RowFault, ...] = ()
    format: str = AUTO
    list_name: str = ""
    left_out: Counter[str] = field(default_factory=Counter)


class SuppressionList:
    """Works on an open house. What is refused is InvalidInput; it never quotes an address."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._identifier = house.identifier
        self._reader = SubjectReader(house.identifier, house.keyring, house.services.controllers.values())

    async def add(
        self,
        subject: str,
        reason: SuppressionReason,
        *,
        scope: str = "all",
        at: datetime | None = None,
        origin: str = "manual",
    ) -> str:
        """Add one entry; the same one twice is one. The entry's id."""
        (entry,) = await self._keep([self.entry(subject, reason, scope, at, origin)])
        return entry

    async def _keep(self, entries: Sequence[Suppression]) -> Sequence[str]:
        ids = await self._house.store.suppressions.add(entries)
        self._identifier.refresh(await self._house.store.suppressions.foreign_algorithms())
        return ids

    async def remove(self, subject: str, why: str) -> int:
        """Take away the entries made for exactly this subject; the number removed. Recorded in the ledger."""
        kind, keys = self.keys(subject)
        wanted = set(keys)
        found = [each.id async for each in self.walk() if _removable(each.entry, kind, wanted)]
        return await self._house.store.suppressions.remove(found, "operator", why) if found else 0

    async def walk(self) -> AsyncIterator[StoredSuppression]:
        """Every entry, in order of addition, page by page."""
        after = ""
        while page := await self._house.store.suppressions.entries(after, _PAGE):
            for each in page:
                yield each
            after = page[-1].id

    async def check(self, subject: str) -> tuple[Hit, ...]:
        """All entries that hold a mail to this subject back, whatever their scope."""
        address = parse_address(subject)
        if isinstance(address, Address):
            identity = self._identifier.of_address(address)
            (stored,) = await self._house.store.contacts.find([identity])
            if stored is not None:
                identity = self._identifier.of_address(address, stored.contact.company)
        else:
            read = self._reader.read(subject)
            is_domain = read.kind is SuppressionKind.DOMAIN and read.plain is not None
            identity = (
                self._identifier.of_domain(read.plain or "") if is_domain else self._identifier.of_keys(read.keys)
            )
        (hits,) = await self._house.store.suppressions.hits([identity])
        return hits

    def entry(
        self, subject: str, reason: SuppressionReason, scope: str, at: datetime | None, origin: str
    ) -> Suppression:
        """Read one entry. Raises InvalidInput."""
        return self._made(self._reader.read(subject), reason, scope, at, origin)

    def _made(
        self, subject: Subject, reason: SuppressionReason, scope: str, at: datetime | None, origin: str
    ) -> Suppression:
        date, told = at or self._house.clock.now(), subject.foreign or origin
        return Suppression(subject.kind, subject.keys, self._reader.scope(scope), reason, date, subject.plain, told)

    def keys(self, subject: str) -> tuple[SuppressionKind, tuple[bytes, ...]]:
        """What a subject is and the keys it is stored under. Raises InvalidInput."""
        read = self._reader.read(subject)
        return read.kind, read.keys

    async def import_file(self, path: Path, format_: str = AUTO) -> Imported:
        """Apply every good row of a file of ours (CSV, JSONL) or of a service's export (JSON too).

        Bad rows are answered, and hold commercial mail of their scope until `resolve` says that they are settled.
        While a file is being read, and where reading broke off, all commercial mail is held: nobody knows yet whom it
        protects. A file that is refused as a whole (InvalidInput) changes nothing.
        """
        opened = open_suppression_file(path, COLUMNS, format_)
        waiting, file = self._house.store.suppressions.imports, str(path.absolute())
        before = next((each for each in await waiting.all() if each.file == file), None)
        imported = Imported(format=opened.format, list_name=opened.list_name)
        faults: list[tuple[RowFault, str]] = []
        await waiting.add(file, before.rows if before else 0, ["all"])
        async for chunk in opened.chunks:
            imported.rows += len(chunk)
            imported.left_out.update(row.why for row in chunk if isinstance(row, LeftOut))
            faults += await self._apply(row for row in chunk if not isinstance(row, LeftOut))
        imported.faults = tuple(fault for fault, _ in faults)
        imported.added = imported.rows - len(faults) - imported.left_out.total()
        if faults:
            await waiting.add(file, len(faults), [scope for _, scope in faults])
        elif before is None or before.rows == 0:
            await waiting.resolve(file)
        else:
            await waiting.add(file, before.rows, before.scopes)
        return imported

    async def _apply(self, rows: Iterable[SuppressionRow | RowFault]) -> list[tuple[RowFault, str]]:
        """Keep what the good rows say; the bad ones, each with the scope it was meant for."""
        entries: list[Suppression] = []
        faults: list[tuple[RowFault, str]] = []
        for row in rows:
            if isinstance(row, RowFault):
                faults.append((row, "all"))
                continue
            try:
                entries += [entry for values in row.entries for entry in self._entries_of(values)]
            except InvalidInput as fault:
                faults.append((RowFault(row.line, str(fault), raw=row.raw), self._scope_of(row)))
        await self._keep(entries)
        return faults

    async def resolve(self, file: Path | None) -> int:
        """Settle the unusable rows of one imported file, or of all; how many files there were.

        Raises InvalidInput when that file waits for nobody.
        """
        waiting = self._house.store.suppressions.imports
        number = await waiting.resolve(str(file.absolute()) if file else None)
        if file is not None and number == 0:
            names = ", ".join(each.file for each in await waiting.all())
            raise InvalidInput("nothing of this file waits", where=str(file), mend=f"waiting: {names or 'none'}")
        return number

    def _scope_of(self, row: SuppressionRow) -> str:
        """The scope an unusable row was meant for; `all` where that cannot be told."""
        try:
            return self._reader.scope(row.entries[0].get("scope") or "all")
        except InvalidInput:
            return "all"

    def _entries_of(self, values: Mapping[str, str]) -> list[Suppression]:
        """One entry for each column that names somebody; a row is used whole or not at all."""
        readers = (
            ("hash", self._reader.read_hash),
            ("address", self._reader.read_address),
            ("domain", self._reader.read_domain),
            ("company_id", self._reader.read_company),
        )
        subjects = [read(values[name]) for name, read in readers if values.get(name)]
        if not subjects:
            raise InvalidInput("names no address, domain, company_id or hash")
        word = (values.get("reason") or "other").strip().lower()
        try:
            reason = SuppressionReason(word)
            at = as_moment(values["at"]) if values.get("at") else None
        except ValueError:
            raise InvalidInput("unknown reason or unreadable date", mend=f"reasons: {', '.join(REASONS)}") from None
        scope = values.get("scope") or "all"
        return [self._made(subject, reason, scope, at, "import") for subject in subjects]

    async def export(self, *, hashed: bool) -> AsyncIterator[Mapping[str, str]]:
        """Rows for a file of `COLUMNS`: plain where the plain subject is still kept and `hashed` is not asked."""
        pepper = self._house.keyring.peppers[0].id
        async for stored in self.walk():
            each = stored.entry
            base = {"reason": each.reason.value, "scope": each.scope, "at": each.at.isoformat()}
            if each.subject is not None and HASH.fullmatch(each.subject):
                yield {**base, "hash": each.subject}
                continue
            if each.subject is not None and (not hashed or each.kind is not SuppressionKind.PERSON):
                column = {"person": "address", "domain": "domain", "company": "company_id"}[each.kind]
                yield {**base, column: each.subject}
                continue
            for key in each.keys:
                yield {**base, "hash": f"hmac-sha256:{pepper}:{key.hex()}"}


def _removable(entry: Suppression, kind: SuppressionKind, wanted: set[bytes]) -> bool:
    """An erased person's mark stays: only fresh, proven consent lifts it."""
    return entry.kind is kind and entry.reason is not SuppressionReason.ERASURE and bool(wanted & set(entry.keys))
