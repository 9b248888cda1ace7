"""Twilio SendGrid as a way out: `url = "sendgrid:"`."""

from penstock_sendgrid.deliver import SendGrid, adapter

__all__ = ["SendGrid", "adapter"]
