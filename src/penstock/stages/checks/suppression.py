"""The lasting "do not mail": objections, opt-outs, complaints, dead addresses, erasures and restrictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from penstock.law.suppression_codes import binding_codes
from penstock.model.codes import Code
from penstock.model.contact import Flag
from penstock.model.mail import Mail
from penstock.model.suppression import Hit, SuppressionKind, SuppressionReason, scope_covers
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import ALL_STREAMS, NoOptions, Phase, Services

__all__ = ["RESTRICTED", "SuppressionCheck"]

_NAME = "suppression"
_PERSON_FIELDS = ("address",)
_COMPANY_FIELDS = ("address", "company.domains", "company.id")

_RULES = {
    Code.SUPPRESSED_PERSON: "GDPR Art. 21(3)",
    Code.SUPPRESSED_COMPANY: "Directive 2002/58/EC Art. 13(5)",
    Code.COMPLAINED: "GDPR Art. 21(2); RFC 5965",
    Code.HARD_BOUNCED: "RFC 5321 section 4.2.1",
    Code.ERASED_TOMBSTONE: "GDPR Art. 17(1)",
}

_SAID = {
    SuppressionReason.OBJECTION: "The person objected to advertising on {day}.",
    SuppressionReason.UNSUBSCRIBE: "The person unsubscribed on {day}.",
    SuppressionReason.PHONE: "The person asked by phone on {day} not to be mailed.",
    SuppressionReason.OTHER: "The person was put on the do-not-mail list on {day}.",
    SuppressionReason.COMPLAINT: "The person reported a mail as unwanted on {day}.",
    SuppressionReason.BOUNCE: "The address was found dead on {day}.",
    SuppressionReason.ERASURE: "The person's data were erased on {day} and must not be used again.",
}

_CLEAR = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="No entry of the do-not-mail list stands against this mail.",
        facts=Facts((*_COMPANY_FIELDS, "flags")),
        rule="GDPR Art. 21(3)",
    ),
)
RESTRICTED = Reason(
    _NAME,
    Verdict.BLOCK,
    Code.RESTRICTED,
    "The person's data may be stored but not used at present.",
    Facts(("flags",)),
    "GDPR Art. 18(2)",
)
_UNRESOLVED = Reason(
    _NAME,
    Verdict.HOLD,
    Code.IMPORT_UNRESOLVED,
    "Rows of an imported do-not-mail file could not be read; whom they protect is not known.",
    Facts(_COMPANY_FIELDS),
    "GDPR Art. 21(3); penstock suppress import --resolve",
)


class SuppressionCheck:
    """Stops a mail that any entry of the list forbids, whichever form of the address the entry was made for.

    Commercial mail: every entry whose scope covers its controller or channel, and the flag `restricted`.
    Transactional mail: dead addresses and erasures. Notices: dead addresses. No block has an end.
    """

    Options: ClassVar[type] = NoOptions
    name = _NAME
    phase = Phase.JUDGE
    hears = False
    streams = ALL_STREAMS
    reads: tuple[str, ...] = (*_COMPANY_FIELDS, "flags")
    needs: tuple[str, ...] = ("suppressions", "controllers")

    def __init__(self, _options: NoOptions, services: Services) -> None:
        self._suppressions = services.suppressions
        self._controllers = services.controllers

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """Two look-ups for the whole batch; a reason per entry that binds."""
        found = await self._suppressions.hits([mail.identity for mail in mails])
        waiting = await self._suppressions.unresolved()
        return [self._reasons(mail, hits, waiting) for mail, hits in zip(mails, found, strict=True)]

    def _reasons(self, mail: Mail, hits: tuple[Hit, ...], waiting: Sequence[str]) -> tuple[Reason, ...]:
        flags = mail.contact.flags if mail.contact is not None and mail.stream.commercial else ()
        restricted = Flag.RESTRICTED in flags
        unresolved = mail.stream.commercial and any(self._covers(scope, mail.controller) for scope in waiting)
        if not hits and not restricted and not unresolved:
            return _CLEAR
        against = [
            _block(code, hit)
            for hit in hits
            if self._covers(hit.scope, mail.controller)
            for code in binding_codes(hit, mail.stream)
        ]
        if restricted:
            against.append(RESTRICTED)
        if unresolved:
            against.append(_UNRESOLVED)
        return tuple(against) or _CLEAR

    def _covers(self, scope: str, controller: str) -> bool:
        """People write a scope with the controller's id or its legal name; a refusal must hold either way."""
        if scope_covers(scope, controller=controller):
            return True
        known = self._controllers.get(controller)
        return known is not None and scope_covers(scope, controller=known.legal_name)


def _block(code: Code, hit: Hit) -> Reason:
    day = f"{hit.at:%Y-%m-%d}"
    person = hit.kind is SuppressionKind.PERSON
    if code is Code.SUPPRESSED_COMPANY:
        why = f"The company or its domain was put on the do-not-mail list on {day} ({hit.reason})."
    elif code is Code.SUPPRESSED_PERSON and hit.reason is SuppressionReason.COMPLAINT:
        why = f"The complaint of {day} counts as an objection to advertising."
    else:
        why = _SAID[hit.reason].format(day=day)
    facts = Facts(_PERSON_FIELDS if person else _COMPANY_FIELDS, (hit.entry,))
    return Reason(_NAME, Verdict.BLOCK, code, why, facts, _RULES[code])
