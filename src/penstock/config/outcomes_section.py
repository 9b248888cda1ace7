"""`[[outcomes]]` as types: who is told what became of mails."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from penstock.config.secret_text import SecretValue
from penstock.config.sections import Name, Section
from penstock.model.campaign import Stream
from penstock.model.outcome_event import OutcomeKind

__all__ = ["OutcomeReceivers", "ReceiverSettings"]

_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


def _receiver_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("expected an https:// address") from None
    plain = parts.scheme == "http" and host in _THIS_MACHINE
    if not ((parts.scheme == "https" or plain) and host):
        raise ValueError("expected an https:// address (http:// only for this machine)")
    if "@" in parts.netloc or parts.fragment:
        raise ValueError(
            "expected an address (https://…) without a login and without a fragment: calls prove themselves by `key`"
        )
    return text


class ReceiverSettings(Section):
    """`[[outcomes]]`: one receiver. Without `kinds` and `streams` it is told of all.

    `history`: what happened before it was first seen is told, too.
    """

    name: Name
    url: Annotated[str, AfterValidator(_receiver_url)]
    key: SecretValue
    kinds: tuple[OutcomeKind, ...] = ()
    streams: tuple[Stream, ...] = ()
    history: bool = False


def _told_apart(receivers: tuple[ReceiverSettings, ...]) -> tuple[ReceiverSettings, ...]:
    if len({each.name for each in receivers}) < len(receivers):
        raise ValueError("two receivers have the same name")
    return receivers


OutcomeReceivers = Annotated[tuple[ReceiverSettings, ...], AfterValidator(_told_apart)]
"""The receivers; their names differ, for each is told by its name how far it got."""
