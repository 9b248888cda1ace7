"""Consents as people record, withdraw and look them up (GDPR Art. 7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from penstock.errors import InvalidInput
from penstock.law.consent import ConsentScope, accepted_mechanisms, consents_found, plain
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Controller
from penstock.model.codes import Code
from penstock.model.contact import Consent, Contact, Mechanism
from penstock.model.suppression import Hit, Suppression, SuppressionKind, SuppressionReason, scope_covers
from penstock.store.contacts import StoredContact
from penstock.suppression_list import SuppressionList
from penstock.suppression_subject import CHANNELS
from penstock.wiring import House

__all__ = ["ConsentDesk", "Recorded", "Withdrawn"]

_UNPROVEN = {
    Code.CONSENT_UNPROVEN: "its wording, evidence and mechanism do not prove it where the person lives",
    Code.CONSENT_EXPIRED: "it is too old",
    Code.CONSENT_WITHDRAWN: "it was withdrawn",
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A consent that is kept. `lifted` are the entries of the suppression list it lifted, `standing` those that remain
    and still bind mail of that controller.
    """

    contact_id: str
    is_new: bool
    lifted: tuple[str, ...] = ()
    standing: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """`consents` were withdrawn now; `entry` is the objection that was recorded where no consent was on record."""

    contact_id: str | None
    consents: int = 0
    entry: str | None = None


