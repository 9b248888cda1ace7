"""Penstock's way out through Mailgun, and what comes back from there."""

from penstock_mailgun.deliver import Mailgun, adapter
from penstock_mailgun.events import codec

__all__ = ["Mailgun", "adapter", "codec"]
