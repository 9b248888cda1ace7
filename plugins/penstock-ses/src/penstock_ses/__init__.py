"""Penstock's way out through Amazon SES, and what comes back from it."""

from penstock_ses.deliver import Ses, adapter
from penstock_ses.events import codec

__all__ = ["Ses", "adapter", "codec"]
