"""Contacts that are kept, but lack what law asks before any campaign may touch them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from penstock.law.origin import origin_gaps
from penstock.model.codes import Code
from penstock.model.contact import Contact, Flag, SourceMethod
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import Supplier
from penstock.stages.checks.address import MINOR_FLAG, SPECIAL
from penstock.stages.checks.collection_method import SCRAPED
from penstock.stages.checks.provenance import COLLECTED_LATER
from penstock.stages.checks.supplier_terms import against_supplier
from penstock.stages.checks.suppression import RESTRICTED

__all__ = ["Quarantine"]

_NAME = "import"
_BY_SUPPLIER = frozenset({SourceMethod.SUPPLIER, SourceMethod.SCRAPED_DIRECTORY})
_ORIGIN = "GDPR Art. 14(2)(f)"
_MISSING = {
    "source.method": "The record does not say how the address was obtained.",
    "source.collected_at": "The record does not say when the address was obtained.",
    "source.reference": "The record does not say where exactly the address was found.",
    "source.supplier": "The address comes from a supplier whom the record does not name.",
}
_GAPS = {
    field: Reason(_NAME, Verdict.HOLD, Code.SOURCE_MISSING, why, Facts((field,)), _ORIGIN)
    for field, why in _MISSING.items()
}
_LATER = replace(COLLECTED_LATER, stage=_NAME)
_SCRAPED = replace(SCRAPED, stage=_NAME)
_NO_COUNTRY = Reason(
    _NAME,
    Verdict.HOLD,
    Code.COUNTRY_UNKNOWN,
    "The record names no country, so nobody knows whose law applies.",
    Facts(("country",)),
    "GDPR Art. 3; Directive 2002/58/EC Art. 13",
)
_FLAGGED = {
    Flag.RESTRICTED: replace(RESTRICTED, stage=_NAME),
    Flag.MINOR: replace(MINOR_FLAG, stage=_NAME),
    Flag.SPECIAL_CATEGORY: replace(SPECIAL, stage=_NAME),
}


class Quarantine:
    """Looks at contacts as they are kept. The checks of a campaign judge again; here it is told before there is one.

    `suppliers` are those of the config by name; a supplier's data may be `refresh_months` old.
    """

    def __init__(self, suppliers: Mapping[str, Supplier], now: datetime, refresh_months: int) -> None:
        self._now = now
        self._of_supplier = lru_cache(maxsize=2_000)(
            lambda name: against_supplier(name, suppliers.get(name), now.date(), refresh_months)
        )

    def reasons(self, contact: Contact) -> tuple[Reason, ...]:
        """Everything that keeps the contact in quarantine; nothing for one that campaigns may choose."""
        source = contact.source
        if (
            source.method is not None
            and source.reference
            and not source.reference.isspace()
            and source.collected_at is not None
            and source.collected_at <= self._now
            and source.supplier is None
            and source.method not in _BY_SUPPLIER
            and contact.country
            and not contact.flags
        ):
            return ()
        found = [_GAPS[gap] for gap in origin_gaps(source)]
        if source.collected_at is not None and source.collected_at > self._now:
            found.append(_LATER)
        if source.method is SourceMethod.SCRAPED_DIRECTORY:
            found.append(_SCRAPED)
        if supplier := (source.supplier or "").strip():
            found += self._of_supplier(supplier)
        if not contact.country:
            found.append(_NO_COUNTRY)
        found += [_FLAGGED[flag] for flag in contact.flags]
        return tuple(found)
