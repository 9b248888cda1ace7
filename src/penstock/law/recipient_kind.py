"""Whose mailbox an address is, where the record does not say."""

from __future__ import annotations

from penstock.law.mailboxes import Mailboxes
from penstock.model.contact import Contact, LegalForm, RecipientKind

__all__ = ["recipient_kind"]


def recipient_kind(contact: Contact, mailboxes: Mailboxes) -> RecipientKind:
    """As the contact states it; else from the legal form, the address and the names.

    A generic prefix at a sole trader is still the sole trader. A public provider's address is private. A name on the
    card makes a mailbox somebody's, and a mailbox stated to be generic whose address holds that name is not.
    """
    stated = contact.recipient_kind
    if stated is not None:
        return RecipientKind.NAMED if stated is RecipientKind.GENERIC and _names_somebody(contact) else stated
    if contact.company.legal_form is LegalForm.SOLE_TRADER:
        return RecipientKind.SOLE_TRADER
    local, _, domain = contact.address.rpartition("@")
    if mailboxes.is_provider(domain):
        return RecipientKind.PRIVATE
    if mailboxes.role_of(local) is not None and not (contact.given_name or contact.family_name):
        return RecipientKind.GENERIC
    return RecipientKind.NAMED


def _names_somebody(contact: Contact) -> bool:
    local = contact.address.rpartition("@")[0].casefold()
    names = (name.strip().casefold() for name in (contact.given_name, contact.family_name) if name)
    return any(len(name) > 1 and name in local for name in names)
