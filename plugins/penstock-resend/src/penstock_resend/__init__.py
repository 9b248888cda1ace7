"""Resend as a way out for Penstock, and what comes back from it."""

from penstock_resend.deliver import adapter
from penstock_resend.events import codec

__all__ = ["adapter", "codec"]
