"""All services whose exports are known."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.sources.suppression_formats.brevo import BREVO
from penstock.sources.suppression_formats.hubspot import HUBSPOT
from penstock.sources.suppression_formats.mailchimp import MAILCHIMP
from penstock.sources.suppression_formats.mailgun import MAILGUN
from penstock.sources.suppression_formats.mailjet import MAILJET
from penstock.sources.suppression_formats.postmark import POSTMARK
from penstock.sources.suppression_formats.resend import RESEND
from penstock.sources.suppression_formats.sendgrid import SENDGRID
from penstock.sources.suppression_formats.ses import SES
from penstock.sources.suppression_formats.shape import Service

__all__ = ["SERVICES"]

SERVICES: Mapping[str, Service] = {
    each.name: each for each in (SENDGRID, MAILGUN, POSTMARK, SES, BREVO, MAILJET, RESEND, MAILCHIMP, HUBSPOT)
}
"""By the name that `--format` takes."""
