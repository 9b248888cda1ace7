"""Brevo as a way out for Penstock, `url = "brevo:?tracking=off"`, and what comes back from it."""

from penstock_brevo.deliver import Brevo, adapter
from penstock_brevo.events import codec

__all__ = ["Brevo", "adapter", "codec"]
