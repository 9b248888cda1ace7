"""National registers of those who want no advertising by e-mail (Directive 2000/31/EC Art. 7(2))."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import ClassVar

from penstock.law.countries import country_code
from penstock.model.codes import Code
from penstock.model.contact import RecipientKind
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, NoOptions, Phase, Services

__all__ = ["ExternalRegister"]

_NAME = "external_register"
_READS = ("address", "country", "workplace_country", "recipient_kind")
_CONSENT = "consent:"
_NO_CONTACT = (
    Reason(
        _NAME,
        Verdict.HOLD,
        Code.CONTACT_UNKNOWN,
        "No contact record says which country's register must be asked.",
        Facts(_READS),
        "Directive 2000/31/EC Art. 7(2)",
    ),
)
_NOT_CONCERNED = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="No national register must be asked about this mailbox.",
        facts=Facts(_READS[1:]),
        rule="Directive 2000/31/EC Art. 7(2)",
    ),
)


@dataclass(frozen=True, slots=True)
class _Law:
    """What the country's law makes of its register.

    `generic_only`: it protects the mailboxes of legal persons alone. `consent_wins`: the recipient's own consent
    goes before an entry.
    """

    called: str
    rule: str
    generic_only: bool = False
    consent_wins: bool = False


_LAWS = {
    "ECG": _Law("the Austrian ECG list", "ECG § 7(2); TKG 2021 § 174", consent_wins=True),
    "KZP": _Law("the Bulgarian register of the KZP", "Bulgarian E-Commerce Act art. 6"),
    "DGC": _Law("the Portuguese list of the DGC", "Lei 41/2004 art. 13-B", generic_only=True),
    "LI-ECG": _Law("the Liechtenstein ECG list", "Liechtenstein ECG art. 7"),
}


@dataclass(frozen=True, slots=True)
class _Answers:
    """What can be said of one register."""

    listed: tuple[Reason, ...]
    unknown: tuple[Reason, ...]
    absent: tuple[Reason, ...]
    consented: tuple[Reason, ...]


class ExternalRegister:
    """Blocks what a national register forbids, and holds where the register that must be asked is not at hand.

    Asked are the registers of the contact's country and of the place of work. An old copy still blocks whom it lists.
    Stands after the legal basis: whether a valid consent carries the mail is read from that check's reasons.
    """

    Options: ClassVar[type] = NoOptions
    name = _NAME
    phase = Phase.JUDGE
    hears = True
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = _READS
    needs: tuple[str, ...] = ("clock", "jurisdictions", "registers")

    def __init__(self, _options: NoOptions, services: Services) -> None:
        self._services = services
        # Pairs of countries and registers are few, mails are many.
        self._due_in = lru_cache(maxsize=1_000)(self._registers_of)
        self._answers = lru_cache(maxsize=100)(_answers)

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """One look-up for each register that concerns any of the mails; none where no register does."""
        today = self._services.clock.now().date()
        said: list[tuple[Reason, ...]] = [_NO_CONTACT if mail.contact is None else _NOT_CONCERNED for mail in mails]
        places: dict[str, list[int]] = {}
        for place, mail in enumerate(mails):
            for register in self._asked(mail, today):
                places.setdefault(register, []).append(place)
        for register, concerned in places.items():
            found = await self._services.registers.listed(register, [mails[place].address for place in concerned])
            for place, listed in zip(concerned, found, strict=True):
                reasons = self._reasons(register, listed, mails[place])
                said[place] = reasons if said[place] is _NOT_CONCERNED else said[place] + reasons
        return said

    def _asked(self, mail: Mail, today: date) -> Sequence[str]:
        contact = mail.contact
        if contact is None:
            return ()
        due = self._due_in(contact.country, contact.workplace_country, today)
        if not due or mail.kind is RecipientKind.GENERIC:
            return due
        return [register for register in due if not _law(register).generic_only]

    def _registers_of(self, country: str | None, workplace: str | None, today: date) -> tuple[str, ...]:
        """A country that nobody knows has no register; that it is not known, the legal basis says."""
        codes = (country_code(text) for text in (country, workplace) if text)
        rows = (self._services.jurisdictions.of(code, today) for code in codes if code)
        return tuple(dict.fromkeys(row.ext_register for row in rows if row.ext_register))

    def _reasons(self, register: str, listed: bool | None, mail: Mail) -> tuple[Reason, ...]:
        answers = self._answers(register)
        if listed is False:
            return answers.absent
        if _law(register).consent_wins and _consented(mail):
            return answers.consented
        return answers.unknown if listed is None else answers.listed


def _law(register: str) -> _Law:
    """A register that only a table of the house names protects everybody, and nothing goes before it."""
    known = _LAWS.get(register)
    return _Law(f"the register {register}", "Directive 2000/31/EC Art. 7(2)") if known is None else known


def _consented(mail: Mail) -> bool:
    return any(
        reason.verdict is Verdict.SEND and any(record.startswith(_CONSENT) for record in reason.facts.records)
        for reason in mail.reasons
    )


def _answers(register: str) -> _Answers:
    law = _law(register)
    facts = Facts(_READS, (f"register:{register}",))

    def stopped(verdict: Verdict, why: str, rule: str) -> tuple[Reason, ...]:
        return (Reason(_NAME, verdict, Code.EXTERNAL_REGISTER, why, facts, rule),)

    def passed(why: str) -> tuple[Reason, ...]:
        return (Reason(_NAME, Verdict.SEND, why=why, facts=facts, rule=law.rule),)

    unknown = (
        f"Nobody can say whether the address is on {law.called}: there is no copy of it, "
        "or the copy is too old to prove that it is not."
    )
    return _Answers(
        listed=stopped(Verdict.BLOCK, f"The address is on {law.called}: it must get no advertising.", law.rule),
        unknown=stopped(Verdict.HOLD, unknown, f"{law.rule}; registers.{register}"),
        absent=passed(f"The address is not on {law.called}."),
        consented=passed(f"The recipient's own consent goes before {law.called}."),
    )
