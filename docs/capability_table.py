"""Writes docs/reference/adapters/capabilities.md from the code: uv run --group test python docs/capability_table.py."""

from __future__ import annotations

import base64
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from penstock.adapters.address import adapter_from_url
from penstock.ports import Adapter, AdapterAddress, WebhookAddress, WebhookCodec
from penstock.testing import FakeClock

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/reference/adapters/capabilities.md"
BUILT_IN = {"file": "file:outbox", "smtp": "smtp://mail.nordlicht.example"}
UUID = "00000000-0000-4000-8000-000000000000"
COLUMNS_OUT = (
    *(
        "adapter",
        "at most",
        "bytes",
        "Message-ID",
        "Date",
        "MAIL FROM",
        "null sender",
        "SMTPUTF8",
        "idempotent",
        "DKIM",
    ),
    *("permission", "lost headers"),
)
COLUMNS_BACK = ("adapter", "calls signed", "secret path", "lists read", "objections pushed", "erases")
ABOUT = """# What each adapter can carry

Made from the code by `docs/capability_table.py`; a test compares the two. A route made of several carries what all
of them carry.

## Out

"""
ABOUT_OUT = """
- **at most**: mails that are handed over at once. **bytes**: `own` leave as Penstock wrote them; with `fields` the ESP
  writes the mail anew.
- **Message-ID**, **Date**, **MAIL FROM**: ours stays; else the ESP puts its own. Without MAIL FROM bounces do not come
  to `return_path`.
- **null sender**: takes `MAIL FROM:<>`. **SMTPUTF8**: takes addresses that are not ASCII; `asked`: as the server says.
- **idempotent**: the identical mail again has no effect, so that a doubt is simply tried again.
- **DKIM**: who signs, unless the adapter's address says otherwise.
- **permission**: with `consent` its terms ask for consent or a customer relation
  ([adapter_terms](../stages/adapter_terms.md)).
- **lost headers** do not arrive as they were.

## Back

"""
ABOUT_BACK = """
- **calls signed**: the ESP signs its webhook calls, and `key` proves them; without that a login is needed.
- **secret path**: must stand in the config. A mail server calls nobody; with `?events=ESP` that ESP's calls are read.
- **objections pushed**: the option that names the list. What it stops is bound to a stream, never transactional mail.

## What is erased

"""


@dataclass(frozen=True, slots=True)
class Dummy:
    """What an adapter and its codec are made of; nothing is ever sent. `pushes` names the list to push to."""

    place: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    pushes: Mapping[str, str] = field(default_factory=dict)
    needs_password: bool = False
    webhook_key: str = "a secret"
    topics: tuple[str, ...] = ()


def dummies() -> dict[str, Dummy]:
    """By the name of the entry point; an ESP that asks for nothing needs none."""
    return {
        "anymail": Dummy("sparkpost", {"tracking": "off"}),
        "brevo": Dummy(options={"tracking": "off"}, webhook_key=""),
        "mailgun": Dummy("mg.nordlicht.example", pushes={"unsubscribe_tag": "prospecting"}),
        "mailjet": Dummy(pushes={"exclude": "yes"}, needs_password=True, webhook_key=""),
        "postmark": Dummy(
            options={"requested_by": "eva.berg@nordlicht.example"},
            pushes={"unsubscribe_stream": "broadcast"},
            needs_password=True,
            webhook_key="",
        ),
        "resend": Dummy(pushes={"topic": UUID}, webhook_key="whsec_" + base64.b64encode(bytes(24)).decode()),
        "sendgrid": Dummy(pushes={"group": "7"}, webhook_key=_public_key()),
        "ses": Dummy(
            "eu-west-1",
            pushes={"contact_list": "people", "topic": "offers"},
            needs_password=True,
            topics=("arn:aws:sns:eu-west-1:123456789012:events",),
        ),
    }


def page() -> str:
    """The page as the code has it now."""
    out = [(_link(name), *_carried(adapter_from_url(name, url, ROOT, FakeClock()))) for name, url in BUILT_IN.items()]
    back: list[tuple[str, ...]] = [(_link(name), *"–––––") for name in BUILT_IN]
    erased = []
    known, codecs = dummies(), dict(_made("penstock.webhooks"))
    for name, make in _made("penstock.adapters"):
        dummy = known.get(name, Dummy())
        adapter, plain = _adapter(make, name, dummy, dummy.pushes), _adapter(make, name, dummy, {})
        lists, erasure = getattr(adapter, "lists", None), getattr(adapter, "erasure", None)
        out.append((_link(name), *_carried(adapter)))
        called = _called(codecs.get(name), name, dummy)
        back.append((_link(name), *called, _yes(lists), _pushed(plain, adapter, dummy.pushes), _yes(erasure)))
        if erasure is not None:
            erased.append(f"- **{name}**: {erasure.erases[0].upper()}{erasure.erases[1:].rstrip('.')}.\n")
    tables = (ABOUT, _table(COLUMNS_OUT, out), ABOUT_OUT, _table(COLUMNS_BACK, back), ABOUT_BACK)
    return "".join((*tables, *erased))


def _made(group: str) -> Iterator[tuple[str, Any]]:
    """Name and callable of every entry point of the workspace's plugins, as their projects name them."""
    for project in sorted(ROOT.glob("plugins/*/pyproject.toml")):
        points = tomllib.loads(project.read_text(encoding="utf-8"))["project"].get("entry-points", {})
        for name, value in points.get(group, {}).items():
            yield name, EntryPoint(name, value, group).load()


def _adapter(make: Any, name: str, dummy: Dummy, more: Mapping[str, str]) -> Adapter:
    address = AdapterAddress(
        name,
        dummy.place,
        FakeClock(),
        {**dummy.options, **more},
        api_key=lambda: UUID,
        password=lambda: UUID if dummy.needs_password else "",
        endpoint="http://127.0.0.1:9",
    )
    adapter: Adapter = make(address)
    return adapter


def _carried(adapter: Adapter) -> tuple[str, ...]:
    can = adapter.capabilities
    return (
        str(can.max_batch),
        "own" if can.raw_message else "fields",
        _yes(can.message_id),
        _yes(can.date),
        _yes(can.envelope_sender),
        _yes(can.null_sender),
        "asked" if can.smtputf8 is None else _yes(can.smtputf8),
        _yes(can.idempotent),
        can.dkim,
        can.permission,
        ", ".join(sorted(can.lost_headers)) or "–",
    )


def _called(make: Any, name: str, dummy: Dummy) -> tuple[str, str]:
    if make is None:
        return "–", "–"
    codec: WebhookCodec = make(WebhookAddress(name, lambda: dummy.webhook_key, dummy.topics))
    return _yes(codec.signed), _yes(codec.needs_path or not codec.signed)


def _pushed(plain: Adapter, adapter: Adapter, option: Mapping[str, str]) -> str:
    without, given = (getattr(getattr(each, "lists", None), "pushes_to", "") for each in (plain, adapter))
    if without:
        return "yes"
    return " ".join(f"`{name}`" for name in option) if given else "no"


def _yes(what: object) -> str:
    return "yes" if what else "no"


def _link(name: str) -> str:
    return f"[{name}]({name}.md)" if (PAGE.parent / f"{name}.md").is_file() else name


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = (columns, ["---"] * len(columns), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _public_key() -> str:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
