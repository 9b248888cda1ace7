"""Whether the address itself may be mailed: how it is written, whose mailbox it is, who reads it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import ClassVar

from penstock.law.mailboxes import Mailboxes
from penstock.model.address import Address, AddressFault, parse_address
from penstock.model.codes import Code
from penstock.model.contact import Consent, Contact, Flag, Mechanism, RecipientKind
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import ALL_STREAMS, Phase, Services

__all__ = ["MINOR_FLAG", "SPECIAL", "AddressCheck", "AddressOptions"]

_NAME = "address"
_ADDRESS = Facts(("address",))
_OLDEST_YEAR = 1900
_ASK_AGAIN = timedelta(minutes=15)
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK")

_CLEAR = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="The address can be mailed, and it is a professional one.",
        facts=Facts(("address", "recipient_kind", "born", "flags")),
        rule="RFC 5321 section 4.5.3.1",
    ),
)
_CONSENTED = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="The address is a private one, and its owner gave a proven consent.",
        facts=Facts(("address", "recipient_kind", "born", "flags", "consents")),
        rule="Directive 2002/58/EC Art. 13(1)",
    ),
)
_WRITTEN_WELL = (
    Reason(_NAME, Verdict.SEND, why="The address can be mailed.", facts=_ADDRESS, rule="RFC 5321 section 4.5.3.1"),
)
_UNKNOWN = Reason(
    _NAME,
    Verdict.HOLD,
    Code.CONTACT_UNKNOWN,
    "No contact record says who this is and where the address comes from.",
    _ADDRESS,
    "GDPR Art. 14(2)(f)",
)
_NO_SMTPUTF8 = Reason(
    _NAME,
    Verdict.HOLD,
    Code.SMTPUTF8_UNSUPPORTED,
    "The part before @ has characters that the way out for this mail cannot carry.",
    _ADDRESS,
    "RFC 6531",
)
_NEVER_SMTPUTF8 = replace(_NO_SMTPUTF8, verdict=Verdict.BLOCK)  # nobody would mend it: the submitter is told
_BRAKED = Reason(
    _NAME,
    Verdict.HOLD,
    Code.SAFETY_BRAKE,
    "The address is not among those to whom mail may leave at present.",
    _ADDRESS,
    "safety.allow_recipients",
)
_CONFUSABLE = Reason(
    _NAME,
    Verdict.HOLD,
    Code.INVALID_ADDRESS,
    "The address mixes letters of alphabets that look alike; somebody should compare it with its source.",
    _ADDRESS,
    "Unicode UTS #39 section 5.1",
)
MINOR_FLAG = Reason(
    _NAME, Verdict.BLOCK, Code.MINOR, "The person is marked as a minor.", Facts(("flags",)), "GDPR Recital 38"
)
_YOUNG = Reason(
    _NAME,
    Verdict.BLOCK,
    Code.MINOR,
    "The person is a minor by the date of birth.",
    Facts(("born",)),
    "GDPR Recital 38; policy.minor_under",
)
_BORN_WHEN = Reason(
    _NAME,
    Verdict.HOLD,
    Code.MINOR,
    "The date of birth cannot be right, so the age is unknown.",
    Facts(("born",)),
    "GDPR Art. 5(1)(d); policy.minor_under",
)
SPECIAL = Reason(
    _NAME,
    Verdict.HOLD,
    Code.SPECIAL_CATEGORY,
    "The record holds data of a special category; a person must decide.",
    Facts(("flags",)),
    "GDPR Art. 9(1)",
)


@dataclass(frozen=True, slots=True)
class AddressOptions:
    """`minor_under`: persons younger than that many years are not mailed."""

    minor_under: int = 18


class AddressCheck:
    """Judges the address and the person behind it.

    All streams: the address is well-formed, not confusable, allowed by `[safety]`, and the adapter can carry it.
    Commercial streams only: no technical role account, no private address without proven consent, no minor, no
    special category.
    """

    Options: ClassVar[type] = AddressOptions
    name = _NAME
    phase = Phase.JUDGE
    hears = False
    streams = ALL_STREAMS
    reads: tuple[str, ...] = ("address", "recipient_kind", "born", "flags", "consents")
    needs: tuple[str, ...] = ("clock", "controllers", "routes", "capabilities", "safety")

    def __init__(self, options: AddressOptions, services: Services, mailboxes: Mailboxes | None = None) -> None:
        """`mailboxes` replaces the shipped lists of mail providers and role accounts."""
        self._minor_under = options.minor_under
        self._services = services
        self._mailboxes = Mailboxes.load() if mailboxes is None else mailboxes

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """No store call at all."""
        now = self._services.clock.now()
        return [self._reasons(mail, now) for mail in mails]

    def _reasons(self, mail: Mail, now: datetime) -> tuple[Reason, ...]:
        address = parse_address(mail.address)
        against = [_unusable(address)] if isinstance(address, AddressFault) else self._written(mail, address)
        if not self._services.safety.allows(mail.envelope.recipient):
            against.append(_BRAKED)
        if not mail.stream.commercial:
            return tuple(against) or _WRITTEN_WELL
        if mail.contact is None:
            return (*against, _UNKNOWN)
        against += self._read_by(mail.contact, now)
        if isinstance(address, AddressFault):
            return tuple(against)
        if self._mailboxes.role_of(address.local) == "technical":
            against.append(_technical(address))
        provider = self._mailboxes.is_provider(address.domain)
        if not provider and mail.kind is not RecipientKind.PRIVATE:
            return tuple(against) or _CLEAR
        if not any(self._proven(consent, mail.controller, now) for consent in mail.contact.consents):
            against.append(_private(address, provider=provider))
        return tuple(against) or _CONSENTED

    def _written(self, mail: Mail, address: Address) -> list[Reason]:
        if address.local.isascii() and "xn--" not in address.domain:
            return []
        against = []
        if address.needs_smtputf8:
            way_out = self._services.capabilities.get(self._services.way_of(mail))
            takes = way_out is not None and way_out.smtputf8
            if takes is None and not mail.stream.commercial:
                until = self._services.clock.now() + _ASK_AGAIN
                against.append(replace(_NO_SMTPUTF8, verdict=Verdict.DEFER, facts=replace(_ADDRESS, until=until)))
            elif not takes:
                against.append(_NO_SMTPUTF8 if mail.stream.commercial else _NEVER_SMTPUTF8)
        if _confusable(address):
            against.append(_CONFUSABLE)
        return against

    def _proven(self, consent: Consent, controller: str, now: datetime) -> bool:
        """Given, by e-mail, to this controller, on record, not withdrawn (GDPR Art. 4(11), 7(1), 7(3))."""
        known = self._services.controllers.get(controller)
        names = (controller,) if known is None else (controller, known.legal_name)
        return (
            consent.channel == "email"
            and consent.controller in names
            and consent.withdrawn_at is None
            and consent.mechanism not in (None, Mechanism.PRE_TICKED)
            and bool(consent.evidence)
            and consent.given_at is not None
            and consent.given_at <= now
        )

    def _read_by(self, contact: Contact, now: datetime) -> list[Reason]:
        against = []
        if contact.born is not None and (about_age := _age(contact.born, now.date(), self._minor_under)):
            against.append(about_age)
        if contact.flags:
            if Flag.MINOR in contact.flags:
                against.append(MINOR_FLAG)
            if Flag.SPECIAL_CATEGORY in contact.flags:
                against.append(SPECIAL)
        return against


def _unusable(fault: AddressFault) -> Reason:
    why = f"This is no address that can be mailed: {fault.why}."
    return Reason(_NAME, Verdict.REJECT, Code.INVALID_ADDRESS, why, _ADDRESS, "RFC 5321 section 4.1.2")


def _technical(address: Address) -> Reason:
    why = f"{address.local}@ is a technical mailbox; nobody reads offers there."
    return Reason(_NAME, Verdict.BLOCK, Code.ROLE_ADDRESS_TECHNICAL, why, _ADDRESS, "RFC 2142")


def _private(address: Address, *, provider: bool) -> Reason:
    whose = f"{address.domain} is a public mail provider" if provider else "The address is a private one"
    return Reason(
        _NAME,
        Verdict.BLOCK,
        Code.NOT_PROFESSIONAL,
        f"{whose}, and no proven consent to mail from this sender is on record.",
        Facts(("address", "recipient_kind", "consents")),
        "Directive 2002/58/EC Art. 13(1)",
    )


def _age(born: date, today: date, minor_under: int) -> Reason | None:
    if born > today or born.year < _OLDEST_YEAR:
        return _BORN_WHEN
    # Compared as numbers: who was born on 29 February comes of age on 1 March of a common year.
    if (born.year + minor_under, born.month, born.day) > (today.year, today.month, today.day):
        return _YOUNG
    return None


def _confusable(address: Address) -> bool:
    if _mixed(address.local):
        return True
    if "xn--" not in address.domain:
        return False
    import idna

    try:
        return any(map(_mixed, idna.decode(address.domain).split(".")))
    except idna.IDNAError:
        # A label that cannot be shown cannot be compared by anybody.
        return True


def _mixed(text: str) -> bool:
    """Letters of more than one of the alphabets that look alike; full-width forms count as what they show."""
    if text.isascii():
        return False
    names = {unicodedata.name(letter, "").partition(" ")[0] for letter in unicodedata.normalize("NFKC", text)}
    return sum(script in names for script in _SCRIPTS) > 1
