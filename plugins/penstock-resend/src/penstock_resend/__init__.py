"""Resend as a way out for Penstock."""

from penstock_resend.deliver import adapter

__all__ = ["adapter"]
