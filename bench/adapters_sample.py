"""What adapters.py sends: finished mails of about 10 KB, as bytes that keep their letter, and the same for peers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock.compose.mime import serialise
from penstock.model.campaign import Stream
from penstock.model.contact import RecipientKind
from penstock.model.identity import Identity
from penstock.model.mail import Envelope, Letter, Mail, Message

SENDER = "eva.berg@nordlicht.example"
NAME = "Eva Berg, Nordlicht Software AB"
REPLIES = "replies@nordlicht.example"
PARAGRAPH = (
    "purchasing at a maker of machinery means many small orders, and most of the work is in comparing them. Our "
    "software reads offers as they come in, puts them side by side and shows where the same part costs less – "
    "Räksmörgås included. It runs beside what you have, and a first look takes ten minutes."
)
STYLE = "margin:0 0 16px 0;font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:24px;color:#222222"
PARAGRAPHS = 11


def mails(number: int) -> Iterator[Mail]:
    """Transactional, so that any way out takes them."""
    for n in range(number):
        letter = finished(n)
        data = serialise(letter, boundary=f"=_{n:032x}")
        assert isinstance(data, bytes), data
        yield Mail(
            id=f"{n:032x}",
            envelope=Envelope(SENDER, recipient(n)),
            stream=Stream.TRANSACTIONAL,
            controller="nordlicht",
            campaign=None,
            contact=None,
            kind=RecipientKind.NAMED,
            identity=Identity(b"p", (), (), None, None),
            content=Message(data, letter),
        )


def recipient(n: int) -> str:
    return f"person{n}@firm{n % 500}.example"


def finished(n: int) -> Letter:
    own = f"Hello person {n} of firm {n % 500}: "
    text = own + "\n\n".join([PARAGRAPH] * PARAGRAPHS)
    paragraphs = "".join(f'<p style="{STYLE}">{each}</p>\n' for each in [own, *[PARAGRAPH] * PARAGRAPHS])
    headers = (
        ("From", f"{NAME} <{SENDER}>"),
        ("To", recipient(n)),
        ("Subject", f"Order {n} of firm {n % 500} – confirmation"),
        ("Reply-To", REPLIES),
        ("Date", "Sun, 22 Nov 2026 09:00:00 +0000"),
        ("Message-ID", f"<{n:032x}.0123456789ab@nordlicht.example>"),
        *passed_on(n).items(),
        ("MIME-Version", "1.0"),
    )
    html = f'<!doctype html><html lang="en"><head><title>Order {n}</title></head><body>\n{paragraphs}</body></html>\n'
    return Letter(headers, text, html, "en", "t" * 64)


def passed_on(n: int) -> dict[str, str]:
    """Headers that the peers get, too."""
    return {
        "List-Unsubscribe": f"<https://mail.nordlicht.example/u/{n:032x}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Feedback-ID": "a1b2c3:orders:transactional:psdeadbeef",
    }


def written(file: Path, number: int) -> None:
    """One JSON object a line, for those who build mails."""
    with file.open("w") as lines:
        lines.writelines(json.dumps(_parts(n)) + "\n" for n in range(number))


def _parts(n: int) -> dict[str, Any]:
    letter = finished(n)
    return {
        "id": f"{n:032x}",
        "from": f'"{NAME}" <{SENDER}>',
        "to": recipient(n),
        "reply_to": REPLIES,
        "subject": letter.header("Subject"),
        "headers": passed_on(n),
        "text": letter.text,
        "html": letter.html,
    }
