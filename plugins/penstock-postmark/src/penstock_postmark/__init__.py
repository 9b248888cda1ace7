"""Postmark as a way out for Penstock, `url = "postmark:"`, and what comes back from there."""

from penstock_postmark.address import adapter
from penstock_postmark.events import codec

__all__ = ["adapter", "codec"]
