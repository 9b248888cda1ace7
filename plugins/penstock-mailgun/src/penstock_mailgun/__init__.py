"""Penstock's way out through Mailgun."""

from penstock_mailgun.deliver import Mailgun, adapter

__all__ = ["Mailgun", "adapter"]
