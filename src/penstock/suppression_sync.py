"""Keeps our suppression list and an ESP's equal, as far as that harms nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from penstock.errors import InvalidInput
from penstock.model.address import Address, parse_address
from penstock.model.suppression import Suppression, SuppressionKind, SuppressionReason, scope_covers
from penstock.ports import EspLists, Listed
from penstock.wiring import House

__all__ = ["Difference", "SuppressionSync", "Synced"]

_PAGE = 500
_OBJECTIONS = frozenset(
    {SuppressionReason.OBJECTION, SuppressionReason.UNSUBSCRIBE, SuppressionReason.COMPLAINT, SuppressionReason.PHONE}
)
"""What is put on the ESP's list. A dead address it knows by itself; an erased person is nobody's to tell of."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What one side had and the other had not. `side`: theirs or ours; `done`: whether it was put right."""

    side: str
    reason: SuppressionReason
    list_name: str
    done: bool


@dataclass(slots=True)
class Synced:
    """What a sync came to."""

    listed: int = 0
    unusable: int = 0
    """Entries of the ESP that are no address."""
    pulled: int = 0
    pushed: int = 0
    differences: Counter[Difference] = field(default_factory=Counter)


def _nothing(_difference: Difference) -> None:
    return None


class SuppressionSync:
    """Entries are only ever added, on either side: an objection that one of them lost is still an objection."""

    def __init__(self, house: House, adapter: str) -> None:
        """Raises InvalidInput for an adapter that does not exist or keeps no lists."""
        self._house = house
        self._adapter = adapter
        if adapter not in house.settings.adapters:
            known = ", ".join(house.settings.adapters)
            raise InvalidInput("no such adapter", where=adapter, mend=f"adapters: {known}")
        lists: EspLists | None = getattr(house.adapters[adapter], "lists", None)
        if lists is None:
            raise InvalidInput("this way out keeps no suppression list that can be read", where=f"adapters.{adapter}")
        self._lists = lists
        self._store = house.store

    async def run(self, *, dry_run: bool = False, tell: Callable[[Difference], None] = _nothing) -> Synced:
        """Pull all that the ESP holds, then push objections of people whom this very ESP was given mail for.

        With `dry_run` nothing is changed on either side. Raises AdapterUnavailable; what was pulled until then stays.
        """
        synced = Synced()
        theirs: set[bytes] = set()
        async for page in self._lists.pull():
            await self._pull(page, theirs, synced, tell, dry_run=dry_run)
        async for entries in self._ours():
            await self._push(entries, theirs, synced, tell, dry_run=dry_run)
        if not dry_run:
            facts = {"adapter": self._adapter, "pulled": synced.pulled, "pushed": synced.pushed}
            await self._store.ledger.append("synced", facts)
        return synced

    async def _pull(
        self, page: Sequence[Listed], theirs: set[bytes], synced: Synced, tell: Callable[[Difference], None], *,
        dry_run: bool,
    ) -> None:  # fmt: skip
        known: list[tuple[Listed, Address]] = []
        for each in page:
            synced.listed += 1
            address = parse_address(each.address)
            if isinstance(address, Address):
                known.append((each, address))
            else:
                synced.unusable += 1
        identities = [self._house.identifier.of_address(address) for _, address in known]
        theirs.update(key for identity in identities for key in identity.person_keys)
        hits = await self._store.suppressions.hits(identities)
        fresh = []
        for (listed, address), found in zip(known, hits, strict=True):
            if any(hit.kind is SuppressionKind.PERSON and hit.scope == "all" and _as_strong(hit.reason, listed.reason)
                   for hit in found):  # fmt: skip
                continue
            fresh.append(self._entry(listed, address))
            self._differs(Difference("theirs", listed.reason, listed.list_name, not dry_run), synced, tell)
        if fresh and not dry_run:
            await self._store.suppressions.add(fresh)
            synced.pulled += len(fresh)

    def _entry(self, listed: Listed, address: Address) -> Suppression:
        now = self._house.clock.now()
        at = min(listed.at, now) if listed.at is not None else now
        keys = self._house.identifier.entry_keys(address)
        return Suppression(SuppressionKind.PERSON, keys, "all", listed.reason, at, str(address), "esp")

    async def _ours(self) -> AsyncIterator[list[Suppression]]:
        """Entries of persons whose address is still kept, page by page."""
        after = ""
        while page := await self._store.suppressions.entries(after, _PAGE):
            after = page[-1].id
            yield [
                each.entry
                for each in page
                if each.entry.kind is SuppressionKind.PERSON and each.entry.reason in _OBJECTIONS and each.entry.subject
            ]

    async def _push(
        self, entries: Sequence[Suppression], theirs: set[bytes], synced: Synced, tell: Callable[[Difference], None],
        *, dry_run: bool,
    ) -> None:  # fmt: skip
        missing = [each for each in entries if not theirs & set(each.keys)]
        wanted: dict[str, Suppression] = {}
        for address, each in await self._given(missing):
            wanted[str(address)] = each
        can = bool(self._lists.pushes_to)
        for each in wanted.values():
            self._differs(Difference("ours", each.reason, self._lists.pushes_to, can and not dry_run), synced, tell)
        if wanted and can and not dry_run:
            await self._lists.push(list(wanted))
            synced.pushed += len(wanted)
        theirs.update(key for each in wanted.values() for key in each.keys)

    async def _given(self, entries: Sequence[Suppression]) -> list[tuple[Address, Suppression]]:
        """Those whose very address this adapter was handed, for a controller that the entry binds.

        Another form of the address, or a person that only a test mail was meant for, the ESP never had.
        """
        read = [(parse_address(each.subject or ""), each) for each in entries]
        known = [(address, each) for address, each in read if isinstance(address, Address)]
        exact = [self._house.identifier.entry_keys(address)[0] for address, _ in known]
        handed = await self._store.returns.were_handed(self._adapter, exact)
        bound = {place for place, controller in handed if scope_covers(known[place][1].scope, controller=controller)}
        return [known[place] for place in sorted(bound)]

    @staticmethod
    def _differs(difference: Difference, synced: Synced, tell: Callable[[Difference], None]) -> None:
        synced.differences[difference] += 1
        tell(difference)


def _as_strong(ours: SuppressionReason, theirs: SuppressionReason) -> bool:
    """Whether what we hold binds at least as much: a dead address does not stop what an objection would, nor the other
    way round (transactional mail).
    """
    if theirs is SuppressionReason.BOUNCE:
        return ours in {SuppressionReason.BOUNCE, SuppressionReason.ERASURE}
    return ours is not SuppressionReason.BOUNCE
