"""Whose mailbox an address is, where the record does not say."""

from __future__ import annotations

from penstock.law.mailboxes import Mailboxes
from penstock.model.contact import Contact, LegalForm, RecipientKind

__all__ = ["recipient_kind"]


def recipient_kind(contact: Contact, mailboxes: Mailboxes) -> RecipientKind:
    """As the contact states it; else from the legal form, the address and the names.

    A generic prefix at a sole trader is still the sole trader. A public provider's address is private.
    """
    if contact.recipient_kind is not None:
        return contact.recipient_kind
    if contact.company.legal_form is LegalForm.SOLE_TRADER:
        return RecipientKind.SOLE_TRADER
    local, _, domain = contact.address.rpartition("@")
    if mailboxes.is_provider(domain):
        return RecipientKind.PRIVATE
    if mailboxes.role_of(local) is not None:
        return RecipientKind.GENERIC
    return RecipientKind.NAMED
