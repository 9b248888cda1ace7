"""A door with nothing behind it: an acceptance that keeps what it is given, and a doorkeeper who knows two clients."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette

from penstock.errors import StoreUnavailable, Unavailable
from penstock.intake.http_door import HttpRules, http_routes
from penstock.model.campaign import Stream
from penstock.model.window import Window
from penstock.ports.intake import Client, Receipt, Refusal, RefusalKind, Submission, Taken

RULES = HttpRules(size_limit=200_000, look_ups=Window(5, timedelta(minutes=1)), seconds=2.0)
MAIL = {
    "from": "Eva Berg <eva.berg@nordlicht.example>",
    "to": "anna.keller@muster-werk.example",
    "subject": "Your invoice",
    "text": "Dear Anna,\n\nit is enclosed.\n",
}
LINE = {
    "address": "anna.keller@muster-werk.example", "contact_id": "c1", "campaign": None, "mail_id": "m1",
    "verdict": "block", "code": "OBJECTED", "codes": ["OBJECTED"], "until": None, "variant": "first",
    "reasons": [{"stage": "suppression", "verdict": "block", "code": "OBJECTED"}], "outcome": None,
}  # fmt: skip


@dataclass
class KeptSubmissions:
    """Takes all but what `refusals` names by address; with `away` the store does not answer."""

    refusals: dict[str, Refusal] = field(default_factory=dict)
    away: bool = False
    breaks: bool = False
    calls: list[list[Submission]] = field(default_factory=list)
    judged: list[Submission] = field(default_factory=list)
    known: dict[tuple[str, str], tuple[bytes, Receipt]] = field(default_factory=dict)

    @property
    def taken(self) -> list[Submission]:
        return [each for call in self.calls for each in call]

    async def take(self, submissions: Sequence[Submission], /) -> Sequence[Receipt | Refusal]:
        if self.breaks:
            raise RuntimeError("anna.keller@muster-werk.example")
        self.calls.append([*submissions])
        return [self._one(each) for each in submissions]

    def _one(self, submission: Submission) -> Receipt | Refusal:
        if self.away:
            return Refusal(RefusalKind.LATER, "the store does not answer")
        mark = (submission.client.name, submission.key)
        if submission.key and mark in self.known:
            request, receipt = self.known[mark]
            conflict = Refusal(RefusalKind.CONFLICT, "the key stands for another request")
            return receipt if request == submission.request else conflict
        for each in submission.recipients:
            if each.address in self.refusals:
                return self.refusals[each.address]
        number = len(self.taken)
        taken = [Taken(f"id{number}-{place}", each.address) for place, each in enumerate(submission.recipients)]
        receipt = Receipt(tuple(taken), Stream.TRANSACTIONAL)
        self.known[mark] = (submission.request, receipt)
        return receipt

    async def judge(self, submission: Submission, /) -> Sequence[Mapping[str, Any]] | Refusal:
        if self.away:
            raise StoreUnavailable("full")
        self.judged.append(submission)
        first = submission.recipients[0].address
        return self.refusals.get(first) or [{**LINE, "address": each.address} for each in submission.recipients]

    async def admits(self, client: Client, sender: str, recipient: str, /) -> Refusal | None:
        return None

    async def look_up(self, client: Client, mail_id: str, /) -> Mapping[str, Any] | None:
        if self.away:
            raise StoreUnavailable("full")
        found = {"state": "done", "decision": LINE, "outcome": None, "mail_id": mail_id, "contact_id": "c1"}
        return found if mail_id == f"of-{client.name}" else None


@dataclass
class TwoClients:
    """Knows `crm` and `shop`, both with the secret `secret`; callers of 127.0.0.1 need none."""

    away: bool = False
    callers: list[str] = field(default_factory=list)

    async def login(self, name: str, secret: str, caller: str, /) -> Client | None:
        self.callers.append(caller)
        if self.away:
            raise Unavailable("too many logins wait")
        if secret != "secret" or name not in {"crm", "shop"}:
            return None
        return Client(name, frozenset({Stream.TRANSACTIONAL}), detail="bland" if name == "shop" else "code")

    async def bearer(self, key: str, caller: str, /) -> Client | None:
        name, _, secret = key.partition(".")
        return await self.login(name, secret, caller)

    def neighbour(self, caller: str, /) -> Client | None:
        return Client("", frozenset({Stream.TRANSACTIONAL})) if caller == "127.0.0.1" else None


def door(
    acceptance: KeptSubmissions | None = None, doorkeeper: TwoClients | None = None, rules: HttpRules = RULES
) -> Starlette:
    return Starlette(routes=http_routes(acceptance or KeptSubmissions(), doorkeeper or TwoClients(), rules))


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    app: Starlette,
    method: str,
    target: str,
    body: Any = b"",
    headers: Mapping[str, str] | None = None,
    *,
    caller: str = "198.51.100.7",
    key: str = "crm.secret",
    pieces: int = 1,
) -> Answer:
    """One request without a server. A body that is no bytes goes as JSON; `key` empty: without a login."""
    parts = urlsplit(target)
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
    told |= {name.lower(): value for name, value in (headers or {}).items()}
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": parts.path, "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(), "root_path": "", "scheme": "http", "client": (caller, 5000),
        "server": ("127.0.0.1", 80), "headers": [(k.encode(), v.encode()) for k, v in told.items() if v],
    }  # fmt: skip
    step = max(1, -(-len(octets) // pieces))
    cut = [octets[place : place + step] for place in range(0, len(octets), step)] or [b""]
    waiting = [{"type": "http.request", "body": each, "more_body": True} for each in cut[:-1]]
    waiting.append({"type": "http.request", "body": cut[-1], "more_body": False})
    sent: list[Any] = []

    async def receive() -> Any:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    found = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, b"".join(each.get("body", b"") for each in sent[1:]))
