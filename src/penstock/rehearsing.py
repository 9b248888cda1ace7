"""Finished mails sent to oneself: marked as tests, with links that change nothing, counted for nobody."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from penstock.checking import judge_contacts, rows_of
from penstock.errors import InvalidInput
from penstock.law.canonical import person_form
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Campaign
from penstock.model.contact import Contact
from penstock.model.mail import Letter, Mail, Message
from penstock.model.outcome import Outcome, word
from penstock.model.verdict import Decision, Reason, Verdict, decide
from penstock.pipeline import Pipeline
from penstock.ports import ALL_STREAMS, ContactRow, NoOptions, Phase, Source, Tokens
from penstock.run_tally import RunTally
from penstock.wiring import House

__all__ = ["Rehearsed", "rehearse"]


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One test mail. `decision` is what the real mail would meet; `outcome` None: it could not be composed (`why`)."""

    address: str
    decision: Decision
    outcome: Outcome | None
    why: str = ""


async def rehearse(
    house: House,
    campaign: Campaign,
    source: Source,
    to: str,
    *,
    as_address: str | None = None,
    limit: int = 1,
    new_id: Callable[[], str] = lambda: os.urandom(16).hex(),
) -> list[Rehearsed]:
    """Compose the mails of the first `limit` rows, or of the one contact, and send them to `to`.

    No cap, rate or notice is used up and the real mails are still due; the ledger keeps how many tests were made.
    Raises InvalidInput where `to` may not get mail or no contact is found, Unavailable where the way out is away.
    """
    recipient = _recipient(house, to)
    contacts = [contact async for contact in _wanted(source, as_address, limit)]
    if not contacts:
        mend = "name the file with --contacts FILE"
        raise InvalidInput("no contact has this address" if as_address else "there is no contact", mend=mend)
    judging = house.pipeline(peek=True)
    decided = await judge_contacts(house, judging, campaign, contacts, RunTally(), Phase.JUDGE)
    making = _making(house)
    drafts = [house.assembler.trial(mail, campaign, new_id(), recipient) for mail, _ in decided]
    made = await making.run(drafts)
    outcomes = iter(await _delivered(house, [mail for mail in made if _finished(mail)]))
    results = [
        Rehearsed(mail.address, decision, next(outcomes) if _finished(test) else None, _why(test))
        for (mail, decision), test in zip(decided, made, strict=True)
    ]
    await _tell(house, campaign, results)
    return results


def _recipient(house: House, to: str) -> str:
    safety = house.services.safety
    address = parse_address(safety.redirect_to or to)
    if not isinstance(address, Address):
        raise InvalidInput(f"not an address: {address.why}", where="--test-to")
    if not safety.allows(str(address)):
        raise InvalidInput("not among safety.allow_recipients", where="--test-to", mend="add it there")
    return str(address)


async def _wanted(source: Source, as_address: str | None, limit: int) -> AsyncIterator[Contact]:
    parsed = parse_address(as_address) if as_address is not None else None
    if parsed is not None and not isinstance(parsed, Address):
        raise InvalidInput(f"not an address: {parsed.why}", where="--as")
    left = limit
    async for chunk in rows_of(source, None):
        for row in chunk:
            if left <= 0:
                return
            if isinstance(row, ContactRow) and (parsed is None or _is_of(row.contact, parsed)):
                yield row.contact
                left = 0 if parsed is not None else left - 1


def _is_of(contact: Contact, address: Address) -> bool:
    candidate = parse_address(contact.address)
    return isinstance(candidate, Address) and person_form(candidate) == person_form(address)


def _making(house: House) -> Pipeline:
    """The stages that make and verify a mail, with tokens that change nothing and the mark of a test."""
    services = replace(house.services, tokens=_TestTokens(house.services.tokens))
    stages = replace(house, services=services).pipeline(peek=True).stages
    making = [stage for stage in stages if stage.phase >= Phase.COMPOSE]
    place = next(at for at, stage in enumerate(making) if stage.phase > Phase.COMPOSE)
    return Pipeline([*making[:place], _Mark(), *making[place:]])


async def _delivered(house: House, mails: Sequence[Mail]) -> list[Outcome]:
    outcomes: dict[str, Outcome] = {}
    by_way: dict[str, list[Mail]] = {}
    for mail in mails:
        by_way.setdefault(house.services.way_of(mail), []).append(mail)
    for way, those in by_way.items():
        adapter = house.adapters[way]
        size = adapter.capabilities.max_batch
        for at in range(0, len(those), size):
            part = those[at : at + size]
            outcomes.update(zip([mail.id for mail in part], await adapter.deliver(part), strict=True))
    return [outcomes[mail.id] for mail in mails]


def _finished(mail: Mail) -> bool:
    return isinstance(mail.content, Message) and decide(mail.reasons, mail.variant).may_go


def _why(mail: Mail) -> str:
    against = (each for each in mail.reasons if each.verdict is not Verdict.SEND)
    return next((f"{each.code}: {each.why}" for each in against), "")


async def _tell(house: House, campaign: Campaign, results: Sequence[Rehearsed]) -> None:
    outcomes = [word(each.outcome) for each in results if each.outcome is not None]
    facts = {"step": campaign.id, "campaign": campaign.digest, "outcomes": outcomes}
    await house.store.ledger.append("test", facts)


class _TestTokens:
    """Signs for the same places, so that links look real, under purposes that no page acts on."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def sign(self, purpose: str, mail_id: str) -> str:
        return self._tokens.sign(f"test-{purpose}", mail_id)

    def read(self, token: str) -> tuple[str, str] | None:
        found = self._tokens.read(token)
        return None if found is None else (found[0].removeprefix("test-"), found[1])


class _Mark:
    """Says in subject and header that this is a test."""

    Options: ClassVar[type] = NoOptions
    name = "test_mark"
    phase = Phase.COMPOSE
    streams = ALL_STREAMS
    reads: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    async def edit(self, mails: Sequence[Mail], /) -> Sequence[Mail | Reason]:
        return [self._marked(mail) for mail in mails]

    def _marked(self, mail: Mail) -> Mail:
        letter = mail.content
        if not isinstance(letter, Letter):
            return mail
        headers = tuple((name, f"[TEST] {value}" if name == "Subject" else value) for name, value in letter.headers)
        return mail.with_content(replace(letter, headers=(*headers, ("X-Penstock-Test", "yes"))))
