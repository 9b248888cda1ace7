"""Looks at the finished mail as it would leave: the last check before signing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from penstock.compose.appearance import appearance
from penstock.compose.authentication import misaligned
from penstock.compose.finished import Finding, header_findings, header_names, left_over, ready_made_findings
from penstock.compose.finished_fields import recipient_findings, subject_findings
from penstock.compose.foretold import Foretold, foretold
from penstock.compose.headers import split_mailbox
from penstock.compose.language import mail_language
from penstock.compose.notice_text import BLOCKS, DASHES
from penstock.compose.personal_links import mentions_recipient, personal_links
from penstock.compose.relayed_letter import RelayedLetters, read_letters
from penstock.compose.splice.fault import SpliceFault
from penstock.compose.unseen import images_alone, tracking_images, unmarked, unreadable_blocks
from penstock.compose.visibility import seen_places
from penstock.compose.wording import names_controller, unanswerable
from penstock.model.codes import Code
from penstock.model.mail import Letter, Mail, Message
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import ALL_STREAMS, NoOptions, Phase, Services

__all__ = ["Verify"]

_ONE_CLICK = "List-Unsubscribe=One-Click"
_URIS = re.compile(r"<([^<>]*)>")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_LINE = f"\n{DASHES}\n"
_SEEN = 4_096


_FINE = (
    Reason("verify", Verdict.SEND, None, "headers, notice and unsubscribe links are in place", Facts(("message",))),
)
_UNWRITTEN = (
    Reason(
        "verify",
        Verdict.BLOCK,
        Code.RENDER_FAILED,
        "the mail was never written",
        Facts(("content",)),
        "pipeline order",
    ),
)
_RULES = {
    Code.HEADER_INVALID: "RFC 5322 3.6; RFC 5321 4.5.3.1.6",
    Code.MULTI_RECIPIENT: "one recipient per mail",
    Code.UNSUB_BROKEN: "RFC 8058 3.1; ePrivacy Directive Art. 13(4)",
    Code.NOTICE_MISSING: "GDPR Art. 14(1)-(2), 21(4); ePrivacy Directive Art. 13(4)",
    Code.AUTH_MISSING: "RFC 9989, identifier alignment; rules of the large mailbox providers",
    Code.PLACEHOLDER_LEFT: "no template mark in a finished mail",
    Code.SUBJECT_DECEPTIVE: "ePrivacy Directive Art. 13(4); E-Commerce Directive Art. 6",
    Code.TRACKING_WITHOUT_CONSENT: "EDPB Guidelines 2/2023",
}


@dataclass(frozen=True, slots=True)
class _Visible:
    """What holds for all letters of a template and an appearance.

    `places` are those of relayed words that are seen; `tracks`: an address in one of our own told who opens it.
    """

    found: tuple[Finding, ...]
    places: tuple[int, ...] = ()
    tracks: bool = False


class Verify:
    """One recipient, sound headers, all mandatory blocks visible in both parts, working unsubscribe, nothing left over.

    What depends on template and notice only is judged once for them; of a relayed message that is whether its blocks
    can be read, for each appearance. Transactional mail and notices are judged by codes 61 and 65 alone.
    """

    Options: ClassVar[type] = NoOptions
    name = "verify"
    phase = Phase.VERIFY
    streams = ALL_STREAMS
    reads: tuple[str, ...] = ("campaign", "contact.address")
    needs: tuple[str, ...] = (
        "controllers",
        "tokens",
        "base_url",
        "clock",
        "senders",
        "capabilities",
        "fallback_language",
    )

    def __init__(self, options: NoOptions, services: Services) -> None:
        del options
        self._services = services
        self._link = f"{services.base_url}/u/"
        self._visible: dict[tuple[str, str, str, str, int, int], _Visible] = {}
        self._told: dict[str, Foretold] = {}
        self._own_links = (self._link, f"{services.base_url}/p/")
        self._named: dict[tuple[str, str], bool] = {}
        self._strange: dict[tuple[str, str, date], str | None] = {}

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """Everything wrong with each finished mail, or one reason to send it."""
        return [self._judged(mail) for mail in mails]

    def _judged(self, mail: Mail) -> Sequence[Reason]:
        content = mail.content
        if not isinstance(content, Message):
            return _UNWRITTEN
        letter = content.letter
        if letter is None and not mail.stream.commercial:
            found = [*ready_made_findings(content.data)]
        else:
            letters = RelayedLetters([letter], []) if letter is not None else self._parsed(mail, content)
            if isinstance(letters, SpliceFault):
                return (_unreadable(letters),)
            names = header_names(content.data)
            found = [*header_findings(names, content.data, commercial=mail.stream.commercial)]
            for each in letters.seen:
                found += left_over(each)
                if mail.stream.commercial:
                    found += self._commercial(mail, each, content.data, names)
            for each in letters.further:
                found += [*tracking_images(each.html or ""), *self._tracking(mail, each)]
        if not found:
            return _FINE
        return [
            Reason("verify", Verdict.BLOCK, code, why, Facts((field,)), _RULES[code])
            for code, field, why in dict.fromkeys(found)
        ]

    def _parsed(self, mail: Mail, content: Message) -> RelayedLetters | SpliceFault:
        """A relayed message as it would leave, read anew from its octets."""
        template = f"relayed {mail.campaign.digest}" if mail.campaign else "relayed"
        language = mail_language(mail, self._services.fallback_language) or "en"
        return read_letters(content.data, language, template, content.notice)

    def _commercial(self, mail: Mail, letter: Letter, data: bytes, names: Sequence[str]) -> Iterator[Finding]:
        yield from recipient_findings(mail, letter, data)
        yield from self._sender(mail, letter)
        if why := self._misaligned(mail, letter):
            yield Code.AUTH_MISSING, "From", why
        yield from self._unsubscribe(mail, letter, names)
        yield from self._blocks(mail, letter)
        told = self._told_by(mail, letter)
        visible = self._visibility(mail, letter, told)
        yield from visible.found
        yield from told.tracking
        relayed = _relayed(mail)
        if relayed and letter.html:
            yield from tracking_images(letter.html)
            yield from images_alone(letter.html, visible.places)
        if relayed or visible.tracks or mentions_recipient(mail, letter):
            yield from self._tracking(mail, letter)
        yield from subject_findings(mail, letter, told.stems)

    def _sender(self, mail: Mail, letter: Letter) -> Iterator[Finding]:
        sender = letter.header("From") or ""
        named = self._named.get((sender, mail.controller))
        if named is None:
            controller = self._services.controllers.get(mail.controller)
            named = controller is not None and names_controller(split_mailbox(sender)[0], controller.legal_name)
            if len(self._named) < _SEEN:
                self._named[sender, mail.controller] = named
        if not named:
            yield Code.HEADER_INVALID, "From", "the name in From does not say which company writes"
        reply = letter.header("Reply-To")
        field, to = ("From", sender) if reply is None else ("Reply-To", reply)
        if unanswerable(split_mailbox(to)[1].rpartition("@")[0]):
            yield Code.HEADER_INVALID, field, "nobody reads what is answered (no-reply)"

    def _misaligned(self, mail: Mail, letter: Letter) -> str | None:
        """Judged once a day for each From and way out: a key may begin to sign."""
        sender, adapter = letter.header("From") or "", self._services.way_of(mail)
        key = (sender, adapter, self._services.clock.now().date())
        if key not in self._strange:
            if len(self._strange) >= _SEEN:
                self._strange.clear()
            domain = split_mailbox(sender)[1].rpartition("@")[2].lower()
            self._strange[key] = misaligned(domain, adapter, self._services)
        return self._strange[key]

    def _unsubscribe(self, mail: Mail, letter: Letter, names: Sequence[str]) -> Iterator[Finding]:
        value = letter.header("List-Unsubscribe") or ""
        links = [uri for uri in _URIS.findall(value) if uri.lower().startswith("http")]
        single = names.count("list-unsubscribe") == names.count("list-unsubscribe-post") == 1
        if not single or letter.header("List-Unsubscribe-Post") != _ONE_CLICK:
            yield (
                Code.UNSUB_BROKEN,
                "List-Unsubscribe-Post",
                "the one-click headers are not there exactly once",
            )
        if len(links) != 1 or not self._genuine(links[0], "header", mail.id):
            yield (
                Code.UNSUB_BROKEN,
                "List-Unsubscribe",
                "the header does not hold exactly one https link of this mail",
            )
        if not _has_text(mail, letter):
            yield from self._html_link(mail, letter, "")
            return
        place = letter.text.rfind(self._link)
        token = _TOKEN.match(letter.text, place + len(self._link)) if place >= 0 else None
        url = self._link + token[0] if token else ""
        if not self._genuine(url, "body", mail.id):
            yield Code.UNSUB_BROKEN, "text", "the text part has no working unsubscribe link"
        yield from self._html_link(mail, letter, url)

    def _html_link(self, mail: Mail, letter: Letter, url: str) -> Iterator[Finding]:
        """The same link as in the text, where there is a text; else one of this mail."""
        html = letter.html
        if html is None:
            return
        if not _has_text(mail, letter):
            place = html.rfind(f'href="{self._link}')
            token = _TOKEN.match(html, place + len(self._link) + 6) if place >= 0 else None
            url = self._link + token[0] if token else ""
            if not self._genuine(url, "body", mail.id):
                url = ""
        # The block stands near the end, and so it is looked for from there.
        if not url or html.rfind(f'href="{url}"') < 0:
            yield Code.UNSUB_BROKEN, "html", "the HTML part has no working unsubscribe link"

    def _genuine(self, url: str, purpose: str, mail_id: str) -> bool:
        if not url.startswith("https://") or not url.startswith(self._link):
            return False
        return self._services.tokens.read(url.removeprefix(self._link)) == (purpose, mail_id)

    def _blocks(self, mail: Mail, letter: Letter) -> Iterator[Finding]:
        wanted = BLOCKS[mail.variant]
        if letter.notice is None:
            yield Code.NOTICE_MISSING, "notice", "no notice was added"
            return
        if letter.html is not None and (missing := unmarked(letter.html, mail.variant)):
            yield Code.NOTICE_MISSING, "html", "the HTML part lacks the blocks " + ", ".join(missing)
        if not _has_text(mail, letter):
            return
        place = letter.text.rfind(_LINE)
        paragraphs = [run for run in letter.text[place + len(_LINE) :].split("\n\n") if run.strip()]
        controller = self._services.controllers.get(mail.controller)
        stated = controller is not None and bool(paragraphs) and controller.legal_name in paragraphs[0]
        if place < 0 or len(paragraphs) != len(wanted) or not stated:
            yield Code.NOTICE_MISSING, "text", "the text part does not end with all blocks of the notice"

    def _told_by(self, mail: Mail, letter: Letter) -> Foretold:
        """What the campaign's files say about all letters of one template."""
        found = self._told.get(letter.template)
        if found is None:
            if len(self._told) >= _SEEN:
                self._told.clear()
            found = self._told[letter.template] = foretold(mail.campaign, letter.language)
        return found

    def _visibility(self, mail: Mail, letter: Letter, told: Foretold) -> _Visible:
        # Looking for one from the end takes half as long as counting none.
        html = letter.html
        images = html.count("<img") if html is not None and html.rfind("<img") >= 0 else 0
        relayed = _relayed(mail)
        looks = appearance(html) if html is not None and (told.varies or relayed) else 0  # each may look different
        key = (letter.template, letter.language, letter.notice or "", mail.variant, images, looks)
        found = self._visible.get(key)
        if found is None:
            if len(self._visible) >= _SEEN:
                self._visible.clear()
            found = self._visible[key] = self._looked_at(mail, letter, relayed=relayed)
        return found

    def _looked_at(self, mail: Mail, letter: Letter, *, relayed: bool) -> _Visible:
        blocks, html = tuple(unreadable_blocks(letter, mail.variant)), letter.html or ""
        if relayed:
            return _Visible(blocks, places=seen_places(html) if html else ())
        seen = tuple(tracking_images(html)) or tuple(images_alone(html))
        return _Visible((*blocks, *seen), tracks=any(self._tracking(mail, letter)))

    def _tracking(self, mail: Mail, letter: Letter) -> Iterator[Finding]:
        for part, what in personal_links(mail, letter, self._own_links, self._services.tokens.read):
            yield Code.TRACKING_WITHOUT_CONSENT, part, f"an address in the {part} part carries {what}"


def _relayed(mail: Mail) -> bool:
    return isinstance(mail.content, Message) and mail.content.letter is None


def _has_text(mail: Mail, letter: Letter) -> bool:
    """A relayed message may be HTML alone; what is composed here never is."""
    return bool(letter.text) or not _relayed(mail)


def _unreadable(fault: SpliceFault) -> Reason:
    verdict = Verdict.HOLD if fault.code is Code.MESSAGE_UNTOUCHABLE else Verdict.BLOCK
    why = f"the finished message cannot be read: {fault.what}"
    return Reason("verify", verdict, fault.code, why, Facts(("message",)), _RULES.get(fault.code))