class ConsentDesk:
    """Works on an open house. What cannot be meant is InvalidInput; it never quotes an address."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._store = house.store
        self._suppressions = SuppressionList(house)

    async def record(self, address: str, consent: Consent, *, lift: bool = False) -> Recorded:
        """Keep a consent with the contact, which is made where it is unknown; the ledger learns of it.

        Without `given_at` it was given now. With `lift` it also takes away what the person said earlier against mail of
        that controller: entries for the person, not its company, that are older than the consent; never a dead
        address. An entry that binds other controllers, too, goes on binding those of the config. Raises InvalidInput
        for a consent that is not complete, lies in the future or rests on a pre-ticked box (GDPR Art. 4(11)), and with
        `lift` for one that does not prove itself; then nothing is recorded.
        """
        parsed, controller = _address(address), self._controller(consent.controller)
        known = await self._known(parsed)
        complete = self._complete(consent, controller)
        if lift:
            self._refuse_unproven(complete, controller, known)
        exact = known.contact.address if known else str(parsed)
        contact = Contact(exact, consents=(complete,))
        (kept,) = await self._store.contacts.upsert([(contact, self._house.identifier.of(contact))])
        facts = {"contact": kept.id, "channel": complete.channel, "controller": controller.id}
        await self._store.ledger.append("consent_recorded", {**facts, "mechanism": complete.mechanism, "lift": lift})
        hits = await self._binding(str(parsed), controller, complete.channel or "")
        if not lift:
            return Recorded(kept.id, kept.is_new, standing=hits)
        older = tuple(hit for hit in hits if _liftable(hit, complete.given_at))
        await self._lift(parsed, older, controller)
        standing = tuple(hit for hit in hits if hit not in older)
        return Recorded(kept.id, kept.is_new, tuple(hit.entry for hit in older), standing)

    async def withdraw(self, address: str, *, channel: str = "", controller: str = "", purpose: str = "") -> Withdrawn:
        """Withdraw every consent that matches what is given; what a record leaves unstated matches.

        Where none is on record it is an objection all the same: an entry `unsubscribe` for the controller named, else
        for the channel, else for all. Asking twice changes nothing. Raises InvalidInput.
        """
        parsed, now = _address(address), self._house.clock.now()
        named = self._controller(controller) if controller.strip() else None
        word = _channel(channel) if channel.strip() else ""
        scope = f"controller:{named.id}" if named else f"channel:{word}" if word else "all"
        names = {plain(named.id), plain(named.legal_name)} if named else set()
        known = await self._known(parsed)
        found = [
            each
            for each in (known.contact.consents if known else ())
            if _meant(each.channel, {word})
            and _meant(each.controller, names)
            and _meant(each.purpose, {plain(purpose)})
        ]
        if known is None or not found:
            reason = SuppressionReason.UNSUBSCRIBE
            entry = await self._suppressions.add(str(parsed), reason, scope=scope, origin="consent")
            return Withdrawn(known.id if known else None, entry=entry)
        standing = [each for each in found if each.withdrawn_at is None or each.withdrawn_at > now]
        if standing:
            await self._withdraw(known, standing, now)
        return Withdrawn(known.id, len(standing))

    async def consents(self, address: str) -> Sequence[Consent]:
        """All that is on record of the person, oldest first as they came in; none for somebody unknown."""
        known = await self._known(_address(address))
        return known.contact.consents if known else ()

    async def _withdraw(self, known: StoredContact, consents: Sequence[Consent], now: datetime) -> None:
        withdrawn = tuple(replace(each, withdrawn_at=now) for each in consents)
        contact = Contact(known.contact.address, consents=withdrawn)
        await self._store.contacts.upsert([(contact, self._house.identifier.of(contact))])
        await self._store.ledger.append("consent_withdrawn", {"contact": known.id, "consents": len(withdrawn)})

    async def _known(self, address: Address) -> StoredContact | None:
        (known,) = await self._store.contacts.find([self._house.identifier.of_address(address)])
        return known

    def _controller(self, name: str | None) -> Controller:
        controllers = self._house.services.controllers
        for each in controllers.values():
            if plain(name) and plain(name) in (plain(each.id), plain(each.legal_name)):
                return each
        mend = f"known: {', '.join(controllers) or 'none'}"
        raise InvalidInput(f"no controller is called {name!r}", where="--controller", mend=mend)

    def _complete(self, consent: Consent, controller: Controller) -> Consent:
        """The consent with the controller's legal name, and a date where it has none. Raises InvalidInput."""
        now = self._house.clock.now()
        channel, given = _channel(consent.channel or ""), consent.given_at or now
        for name in ("purpose", "wording", "evidence"):
            if not (getattr(consent, name) or "").strip():
                raise InvalidInput("is empty; without it nobody can prove the consent", where=f"--{name}")
        if consent.mechanism in (None, Mechanism.PRE_TICKED):
            what = "a pre-ticked box is no consent" if consent.mechanism else "nobody says how it was given"
            raise InvalidInput(what, where="--mechanism", mend="double_opt_in, single_opt_in, written or oral")
        if given > now:
            raise InvalidInput("lies in the future", where="--given-at")
        if consent.withdrawn_at is not None:
            raise InvalidInput("a consent is recorded as given", where="withdrawn_at", mend="penstock consent withdraw")
        return replace(consent, channel=channel, controller=controller.legal_name, given_at=given)

    def _refuse_unproven(self, consent: Consent, controller: Controller, known: StoredContact | None) -> None:
        """Raises InvalidInput for a consent that no mail could rest on where the person and the controller are."""
        services, now = self._house.services, self._house.clock.now()
        contact = known.contact if known else None
        own = (contact.country, contact.workplace_country) if contact else ()
        countries = {code for code in (*own, controller.country) if code} if any(own) else {None, controller.country}
        proofs = [services.jurisdictions.of(code, now.date()).proof for code in countries]
        scope = ConsentScope(
            plain(consent.channel), frozenset({plain(consent.controller)}), frozenset({plain(consent.purpose)})
        )
        months = self._house.settings.policy.consent_after_months
        taken = accepted_mechanisms(proofs)
        found = consents_found([consent], scope, taken, used_at=None, now=now, months=months)
        if found.valid is None:
            why = " and ".join(_UNPROVEN.get(code, str(code)) for code in found.defects)
            mend = f"proof there: {', '.join(sorted(taken))}; without --lift it is recorded all the same"
            raise InvalidInput(f"this consent lifts nothing: {why}", where="--lift", mend=mend)

    async def _binding(self, address: str, controller: Controller, channel: str) -> tuple[Hit, ...]:
        hits = await self._suppressions.check(address)
        names = (controller.id, controller.legal_name)
        return tuple(
            hit for hit in hits if any(scope_covers(hit.scope, controller=name, channel=channel) for name in names)
        )

    async def _lift(self, address: Address, hits: Sequence[Hit], controller: Controller) -> None:
        """First bind whom the entries bind besides, then take them away: whatever breaks off in between binds more."""
        others = [name for name in self._house.services.controllers if name != controller.id]
        keys = self._house.identifier.entry_keys(address)
        kept = [
            Suppression(SuppressionKind.PERSON, keys, f"controller:{name}", hit.reason, hit.at, None, "consent")
            for hit in hits
            if not hit.scope.startswith("controller:")
            for name in others
        ]
        await self._store.suppressions.add(kept)
        await self._store.suppressions.remove([hit.entry for hit in hits], "consent")


def _address(text: str) -> Address:
    parsed = parse_address(text)
    if not isinstance(parsed, Address):
        raise InvalidInput(f"not an address: {parsed.why}", where="ADDRESS")
    return parsed


def _channel(text: str) -> str:
    word = text.strip().lower()
    if word not in CHANNELS:
        raise InvalidInput(f"no channel is called {text!r}", where="--channel", mend=f"known: {', '.join(CHANNELS)}")
    return word


def _meant(stated: str | None, wanted: set[str]) -> bool:
    """Whether a withdrawal of these (all, where none is named) means a consent that states this."""
    return not any(wanted) or plain(stated) in ("", *wanted)


def _liftable(hit: Hit, given_at: datetime | None) -> bool:
    if hit.kind is not SuppressionKind.PERSON or hit.reason is SuppressionReason.BOUNCE:
        return False
    return given_at is not None and given_at > hit.at
