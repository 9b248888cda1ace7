"""The other end of adapters.py, in a process of its own: prints its address, ends when its input does, then what came.

adapters_server.py sink        answers as each ESP does when all is well, and looks at nothing
adapters_server.py ESP         the bundled fake of that ESP, which refuses every field that is not described
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable, Sequence
from typing import cast

from penstock.running import run_async
from penstock.testing.esp import FakeEsp
from penstock.testing.esps.brevo import FakeBrevo
from penstock.testing.esps.mailgun import FakeMailgun
from penstock.testing.esps.mailjet import FakeMailjet
from penstock.testing.esps.postmark import FakePostmark
from penstock.testing.esps.resend import FakeResend
from penstock.testing.esps.sendgrid import FakeSendGrid
from penstock.testing.esps.ses import FakeSES

FAKES: dict[str, Callable[[], FakeEsp]] = {
    "sendgrid": FakeSendGrid,
    "mailgun": FakeMailgun,
    "ses": FakeSES,
    "brevo": lambda: FakeBrevo(tracks=False),
    "postmark": FakePostmark,
    "mailjet": FakeMailjet,
    "resend": FakeResend,
}
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
POSTMARK_TO = re.compile(rb'"To": ?"([^"]*)"')
MAILJET_TO = re.compile(rb'"To": ?\[\{"Email": ?"([^"]*)"')
RESEND_TO = re.compile(rb'"to": ?\[')
ASKED: dict[str, object] = {
    "/v3/mail_settings/template": {"enabled": False},
    "/v3/domains/mg.nordlicht.example/tracking": {"tracking": {"unsubscribe": {"active": False}}},
    "/v2/email/account": {"SendingEnabled": True, "ProductionAccessEnabled": True},
    "/v3/account": {"relay": {"enabled": True}},
}
"""What adapters look at before the first mail."""


class Sink(asyncio.Protocol):
    """HTTP/1.1 with bodies of a stated length, one request after the other on a kept connection."""

    mails = 0

    def __init__(self) -> None:
        self._seen = bytearray()
        self._wanted = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are of no such class

    def data_received(self, data: bytes) -> None:
        self._seen += data
        while len(self._seen) >= self._wanted:
            end = self._seen.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._seen[:end])
            length = LENGTH.search(head)
            self._wanted = end + 4 + (int(length[1]) if length else 0)
            if len(self._seen) < self._wanted:
                return
            body = bytes(self._seen[end + 4 : self._wanted])
            del self._seen[: self._wanted]
            self._wanted = 0
            method, path = head.split(b" ", 2)[:2]
            self._transport.write(self._answer(method.decode(), path.decode().partition("?")[0], body))

    def _answer(self, method: str, path: str, body: bytes) -> bytes:
        if method == "GET":
            return answer(200, ASKED[path])
        number = Sink.mails
        match path:
            case "/v3/mail/send":
                Sink.mails += 1
                return b"HTTP/1.1 202 Accepted\r\nX-Message-Id: sg-%d\r\nContent-Length: 0\r\n\r\n" % number
            case "/v2/email/outbound-emails":
                Sink.mails += 1
                return answer(200, {"MessageId": f"ses-{number}"})
            case "/v3/smtp/email":
                Sink.mails += 1
                return answer(201, {"messageId": f"<2026.{number}@relay.example>"})
            case "/email" | "/email/batch":
                told = [postmark(number + n, to) for n, to in enumerate(self._to(POSTMARK_TO, body))]
                return answer(200, told if path.endswith("batch") else told[0])
            case "/v3.1/send":
                return answer(200, {"Messages": [mailjet(to) for to in self._to(MAILJET_TO, body)]})
            case "/emails" | "/emails/batch":
                ids = [{"id": f"re-{number + n}"} for n, _ in enumerate(self._to(RESEND_TO, body))]
                return answer(200, {"data": ids} if path.endswith("batch") else ids[0])
        assert path.startswith("/v3/mg.nordlicht.example/messages"), path
        Sink.mails += 1
        return answer(200, {"id": f"<2026.{number}@mg.nordlicht.example>", "message": "Queued. Thank you."})

    def _to(self, form: re.Pattern[bytes], body: bytes) -> list[bytes]:
        """The recipients in a request for several."""
        found = form.findall(body)
        Sink.mails += len(found)
        return found


def answer(status: int, content: object) -> bytes:
    body = json.dumps(content).encode()
    return b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


def postmark(number: int, to: bytes) -> dict[str, object]:
    return {
        "To": to.decode(),
        "SubmittedAt": "2026-11-22T09:00:00Z",
        "MessageID": f"pm-{number}",
        "ErrorCode": 0,
        "Message": "OK",
    }


def mailjet(to: bytes) -> dict[str, object]:
    told = {"Email": to.decode(), "MessageUUID": "1ab23cd4", "MessageID": 70650219165027410, "MessageHref": ""}
    return {"Status": "success", "CustomID": "", "To": [told], "Cc": [], "Bcc": []}


async def until_told() -> None:
    """Until our input ends."""
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def sink() -> dict[str, object]:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await until_told()
    server.close()
    return {"mails": Sink.mails, "refused": []}


async def fake(name: str) -> dict[str, object]:
    async with FAKES[name]() as esp:
        print(esp.url, flush=True)
        await until_told()
        return {"mails": len(esp.arrived), "refused": esp.refused}


def main(given: Sequence[str]) -> None:
    (mode,) = given
    print(json.dumps(run_async(sink if mode == "sink" else lambda: fake(mode))))


if __name__ == "__main__":
    main(sys.argv[1:])
