"""The headers by which a mail program unsubscribes (RFC 2369, RFC 2919, RFC 8058)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import ClassVar

from penstock.compose.headers import split_mailbox
from penstock.model.codes import Code
from penstock.model.mail import Header, Letter, Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, NoOptions, Phase, Services

__all__ = ["ListUnsubscribe"]

_UNSAFE = re.compile(r"[^a-z0-9-]+")
_SPACE = re.compile(r"\s+")
_PHRASE_CHARACTERS = 60
_LABEL_CHARACTERS = 63
_LIST_ID_CHARACTERS = 255
_POST = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
_NO_URL = Reason(
    "list_unsubscribe",
    Verdict.BLOCK,
    Code.UNSUB_BROKEN,
    "web.base_url is not set to an https address, so nobody could unsubscribe",
    Facts(("web.base_url",)),
    "RFC 8058 3.1",
)
_NO_LETTER = Reason(
    "list_unsubscribe",
    Verdict.BLOCK,
    Code.UNSUB_BROKEN,
    "there is no letter to put the unsubscribe headers on",
    Facts(("content",)),
    "RFC 8058 3.1",
)


class ListUnsubscribe:
    """Adds List-Unsubscribe, List-Unsubscribe-Post, List-Id and Feedback-ID.

    The mailto is offered only where a reply domain is read. List-Id and Feedback-ID say nothing of the recipient.
    """

    Options: ClassVar[type] = NoOptions
    name = "list_unsubscribe"
    phase = Phase.COMPLETE
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = ("campaign.id", "campaign.product", "campaign.purpose")
    needs: tuple[str, ...] = ("tokens", "base_url", "reply_domain")

    def __init__(self, options: NoOptions, services: Services) -> None:
        del options
        self._tokens = services.tokens
        self._url = services.base_url if services.base_url.startswith("https://") else ""
        self._reply_domain = services.reply_domain
        self._lists: dict[tuple[str, ...], tuple[Header, ...]] = {}

    async def edit(self, mails: Sequence[Mail], /) -> Sequence[Mail | Reason]:
        """The letter with its headers, or UNSUB_BROKEN."""
        return [self._headed(mail) for mail in mails]

    def _headed(self, mail: Mail) -> Mail | Reason:
        letter = mail.content
        if not self._url:
            return _NO_URL
        if not isinstance(letter, Letter):
            return _NO_LETTER
        value = f"<{self._url}/u/{self._tokens.sign('header', mail.id)}>"
        if self._reply_domain:
            token = self._tokens.sign("mailto", mail.id)
            value += f", <mailto:unsub+{token}@{self._reply_domain}?subject=unsubscribe>"
        headers = (*letter.headers, ("List-Unsubscribe", value), _POST, *self._list(mail, letter))
        return mail.with_content(letter.with_headers(headers))

    def _list(self, mail: Mail, letter: Letter) -> tuple[Header, ...]:
        campaign = mail.campaign
        step, phrase = mail.stream.value, ""
        if campaign is not None:
            step, phrase = campaign.id, campaign.product or campaign.purpose
        domain = split_mailbox(letter.header("From") or "")[1].rpartition("@")[2]
        key = (mail.controller, mail.stream.value, step, phrase, domain)
        found = self._lists.get(key)
        if found is None:
            found = self._lists[key] = (
                ("List-Id", _list_id(phrase or step, step, domain)),
                ("Feedback-ID", _feedback_id(step, mail.stream.value, mail.controller)),
            )
        return found


def _list_id(phrase: str, step: str, domain: str) -> str:
    """`Human words <label.list.domain>`: a dot-atom of at most 255 characters under our own domain (RFC 2919)."""
    words = _SPACE.sub(" ", phrase.replace("<", " ").replace(">", " ")).strip()
    if len(words) > _PHRASE_CHARACTERS:
        words = words[: _PHRASE_CHARACTERS + 1].rpartition(" ")[0] or words[:_PHRASE_CHARACTERS]
    room = min(_LABEL_CHARACTERS, _LIST_ID_CHARACTERS - len(".list.") - len(domain))
    label = _UNSAFE.sub("-", step.lower()).strip("-")[: max(room, 1)].strip("-") or "c"
    return f"{words} <{label}.list.{domain}>"


def _feedback_id(step: str, stream: str, controller: str) -> str:
    """`campaign:stream::sender`: three optional fields and the sender's stable id of 5 to 15 characters."""
    return f"{_opaque(step)}:{stream}::ps{_opaque(controller)[:10]}"


def _opaque(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
