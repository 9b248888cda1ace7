"""Clients of the relay hear what became of their mails: delivery status notifications, each exactly once (RFC 3461).

A notification is a mail like any other: saved with its ticket in the transaction that marks what it is about, and sent
by the normal queue over the route of the stream `notice`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from penstock.assembly import ReadyMade, new_mail
from penstock.compose.dsn import Action, DeliveryReport, must_not_answer, write_dsn
from penstock.compose.returned_content import FULL_BELOW
from penstock.config.senders import sender_of
from penstock.config.settings import Settings
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.contact import Contact
from penstock.model.mail import Message
from penstock.observe.log import get_logger
from penstock.store.placing import HandedIn, NewMail
from penstock.store.submissions import DELAY_TOLD, END_TOLD, OpenSubmission, Telling
from penstock.wiring import House

__all__ = ["DELAYED_AFTER", "relay_name", "report_back"]

DELAYED_AFTER = timedelta(hours=4)
"""How long a mail waits before its client hears of it, where it asked for that (RFC 5321 section 4.5.4.1)."""
_LOOKED_AT = 2_000  # mails at once
_AT_ONCE = 50  # notifications in a transaction
_DEAD: dict[str, str] = {Code.HARD_BOUNCED: "5.1.1", Code.INVALID_ADDRESS: "5.1.3", Code.SMTPUTF8_UNSUPPORTED: "5.6.7"}
_REFUSED = "5.7.1"
_NOBODY = HandedIn(client="", sender="")
"""A notification has the null reverse-path, so that nobody is ever told of it (RFC 3464 section 2)."""

_log = get_logger("reporting_back")


async def report_back(house: House) -> int:
    """One look at all mails whose clients wait for word; how many notifications were saved.

    May run in several processes at once and be stopped anywhere: each mail is told of once. What cannot be told is
    closed as well: by a way out that takes no null reverse-path, or to a client or of a mail that wants no answer.
    Raises Unavailable; nothing is lost by it.
    """
    saved, after, reporter = 0, 0, _Reporter(house, house.clock.now())
    while True:
        found, end = await house.store.submissions.open(after, _LOOKED_AT, reporter.now - DELAYED_AFTER)
        for place in range(0, len(found), _AT_ONCE):
            saved += await reporter.tell(found[place : place + _AT_ONCE])
        if end is None:
            break
        after = end
    for adapter, number in reporter.not_carried.items():
        _log.warning("notifications_not_carried", adapter=adapter, mails=number)
    return saved


def relay_name(settings: Settings) -> str:
    """What this relay calls itself: `[relay] name`, else the host of `[web] base_url`, else a domain it sends for."""
    domains = (each.domain for each in settings.sender)
    return settings.relay.name or urlsplit(settings.web.base_url).hostname or next(domains, "localhost")


class _Reporter:
    """Decides and writes, for one sweep. `not_carried`: how many notifications each way out could not take."""

    def __init__(self, house: House, now: datetime) -> None:
        self.now = now
        self.not_carried: Counter[str] = Counter()
        self._house = house
        self._name = relay_name(house.settings)
        self._tells_code = {each.name: each.detail == "code" for each in house.settings.relay.credentials}
        self._tells_code[""] = True  # the networks of the house itself

    async def tell(self, submissions: Sequence[OpenSubmission]) -> int:
        """Their notifications, saved."""
        tellings = [await self._telling(each) for each in submissions]
        return await self._house.store.submissions.tell(tellings, self.now)

    async def _telling(self, about: OpenSubmission) -> Telling:
        action = _action(about)
        level = DELAY_TOLD if action is Action.DELAYED else END_TOLD
        sender = parse_address(about.sender) if action is not None else None
        if action is None or not isinstance(sender, Address) or not self._is_ours(sender, about.controller):
            return Telling(about, level)
        original = await self._house.store.submissions.original(about.row, FULL_BELOW)
        recipient = about.recipient or await self._recipient(about)
        if not recipient or must_not_answer(original):
            return Telling(about, level)
        report = self._report(about, action, str(sender), recipient, original)
        return Telling(about, level, self._mail(about, report, str(sender)))

    def _is_ours(self, sender: Address, controller: str) -> bool:
        """Whether word may go to this MAIL FROM: a client could name anybody there, and nobody asked him or her.

        Without any `[[sender]]` the house has not said which domains are its own.
        """
        settings = self._house.settings
        if not settings.sender:
            return True
        paths = {each.return_path: each for each in settings.sender if each.return_path}
        found = sender_of(settings, str(sender)) or paths.get(sender.domain)
        return found is not None and (not found.controllers or controller in found.controllers)

    async def _recipient(self, about: OpenSubmission) -> str:
        """Of a mail that a campaign writes; empty where its contact was erased."""
        (saved,) = await self._house.store.mails.load([about.mail_id])
        return "" if saved is None or saved.contact is None else saved.contact.address

    def _report(
        self, about: OpenSubmission, action: Action, sender: str, recipient: str, original: bytes
    ) -> DeliveryReport:
        open_ = self._tells_code.get(about.client, False)
        expires = about.at + timedelta(hours=self._house.settings.relay.expire_hours)
        return DeliveryReport(
            action=action,
            sender=sender,
            recipient=recipient,
            arrived=about.at,
            at=self.now,
            original=original,
            status=_status(about, action, open_=open_),
            reply=str(about.ended.get("reply", "")) if about.state == "failed" else "",
            code=about.code if open_ else "",
            attempted=about.ended_at,
            retried_until=expires if about.state in {"queued", "begun", "deferred"} else None,
            original_recipient=about.orcpt,
            envelope_id=about.envelope_id,
            returned=about.returned,
        )

    def _mail(self, about: OpenSubmission, report: DeliveryReport, sender: str) -> NewMail | None:
        house = self._house
        # The time of handing in, too: a mail that is handed in once more is told of once more.
        step = f"dsn {report.action} {about.at.isoformat()}"
        mail_id = house.keyring.mail_id(step, bytes.fromhex(about.mail_id))
        data = write_dsn(report, name=self._name, mail_id=mail_id)
        if not isinstance(data, bytes):
            _log.error("notification_not_written", mail=about.mail_id, field=getattr(data, "header", "body"))
            return None
        from_ = f"mailer-daemon@{self._name}"
        made = ReadyMade(Message(data), from_, Stream.NOTICE, about.controller, sender="")
        mail = house.assembler.ready_made(mail_id, Contact(sender), made)
        way = house.services.way_of(mail)
        if not house.services.capabilities[way].null_sender:
            self.not_carried[way] += 1
            return None
        # Under [safety] redirect_all_to only the envelope is turned: whom the mail is meant for stays on record.
        return replace(new_mail(mail, way, self.now, _NOBODY), recipient=sender)


def _action(about: OpenSubmission) -> Action | None:
    """What is to be said of the mail; None: nothing, and nothing later."""
    match about.state:
        case "failed" | "blocked" | "rejected":
            return Action.FAILED if "FAILURE" in about.notify else None
        case "accepted":
            return Action.RELAYED if "SUCCESS" in about.notify else None
        case "cancelled":  # by a person, who knows whom to tell
            return None
        case _:
            return Action.DELAYED


def _status(about: OpenSubmission, action: Action, *, open_: bool) -> str:
    """RFC 3463. Of a verdict of ours a client that may not know its code learns no more than that there is one."""
    if action is not Action.FAILED:
        return ""
    if about.state == "failed":
        return str(about.ended.get("status", ""))
    return _DEAD.get(about.code, _REFUSED) if open_ else _REFUSED
