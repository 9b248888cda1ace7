"""Mailjet as a way out for Penstock, and what comes back from it."""

from penstock_mailjet.deliver import adapter
from penstock_mailjet.events import codec

__all__ = ["adapter", "codec"]
