"""Which parts of a row of law let more through, or promise less, than another row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from penstock.law.jurisdiction import Jurisdiction, Permission

__all__ = ["laxer_columns"]

# Everything a soft opt-in may become without letting more through; `no` is the strictest.
_NARROWER_SOFT_OPTIN: Mapping[str, frozenset[str]] = {
    "yes": frozenset({"yes:4_conditions", "yes:12_months"}),
}
_LABELS = {
    "none": 0,
    "recognisable": 1,
    "subject_recognisable": 2,
    "ad_identified": 2,
    "explicit_commercial": 3,
    "explicit_unsolicited": 3,
}
_CONFIDENCE = {"none": 0, "low": 1, "medium": 2, "high": 3}


def laxer_columns(new: Jurisdiction, old: Jurisdiction) -> tuple[str, ...]:
    """The columns in which `new` is not at least as strict as `old`, in the order of the table.

    What cannot be ranked (another register, another kind of label) counts as laxer: a lawyer has to say so. So does a
    higher confidence, which is a claim of its own.
    """
    return tuple(column for column, laxer in _TESTS.items() if laxer(new, old))


def _permission(column: Callable[[Jurisdiction], Permission]) -> Callable[[Jurisdiction, Jurisdiction], bool]:
    return lambda new, old: column(new).laxer_than(column(old))


def _soft_optin(new: Jurisdiction, old: Jurisdiction) -> bool:
    if new.soft_optin in {old.soft_optin, "no"}:
        return False
    return new.soft_optin not in _NARROWER_SOFT_OPTIN.get(old.soft_optin, frozenset())


def _label(new: Jurisdiction, old: Jurisdiction) -> bool:
    return new.ad_label != old.ad_label and _LABELS[new.ad_label] <= _LABELS[old.ad_label]


def _days(new: Jurisdiction, old: Jurisdiction) -> bool:
    later = int(new.optout_days_max.removesuffix("bd")) > int(old.optout_days_max.removesuffix("bd"))
    # as many business days last longer than days; fewer of them may
    business = new.optout_days_max.endswith("bd") and not old.optout_days_max.endswith("bd")
    return later or (business and new.optout_days_max != "0bd")


def _proof(new: Jurisdiction, old: Jurisdiction) -> bool:
    return old.proof != ("any_proven",) and not set(new.proof) <= set(old.proof)


_TESTS: Mapping[str, Callable[[Jurisdiction, Jurisdiction], bool]] = {
    "named": _permission(lambda row: row.named),
    "generic": _permission(lambda row: row.generic),
    "sole": _permission(lambda row: row.sole),
    "soft_optin": _soft_optin,
    "ext_register": lambda new, old: bool(old.ext_register) and new.ext_register != old.ext_register,
    "optout_ack": lambda new, old: old.optout_ack and not new.optout_ack,
    "ad_label": _label,
    "postal_address": lambda new, old: old.postal_address == "mandatory" and new.postal_address != "mandatory",
    "optout_days_max": _days,
    "optout_link_valid_days": lambda new, old: (new.optout_link_valid_days or 0) < (old.optout_link_valid_days or 0),
    "proof": _proof,
    "proof_years": lambda new, old: (new.proof_years or 0) < (old.proof_years or 0),
    "role_relevance": lambda new, old: old.role_relevance and not new.role_relevance,
    "conf": lambda new, old: _CONFIDENCE[new.confidence] > _CONFIDENCE[old.confidence],
}
