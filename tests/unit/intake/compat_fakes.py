"""The compatible doors with nothing behind them."""

from __future__ import annotations

import base64
import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from starlette.applications import Starlette
from tests.unit.intake.http_fakes import Answer, KeptSubmissions, TwoClients, ask

from penstock.intake.compat_door import CompatRules, compat_routes
from penstock.ports.intake import Submission

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
RULES = CompatRules(200_000, lambda: NOW, lambda client, domain: domain == "nordlicht.example", seconds=2.0)
ANNA, BO, EVA = "anna.keller@muster-werk.example", "bo.berg@maskin.example", "eva.berg@nordlicht.example"
API = "Basic " + base64.b64encode(b"api:crm.secret").decode()
SEND: dict[str, Any] = {
    "personalizations": [{"to": [{"email": ANNA, "name": "Anna Keller"}]}],
    "from": {"email": EVA, "name": "Eva Berg"},
    "subject": "Your invoice",
    "content": [{"type": "text/plain", "value": "Dear Anna\n"}, {"type": "text/html", "value": "<p>Dear Anna</p>"}],
}


def doors(acceptance: KeptSubmissions | None = None, doorkeeper: TwoClients | None = None) -> Starlette:
    return Starlette(routes=compat_routes(acceptance or KeptSubmissions(), doorkeeper or TwoClients(), RULES))


async def send(body: Any, acceptance: KeptSubmissions | None = None, **options: Any) -> Answer:
    """To SendGrid's door."""
    return await ask(doors(acceptance), "POST", "/compat/sendgrid/v3/mail/send", body, **options)


def parts(form: list[tuple[str, Any]]) -> tuple[bytes, str]:
    """A form of several parts and its content type; a file is (name, type, octets)."""
    made = b""
    for name, value in form:
        if isinstance(value, tuple):
            head, data = f'; filename="{value[0]}"\r\nContent-Type: {value[1]}', value[2]
        else:
            head, data = "", value.encode()
        made += f'--xyz\r\nContent-Disposition: form-data; name="{name}"{head}\r\n\r\n'.encode() + data + b"\r\n"
    return made + b"--xyz--\r\n", "multipart/form-data; boundary=xyz"


async def post(
    form: list[tuple[str, Any]], acceptance: KeptSubmissions | None = None, path: str = "messages", login: str = API
) -> Answer:
    """To Mailgun's door."""
    body, kind = parts(form)
    headers = {"content-type": kind, "authorization": login}
    target = f"/compat/mailgun/v3/nordlicht.example/{path}"
    return await ask(doors(acceptance), "POST", target, body, headers, key="")


def message(submission: Submission) -> EmailMessage:
    """What was handed in, without a defect."""
    found = email.message_from_bytes(submission.data, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    assert not found.defects
    assert all(not part.defects for part in found.walk())
    return found


def text(submission: Submission, kind: str = "plain") -> str:
    part = message(submission).get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def to(submission: Submission) -> list[str]:
    return [each.address for each in submission.recipients]
