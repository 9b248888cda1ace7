"""Ready messages through a backend of django-anymail, one instance kept open; prints one JSON line.

    anymail_sender.py ESP URL LETTERS SLICE

Messages are built before the time is taken and a few go first, as with the others. Anymail has a request for each mail
with every ESP, by `requests`; with Amazon SES by boto3.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any

import anymail  # type: ignore[import-untyped]
from django.conf import settings  # type: ignore[import-untyped]
from django.core.mail import EmailMultiAlternatives  # type: ignore[import-untyped]

WARM = 10
REQUEST_CANNOT = frozenset({"amazon_ses", "brevo", "resend"})
"""Backends that cannot switch tracking off in a request."""


def backend(esp: str, url: str) -> Any:
    name = "amazon_ses" if esp == "ses" else esp
    given: dict[str, dict[str, Any]] = {
        "sendgrid": {"api_key": "test-key", "api_url": f"{url}/v3/"},
        "mailgun": {"api_key": "test-key", "api_url": f"{url}/v3/", "sender_domain": "mg.nordlicht.example"},
        "amazon_ses": {"client_params": {"endpoint_url": url, "region_name": "eu-north-1"}},
        "brevo": {"api_key": "test-key", "api_url": f"{url}/v3/"},
        "postmark": {"server_token": "test-key", "api_url": url},
        "mailjet": {"api_key": "test-key", "secret_key": "test-secret", "api_url": f"{url}/v3.1/"},
        "resend": {"api_key": "test-key", "api_url": url},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that SendGrid is no longer tested there
        return import_module(f"anymail.backends.{name}").EmailBackend(**given[name])


def built(letter: dict[str, Any], *, tracked: bool) -> Any:
    mail = EmailMultiAlternatives(
        letter["subject"],
        letter["text"],
        letter["from"],
        [letter["to"]],
        reply_to=[letter["reply_to"]],
        headers=letter["headers"],
    )
    mail.attach_alternative(letter["html"], "text/html")
    mail.metadata = {"penstock_mail_id": letter["id"]}
    if not tracked:
        mail.track_clicks = mail.track_opens = False
    return mail


def main() -> None:
    esp, url, file, size = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    os.environ |= {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "test-key"}
    settings.configure()
    cannot = ("amazon_ses" if esp == "ses" else esp) in REQUEST_CANNOT
    with file.open() as lines:
        ready = [built(json.loads(line), tracked=cannot) for line in lines]
    connection = backend(esp, url)
    connection.open()
    went = connection.send_messages(ready[:WARM])
    wall, processor = time.perf_counter(), time.process_time()
    for at in range(WARM, len(ready), size):
        went += connection.send_messages(ready[at : at + size])
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    connection.close()
    assert went == len(ready), went
    found = {"mails": went - WARM, "handed": went, "seconds": wall, "processor": processor}
    print(json.dumps(found | {"version": f"django-anymail {anymail.__version__}"}))


if __name__ == "__main__":
    main()
