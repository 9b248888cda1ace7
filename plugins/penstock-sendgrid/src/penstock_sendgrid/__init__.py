"""Twilio SendGrid as a way out: `url = "sendgrid:"`."""

from penstock_sendgrid.deliver import SendGrid, adapter
from penstock_sendgrid.events import EventWebhook, codec
from penstock_sendgrid.lists import SendGridErasure, SendGridLists

__all__ = ["EventWebhook", "SendGrid", "SendGridErasure", "SendGridLists", "adapter", "codec"]
