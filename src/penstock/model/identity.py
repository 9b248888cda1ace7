"""Who a mail goes to, as keyed hashes only: what suppression, caps and the ledger know of a person and a company."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Identity"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Every value is an HMAC-SHA-256 of 32 octets; no address can be read back from it.

    `person` is the canonical person under the current pepper. `person_keys` are all forms under which an objection of
    this person may be stored (exact, person, provider; older peppers; foreign hashes), `company_keys` the same for the
    domains and the organisation. `company` and `organisation` are what company caps count by; `company` is None at a
    public mail provider.
    """

    person: bytes
    person_keys: tuple[bytes, ...]
    company_keys: tuple[bytes, ...]
    company: bytes | None
    organisation: bytes | None
