"""The headers by which a mail program unsubscribes (RFC 2369, RFC 2919, RFC 8058)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import ClassVar

from penstock.compose.headers import split_mailbox
from penstock.compose.splice.splicer import Additions, SpliceFault, splice
from penstock.model.codes import Code
from penstock.model.mail import Draft, Header, Letter, Mail
from penstock.model.routing import from_address
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


_BROKEN_FOR_SECONDS = 30.0
_LISTS = 4_096


class ListUnsubscribe:
    """Adds List-Unsubscribe, List-Unsubscribe-Post, List-Id and Feedback-ID.

    The mailto is offered only where a reply domain is read. List-Id and Feedback-ID say nothing of the recipient.
    While the relay finds that the pages at `base_url` take no opt-out, advertising is held.
    """

    Options: ClassVar[type] = NoOptions
    name = "list_unsubscribe"
    phase = Phase.COMPLETE
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = ("campaign.id", "campaign.product", "campaign.purpose")
    needs: tuple[str, ...] = ("clock", "tokens", "base_url", "public_pages", "reply_domain")

    def __init__(self, options: NoOptions, services: Services) -> None:
        del options
        self._clock = services.clock
        self._pages = services.public_pages
        self._known: tuple[float, Reason | None] | None = None
        self._tokens = services.tokens
        self._url = services.base_url if services.base_url.startswith("https://") else ""
        self._reply_domain = services.reply_domain
        self._lists: dict[tuple[str, ...], tuple[Header, ...]] = {}

    async def edit(self, mails: Sequence[Mail], /) -> Sequence[Mail | Reason]:
        """The letter with its headers, or UNSUB_BROKEN. One store call; none within half a minute of the last."""
        broken = await self._broken() if self._url else _NO_URL
        return [broken or self._headed(mail) for mail in mails]

    async def _broken(self) -> Reason | None:
        now = self._clock.machine()
        if self._known is None or not 0 <= now - self._known[0] < _BROKEN_FOR_SECONDS:
            fault = await self._pages.fault()
            self._known = now, _held(fault) if fault else None
        return self._known[1]

    def _headed(self, mail: Mail) -> Mail | Reason:
        content = mail.content
        if isinstance(content, Draft):
            return _NO_LETTER
        value = f"<{self._url}/u/{self._tokens.sign('header', mail.id)}>"
        if self._reply_domain:
            token = self._tokens.sign("mailto", mail.id)
            value += f", <mailto:unsub+{token}@{self._reply_domain}?subject=unsubscribe>"
        if isinstance(content, Letter):
            sender = split_mailbox(content.header("From") or "")[1]
            headers = (*content.headers, ("List-Unsubscribe", value), _POST, *self._list(mail, sender))
            return mail.with_content(content.with_headers(headers))
        headers = (("List-Unsubscribe", value), _POST, *self._list(mail, from_address(content.data)))
        made = splice(content.data, Additions(headers))
        return _unreadable(made) if isinstance(made, SpliceFault) else mail.with_content(content.with_data(made))

    def _list(self, mail: Mail, sender: str) -> tuple[Header, ...]:
        campaign = mail.campaign
        step, phrase = mail.stream.value, ""
        if campaign is not None:
            step, phrase = campaign.id, campaign.product or campaign.purpose
        domain = sender.rpartition("@")[2]
        key = (mail.controller, mail.stream.value, step, phrase, domain)
        found = self._lists.get(key)
        if found is None:
            if len(self._lists) >= _LISTS:
                self._lists.clear()
            found = self._lists[key] = (
                ("List-Id", _list_id(phrase or step, step, domain)),
                ("Feedback-ID", _feedback_id(step, mail.stream.value, mail.controller)),
            )
        return found


def _unreadable(fault: SpliceFault) -> Reason:
    why = f"the message cannot be given headers: {fault.what}"
    return Reason("list_unsubscribe", Verdict.BLOCK, fault.code, why, Facts(("message",)), "RFC 5322 2.2")


def _held(fault: str) -> Reason:
    why = f"the public opt-out page does not work: {fault}; see penstock doctor"
    return Reason("list_unsubscribe", Verdict.HOLD, Code.UNSUB_BROKEN, why, Facts(("web.base_url",)), "RFC 8058 3.2")


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
