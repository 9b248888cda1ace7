"""Where the address comes from: an answer for the person who asks, a source that may be used, a notice in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import ClassVar

from penstock.law.clocks import Calendar, deadline
from penstock.law.contact_reason import SHORTEST_REASON, is_specific
from penstock.law.origin import FIRST_HAND, origin_gaps
from penstock.model.codes import Code
from penstock.model.contact import Contact, RecipientKind, Source, SourceMethod
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, Phase, Services
from penstock.stages.checks.collection_method import against_method
from penstock.stages.checks.supplier_terms import against_supplier

__all__ = ["COLLECTED_LATER", "Provenance", "ProvenanceOptions"]

_NAME = "provenance"
_METHOD = "source.method"
_REFERENCE = "source.reference"
_COLLECTED = "source.collected_at"
_SUPPLIER = "source.supplier"
_VISIBILITY = "source.visibility"
_READS = (
    _METHOD,
    _REFERENCE,
    _COLLECTED,
    "source.collected_by",
    _SUPPLIER,
    _VISIBILITY,
    "country",
    "workplace_country",
    "recipient_kind",
    "reason",
    "verified_at",
    "last_contact_from_person_at",
    "notice_given_at",
)
_ORIGIN = "GDPR Art. 14(2)(f)"

# The person gave the data, so the notice was due then and there (GDPR Art. 13).
_FROM_THE_PERSON = frozenset({SourceMethod.CUSTOMER, SourceMethod.WEB_FORM, SourceMethod.EVENT})
_SHORTEST_MONTH = timedelta(days=28)  # within it no calendar need be asked
_WRITTEN_TO_IN_PERSON = frozenset({RecipientKind.NAMED, RecipientKind.SOLE_TRADER})
_CLEAR = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="The record says where the address comes from and why this person is written to.",
        facts=Facts((_METHOD, _REFERENCE, _COLLECTED, "reason", "notice_given_at")),
        rule="GDPR Art. 5(2), 14(2)(f)",
    ),
)
_CLEAR_GENERIC = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="The record says where the address comes from; it is no single person's.",
        facts=Facts((_METHOD, _REFERENCE, _COLLECTED)),
        rule="GDPR Art. 5(2)",
    ),
)
_NO_CONTACT = (
    Reason(
        _NAME,
        Verdict.HOLD,
        Code.CONTACT_UNKNOWN,
        "No contact record says where the address comes from.",
        Facts(_READS),
        _ORIGIN,
    ),
)
COLLECTED_LATER = Reason(
    _NAME,
    Verdict.HOLD,
    Code.SOURCE_MISSING,
    "The date of collection lies in the future, so nobody knows when the data were obtained.",
    Facts((_COLLECTED,)),
    "GDPR Art. 5(1)(d), 14(2)(f)",
)
_UNNAMED_SUPPLIER = Reason(
    _NAME,
    Verdict.HOLD,
    Code.SOURCE_MISSING,
    "The address comes from a supplier whom the record does not name.",
    Facts((_SUPPLIER,)),
    _ORIGIN,
)
_SUPPLIER_ALONE = Reason(
    _NAME,
    Verdict.HOLD,
    Code.SOURCE_MISSING,
    "The record names the supplier, but not where the supplier found this very address.",
    Facts((_REFERENCE, _SUPPLIER)),
    _ORIGIN,
)
_NO_REASON = Reason(
    _NAME,
    Verdict.HOLD,
    Code.REASON_MISSING,
    "Nobody wrote down why this person is written to.",
    Facts(("reason",)),
    "GDPR Art. 5(2), 6(1)(f)",
)
_VAGUE_REASON = replace(
    _NO_REASON,
    why=f"The reason given would fit anybody: it needs {SHORTEST_REASON} characters and something about this person.",
)


@dataclass(frozen=True, slots=True)
class ProvenanceOptions:
    """`supplier_refresh_months`: a supplier's data older than that are not used.

    `strict`: the month of GDPR Art. 14(3)(a) is 30 days flat where that is earlier.
    """

    supplier_refresh_months: int = 12
    strict: bool = False


class Provenance:
    """Stops a mail when nobody could answer "where did you get my address?", or the answer would be a forbidden one.

    Every mailbox needs a source; only people need a reason of their own and the notice within a month of collection. A
    supplier's record counts as obtained the way the supplier says.
    """

    Options: ClassVar[type] = ProvenanceOptions
    name = _NAME
    phase = Phase.JUDGE
    hears = False
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = _READS
    needs: tuple[str, ...] = ("clock", "controllers", "suppliers")

    def __init__(self, options: ProvenanceOptions, services: Services, calendar: Calendar | None = None) -> None:
        """`calendar` replaces the public holidays by which deadlines move."""
        self._services = services
        # Days and suppliers repeat from contact to contact.
        self._against_supplier = lru_cache(maxsize=2_000)(
            lambda name, today: against_supplier(
                name, services.suppliers.get(name), today, options.supplier_refresh_months
            )
        )
        self._due = lru_cache(maxsize=10_000)(
            lambda day, country: deadline(day, 1, country, strict=options.strict, calendar=calendar)
        )

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """No store call at all."""
        now = self._services.clock.now()
        return [self._reasons(mail, now) for mail in mails]

    def _reasons(self, mail: Mail, now: datetime) -> tuple[Reason, ...]:
        contact = mail.contact
        if contact is None:
            return _NO_CONTACT
        source = contact.source
        gaps = origin_gaps(source)
        against = [*_unanswered(source, gaps, now)]
        method = source.method
        if _filled(source.supplier) or method is SourceMethod.SUPPLIER:
            against += self._supplied(source, gaps, now.date())
            method = self._method(source)
        against += against_method(method, mail, contact, now)
        if mail.kind in _WRITTEN_TO_IN_PERSON and (vague := _vague(contact.reason)):
            against.append(vague)
        if mail.kind is RecipientKind.GENERIC:
            return tuple(against) or _CLEAR_GENERIC
        if late := self._uninformed(mail, contact, now):
            against.append(late)
        return tuple(against) or _CLEAR

    def _method(self, source: Source) -> SourceMethod | None:
        """How the address was really obtained: by the supplier, where the record says no more than that."""
        known = self._services.suppliers.get((source.supplier or "").strip())
        if source.method is SourceMethod.SUPPLIER and known is not None and known.method is not None:
            return known.method
        return source.method

    def _supplied(self, source: Source, gaps: Sequence[str], today: date) -> tuple[Reason, ...]:
        if _SUPPLIER in gaps:
            return (_UNNAMED_SUPPLIER,)
        against = self._against_supplier((source.supplier or "").strip(), today)
        return (*against, _SUPPLIER_ALONE) if _REFERENCE in gaps else against

    def _uninformed(self, mail: Mail, contact: Contact, now: datetime) -> Reason | None:
        """The first mail is itself a notice, but only a mail within the month is one in time (GDPR Art. 14(3))."""
        source = contact.source
        if mail.history.noticed or (source.method in _FROM_THE_PERSON and not _filled(source.supplier)):
            return None
        if contact.notice_given_at is not None and contact.notice_given_at <= now:
            return None
        if source.collected_at is None or source.collected_at > now:
            return None  # said already: nobody knows when the month began
        collected, today = source.collected_at.date(), now.date()
        if today - collected <= _SHORTEST_MONTH:
            return None
        # What counts are the holidays where the notice is written (Reg. 1182/71 Art. 2(1)).
        controller = self._services.controllers.get(mail.controller)
        due = self._due(collected, "" if controller is None else controller.country)
        if due >= today:
            return None
        why = (
            f"The data were obtained on {collected}, and the person was not told by {due}: "
            "the notice must be given first, or the data deleted."
        )
        facts = Facts((_METHOD, _COLLECTED, "notice_given_at"))
        return Reason(_NAME, Verdict.HOLD, Code.ART14_OVERDUE, why, facts, "GDPR Art. 14(3)(a)")


def _unanswered(source: Source, gaps: Sequence[str], now: datetime) -> tuple[Reason, ...]:
    """What is missing of the answer: how, when and where (a supplier's own lack of a reference is judged with it)."""
    by_supplier = _filled(source.supplier) or source.method is SourceMethod.SUPPLIER
    missing = [gap for gap in gaps if not (by_supplier and gap in {_REFERENCE, _SUPPLIER})]
    if _REFERENCE in missing and source.method in FIRST_HAND:
        missing.append("source.collected_by")
    later = source.collected_at is not None and source.collected_at > now
    if not missing:
        return (COLLECTED_LATER,) if later else ()
    why = "The record does not say how, when and where the address was obtained."
    reason = Reason(_NAME, Verdict.HOLD, Code.SOURCE_MISSING, why, Facts(tuple(missing)), _ORIGIN)
    return (reason, COLLECTED_LATER) if later else (reason,)


def _vague(reason: str | None) -> Reason | None:
    if reason is None or not _filled(reason):
        return _NO_REASON
    return None if is_specific(reason) else _VAGUE_REASON


def _filled(text: str | None) -> bool:
    return text is not None and bool(text.strip())
