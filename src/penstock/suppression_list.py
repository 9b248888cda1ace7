"""The suppression list as people handle it: by address, domain, company id or hash; files in and out."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from penstock.errors import InvalidInput
from penstock.law.canonical import organisation_key
from penstock.model.address import Address, parse_address
from penstock.model.moment import as_moment
from penstock.model.suppression import Hit, Suppression, SuppressionKind, SuppressionReason
from penstock.ports import RowFault
from penstock.sources.plain_rows import PlainRow, open_plain_rows
from penstock.store.suppressions import StoredSuppression
from penstock.wiring import House

__all__ = ["Imported", "SuppressionList"]

COLUMNS = ("address", "domain", "company_id", "hash", "reason", "scope", "at")
_PAGE = 1000
_DOMAIN = re.compile(r"(?:[^\s@.]+\.)+[^\s@.\d][^\s@.]*")
_HASH = re.compile(r"(?P<kind>hmac-sha256:[^:\s]+|sha256|md5):(?P<hex>[0-9a-fA-F]+)")
_HEX_DIGITS = {"sha256": 64, "md5": 32}


@dataclass(slots=True)
class Imported:
    """What a file came to."""

    rows: int = 0
    added: int = 0
    faults: tuple[RowFault, ...] = ()


class SuppressionList:
    """Works on an open house. What is refused is InvalidInput; it never quotes an address."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._identifier = house.identifier

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
        (entry,) = await self._house.store.suppressions.add([self.entry(subject, reason, scope, at, origin)])
        return entry

    async def remove(self, subject: str, why: str) -> int:
        """Take away the entries made for exactly this subject; the number removed. Recorded in the ledger."""
        kind, keys = self.keys(subject)
        wanted = set(keys)
        found = [each.id async for each in self.walk() if each.entry.kind is kind and wanted & set(each.entry.keys)]
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
            kind, keys, plain, _ = self._read(subject)
            is_domain = kind is SuppressionKind.DOMAIN and plain is not None
            identity = self._identifier.of_domain(plain or "") if is_domain else self._identifier.of_keys(keys)
        (hits,) = await self._house.store.suppressions.hits([identity])
        return hits

    def entry(
        self, subject: str, reason: SuppressionReason, scope: str, at: datetime | None, origin: str
    ) -> Suppression:
        """Read one entry. Raises InvalidInput."""
        kind, keys, plain, hashed = self._read(subject)
        return Suppression(
            kind, keys, self._scope(scope), reason, at or self._house.clock.now(), plain, hashed or origin
        )

    def keys(self, subject: str) -> tuple[SuppressionKind, tuple[bytes, ...]]:
        """What a subject is and the keys it is stored under. Raises InvalidInput."""
        kind, keys, _, _ = self._read(subject)
        return kind, keys

    def _read(self, subject: str) -> tuple[SuppressionKind, tuple[bytes, ...], str | None, str | None]:
        text = subject.strip()
        if found := _HASH.fullmatch(text):
            return (
                SuppressionKind.PERSON,
                self._hash_keys(found["kind"], found["hex"].lower()),
                None,
                _foreign(found["kind"]),
            )
        if "@" in text and not text.startswith("@"):
            address = parse_address(text)
            if not isinstance(address, Address):
                raise InvalidInput(f"not an address: {address.why}", where="suppression")
            return SuppressionKind.PERSON, self._identifier.entry_keys(address), str(address), None
        if _DOMAIN.fullmatch(text.removeprefix("@")):
            domain = self._domain(text.removeprefix("@"))
            return SuppressionKind.DOMAIN, self._identifier.domain_keys(domain)[:1], domain, None
        if not any(character.isdigit() for character in organisation_key(text)):
            mend = "a company id is a VAT or registry number"
            raise InvalidInput("is no address, domain, company id or hash", where="suppression", mend=mend)
        return SuppressionKind.COMPANY, self._identifier.organisation_keys(text)[:1], text, None

    def _domain(self, text: str) -> str:
        probe = parse_address(f"x@{text}")
        if not isinstance(probe, Address):
            raise InvalidInput(f"not a domain: {probe.why}", where="suppression")
        if self._identifier.is_provider(probe.domain):
            raise InvalidInput(
                f"{probe.domain} is a public mail provider and nobody's company",
                where="suppression",
                mend="add the person's address instead",
            )
        return probe.domain

    def _hash_keys(self, kind: str, digits: str) -> tuple[bytes, ...]:
        if kind in _HEX_DIGITS:
            if len(digits) != _HEX_DIGITS[kind]:
                raise InvalidInput(f"a {kind} hash has {_HEX_DIGITS[kind]} hex digits", where="suppression")
            return self._identifier.foreign_keys(kind, digits)[:1]
        key_id = kind.partition(":")[2]
        if len(digits) != 64:
            raise InvalidInput("an hmac-sha256 hash has 64 hex digits", where="suppression")
        if key_id not in {pepper.id for pepper in self._house.keyring.peppers}:
            raise InvalidInput(
                f"the hash was made under pepper {key_id}, which is not here",
                where="suppression",
                mend="put that pepper into the keys folder as an old one, or export plain",
            )
        return (bytes.fromhex(digits),)

    def _scope(self, scope: str) -> str:
        kind, colon, name = scope.strip().partition(":")
        if kind == "all" and not colon:
            return "all"
        if kind == "channel" and name:
            return f"channel:{name.lower()}"
        if kind == "controller" and name:
            controllers = self._house.services.controllers
            for controller in controllers.values():
                if name in {controller.id, controller.legal_name}:
                    return f"controller:{controller.id}"
            raise InvalidInput(
                f"no controller is called {name!r}", where="scope", mend=f"known: {', '.join(controllers)}"
            )
        raise InvalidInput(f"{scope!r} is no scope", where="scope", mend="all, controller:NAME or channel:NAME")

    async def import_file(self, path: Path) -> Imported:
        """Apply every good row of a CSV or JSONL file.

        Bad rows are answered, and hold commercial mail of their scope until the mended file is imported or `resolve`
        says that they are settled.
        """
        imported, faults, scopes = Imported(), [], []
        async for chunk in open_plain_rows(path, COLUMNS):
            entries = []
            for row in chunk:
                imported.rows += 1
                if isinstance(row, RowFault):
                    faults.append(row)
                    scopes.append("all")
                    continue
                try:
                    entries.append(self._entry_of_row(row))
                except InvalidInput as fault:
                    faults.append(RowFault(row.line, str(fault), raw=row.raw))
                    scopes.append(self._scope_of(row))
            imported.added += len(await self._house.store.suppressions.add(entries))
        imported.faults = tuple(faults)
        if faults:
            await self._house.store.suppressions.imports.add(path.name, len(faults), scopes)
        else:
            await self._house.store.suppressions.imports.resolve(path.name)
        return imported

    async def resolve(self, file: Path | None) -> int:
        """Settle the unusable rows of one imported file, or of all; how many files there were."""
        return await self._house.store.suppressions.imports.resolve(file.name if file else None)

    def _scope_of(self, row: PlainRow) -> str:
        """The scope an unusable row was meant for; `all` where that cannot be told."""
        try:
            return self._scope(row.values.get("scope") or "all")
        except InvalidInput:
            return "all"

    def _entry_of_row(self, row: PlainRow) -> Suppression:
        named = [row.values[name] for name in ("hash", "address", "domain", "company_id") if row.values.get(name)]
        if not named:
            raise InvalidInput("names no address, domain, company_id or hash")
        word = (row.values.get("reason") or "other").strip().lower()
        try:
            reason = SuppressionReason(word)
            at = as_moment(row.values["at"]) if row.values.get("at") else None
        except ValueError:
            raise InvalidInput(
                "unknown reason or unreadable date", mend=f"reasons: {', '.join(SuppressionReason)}"
            ) from None
        return self.entry(named[0], reason, row.values.get("scope") or "all", at, "import")

    async def export(self, *, hashed: bool) -> AsyncIterator[Mapping[str, str]]:
        """Rows for a file of `COLUMNS`: plain where the plain subject is still kept and `hashed` is not asked."""
        pepper = self._house.keyring.peppers[0].id
        async for stored in self.walk():
            each = stored.entry
            base = {"reason": each.reason.value, "scope": each.scope, "at": each.at.isoformat()}
            if each.subject is not None and (not hashed or each.kind is not SuppressionKind.PERSON):
                column = {"person": "address", "domain": "domain", "company": "company_id"}[each.kind]
                yield {**base, column: each.subject}
                continue
            for key in each.keys:
                yield {**base, "hash": f"hmac-sha256:{pepper}:{key.hex()}"}


def _foreign(kind: str) -> str | None:
    return kind if kind in _HEX_DIGITS else None
