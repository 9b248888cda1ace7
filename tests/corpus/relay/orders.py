"""Mails that are said in JSON; the other doors get the octets that the JSON door writes for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.corpus.relay.letter import FROM, Case

from penstock.intake.http_letter import Handed, LetterDesk
from penstock.intake.http_mail import read_mail
from penstock.model.campaign import Stream
from penstock.ports import Client

__all__ = ["ORDERS"]

_FILE = {"name": "größe.txt", "type": "text/plain", "content": "R3LDtsOfZQ=="}
_PICTURE = {"name": "plant.png", "type": "image/png", "content": "iVBORw0KGgo=", "cid": "plant@nordlicht"}
_AD = {"subject": "Purchasing without spreadsheets", "campaign": "letters"}

_SAID: dict[str, dict[str, Any]] = {
    "json-text": {"text": "It left today.\n"},
    "json-html": {"html": "<p>It left <b>today</b>.</p>"},
    "json-both": {"text": "Größe\n", "html": "<p>Größe</p>"},
    "json-file": {"text": "Enclosed.\n", "attachments": [_FILE]},
    "json-picture": {"html": "<p><img src='cid:plant@nordlicht'></p>", "attachments": [_PICTURE]},
    "json-copies": {"text": "x\n", "cc": ["C <c.json@kund.example>"], "bcc": ["d.json@kund.example"]},
    "json-headers": {"text": "x\n", "reply_to": "ole@nordlicht.example", "headers": {"X-Shop": "7"}},
    "json-long-subject": {"text": "x\n", "subject": "Größe der Bestellung " * 9},
    "json-variables": {"text": "Dear {{ name }}\n", "variables": {"name": "Bo"}},
    "json-braces": {"text": "Dear {{ name }}\n"},
    "json-notice": {"text": "We answer.\n", "stream": "notice"},
    "json-ad-text": {**_AD, "text": "Purchasing software.\n"},
    "json-ad-both": {**_AD, "text": "Purchasing software.\n", "html": "<html><body><p>Purchasing</p></body></html>"},
    "json-ad-braces": {**_AD, "text": "Dear {{ name }}, purchasing software.\n"},
    "json-ad-other-stream": {**_AD, "text": "x\n", "stream": "newsletter"},
}


def _case(name: str, said: Mapping[str, Any]) -> Case:
    ad = "campaign" in said
    to = f"{name}.berg@{name}-maskin.example" if ad else f"{name}@kund.example"
    order = {"from": FROM, "to": to, "subject": "Your order", **({} if ad else {"stream": "transactional"}), **said}
    (made,) = LetterDesk(Handed(Client("", frozenset(Stream))), size_limit=1 << 20, most=1 << 20).submissions(
        read_mail(order)
    )
    asked = [("Stream", made.stream), ("Campaign", made.campaign), ("Bcc", ", ".join(said.get("bcc", ())))]
    fields = "".join(f"{key if key == 'Bcc' else f'X-Penstock-{key}'}: {value}\r\n" for key, value in asked if value)
    recipients = tuple(each.address for each in made.recipients)
    return Case(name, fields.encode() + made.data, recipients, {} if ad else None, order=order)


ORDERS = tuple(_case(name, said) for name, said in _SAID.items())
