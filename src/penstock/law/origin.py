"""What a record must say so that "where did you get my address?" has an answer (GDPR Art. 14(2)(f))."""

from __future__ import annotations

from penstock.model.contact import Source, SourceMethod

__all__ = ["FIRST_HAND", "origin_gaps"]

FIRST_HAND = frozenset({SourceMethod.CUSTOMER, SourceMethod.WEB_FORM, SourceMethod.EVENT, SourceMethod.REFERRAL})
"""Somebody of ours, who can be named, met the person or was told: that person is the reference."""


def origin_gaps(source: Source) -> tuple[str, ...]:
    """The fields that are missing of the answer: how, when, where and, for a supplier's record, from whom.

    A supplier's own name is no reference: where the supplier found this very address must be told, too.
    """
    gaps = []
    if source.method is None:
        gaps.append("source.method")
    if source.collected_at is None:
        gaps.append("source.collected_at")
    supplier, reference = (source.supplier or "").strip(), (source.reference or "").strip()
    if source.method is SourceMethod.SUPPLIER and not supplier:
        gaps.append("source.supplier")
    named = source.method in FIRST_HAND and not supplier and bool((source.collected_by or "").strip())
    if not named and (not reference or reference.casefold() == supplier.casefold()):
        gaps.append("source.reference")
    return tuple(gaps)
