"""Finished letters through Django's SMTP backend, one connection; prints one JSON line.

    django_backend.py PORT LETTERS

Runs in an environment of its own, with Django alone. A few mails go first, so that the look-up of our own host name
and all imports are paid for.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import django  # type: ignore[import-untyped]
from django.conf import settings  # type: ignore[import-untyped]
from django.core.mail import EmailMultiAlternatives, get_connection  # type: ignore[import-untyped]

WARM = 10


def built(letter: dict[str, Any]) -> Any:
    mail = EmailMultiAlternatives(
        letter["subject"],
        letter["text"],
        letter["from"],
        [letter["to"]],
        reply_to=[letter["reply_to"]],
        headers=letter["headers"],
    )
    mail.attach_alternative(letter["html"], "text/html")
    return mail


def main() -> None:
    port, file = int(sys.argv[1]), Path(sys.argv[2])
    settings.configure(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=port
    )
    django.setup()
    with file.open() as lines:
        letters = [json.loads(line) for line in lines]
    warm = get_connection().send_messages([built(letter) for letter in letters[:WARM]])
    wall, processor = time.perf_counter(), time.process_time()
    went = get_connection().send_messages([built(letter) for letter in letters])
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    assert went == len(letters), went
    found = {"mails": went, "handed": went + warm, "seconds": wall, "processor": processor}
    print(json.dumps(found | {"version": f"Django {django.__version__}"}))


if __name__ == "__main__":
    main()
