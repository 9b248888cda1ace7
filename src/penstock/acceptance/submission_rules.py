"""What a client of the relay may hand in: which stream, which campaign, for which controller, under which From."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from penstock.compose.handed_in import HandedHead, read_head
from penstock.config.senders import sender_fault, sender_of
from penstock.config.settings import Settings
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Campaign, Stream
from penstock.ports import Refusal, RefusalKind, Submission

__all__ = ["Admitted", "SubmissionRules", "refused"]

_MOST_RECIPIENTS = 500
_STREAMS = {stream.value: stream for stream in Stream}


@dataclass(frozen=True, slots=True)
class Admitted:
    """A submission that this client may hand in. `campaign_id` is what advertising belongs to, else empty."""

    submission: Submission
    stream: Stream
    campaign_id: str
    from_: str
    tag: str
    recipients: tuple[Address, ...]
    asked: Mapping[str, str]
    sender_domain: str = ""
    """Of Sender, which some programs show beside From."""
    controller: str = ""
    campaign: Campaign | None = None
    bulk: bool = False


def refused(kind: RefusalKind, why: str, code: str = "") -> Refusal:
    """A refusal in one sentence."""
    return Refusal(kind, why, code)


class SubmissionRules:
    """Made for one config; asks no store. `controllers` maps ids to legal names."""

    def __init__(self, settings: Settings) -> None:
        self._controllers = {name: one.legal_name for name, one in settings.controllers.items()}
        self._sender_fault: Callable[[str, str, Stream], tuple[str, str] | None] = lru_cache(maxsize=1_024)(
            lambda domain, who, stream: sender_fault(settings, f"x@{domain}", who, stream)
        )
        self._owners: Callable[[str], tuple[str, ...]] = lru_cache(maxsize=1_024)(
            lambda domain: _owners(settings, domain)
        )

    def admit(self, submission: Submission) -> Admitted | Refusal:
        """What can be said without the campaign: who, which stream, to whom."""
        read = read_head(submission.data) if submission.data else HandedHead("", {}, bulk=False)
        if isinstance(read, str):
            return refused(RefusalKind.INVALID, read)
        if b"\0" in submission.data:
            return refused(RefusalKind.INVALID, "a NUL octet is in the message")  # no server takes it (RFC 5321 4.5.2)
        recipients = _recipients(submission)
        if isinstance(recipients, Refusal):
            return recipients
        campaign_id = submission.campaign or read.asked.get("campaign", "")
        stream = self._stream(submission, read.asked, named=bool(campaign_id))
        if isinstance(stream, Refusal):
            return stream
        if stream is not None and not stream.commercial and submission.data:
            campaign_id = ""  # an order confirmation belongs to none, whatever its program writes there
        elif not campaign_id:
            campaign_id = submission.client.campaign
        if not campaign_id and (stream is None or stream.commercial):
            return refused(RefusalKind.INVALID, "advertising needs a campaign: say X-Penstock-Campaign")
        return Admitted(
            submission, stream or Stream.PROSPECTING, campaign_id, read.from_,
            submission.tag or read.asked.get("tag", ""), recipients, read.asked,
            read.sender.rpartition("@")[2], bulk=read.bulk,
        )  # fmt: skip

    def _stream(self, submission: Submission, asked: Mapping[str, str], *, named: bool) -> Stream | Refusal | None:
        """The stream said, else the only one that the client has; None where its campaign says it."""
        client, word = submission.client, submission.stream or asked.get("stream", "").strip().lower()
        if not word and (named or not submission.data):
            return None
        if not word:
            if len(client.streams) != 1:
                return refused(RefusalKind.INVALID, "say which stream the mail belongs to: X-Penstock-Stream")
            return next(iter(client.streams))
        stream = _STREAMS.get(word)
        if stream is None:
            return refused(RefusalKind.INVALID, f"there is no such stream; streams: {', '.join(_STREAMS)}")
        return stream if stream in client.streams else _not_granted()

    def complete(self, admitted: Admitted, campaign: Campaign | None) -> Admitted | Refusal:
        """The same with its campaign, where it names one; what stands against the two together, and against From."""
        submission, stream = admitted.submission, admitted.stream
        if admitted.campaign_id:
            if campaign is None:
                return refused(RefusalKind.INVALID, "no campaign of that id is known here")
            said = submission.stream or admitted.asked.get("stream", "").strip().lower()
            if said and said != campaign.stream.value:
                return refused(RefusalKind.INVALID, f"the campaign belongs to the stream {campaign.stream}")
            stream = campaign.stream
            if stream not in submission.client.streams:
                return _not_granted()
            if bool(submission.data) != campaign.message.relayed and (stream.commercial or not submission.data):
                what = "hands its letters in ready-made" if campaign.message.relayed else "has a letter of its own"
                return refused(RefusalKind.INVALID, f"the campaign {what}")
        from_ = admitted.from_ if submission.data or campaign is None else campaign.message.from_
        controller = self._controller(admitted, from_, campaign)
        if isinstance(controller, Refusal):
            return controller
        domain = from_.rpartition("@")[2].strip(" >").lower()
        for each in (domain, admitted.sender_domain):
            if each and (fault := self._sender_fault(each, controller, stream)):
                return refused(RefusalKind.FORBIDDEN, fault[0])
        return Admitted(
            submission, stream, admitted.campaign_id, from_, admitted.tag, admitted.recipients,
            admitted.asked, admitted.sender_domain, controller, campaign, admitted.bulk,
        )  # fmt: skip

    def _controller(self, admitted: Admitted, from_: str, campaign: Campaign | None) -> str | Refusal:
        """Who answers for the mail: the campaign's, the one said, else the only one that can be meant."""
        submission = admitted.submission
        granted = submission.client.controllers or frozenset(self._controllers)
        said = submission.controller or admitted.asked.get("controller", "")
        if said:
            wanted = said.casefold()
            found = [name for name, legal in self._controllers.items() if wanted in {name.casefold(), legal.casefold()}]
        elif campaign is not None:
            found = [campaign.controller]
        else:
            owners = [name for name in self._owners(from_.rpartition("@")[2]) if name in granted]
            found = owners if len(owners) == 1 else sorted(granted)
        if campaign is not None and found != [campaign.controller]:
            return refused(RefusalKind.INVALID, "the campaign belongs to another controller")
        if len(found) != 1:
            return refused(RefusalKind.INVALID, "say which controller answers for the mail: X-Penstock-Controller")
        if found[0] not in granted:
            return refused(RefusalKind.FORBIDDEN, "this client may not send for that controller")
        return found[0]


def _not_granted() -> Refusal:
    return refused(RefusalKind.FORBIDDEN, "this client may not send mail of that stream")


def _recipients(submission: Submission) -> tuple[Address, ...] | Refusal:
    if not 0 < len(submission.recipients) <= _MOST_RECIPIENTS:
        return refused(RefusalKind.INVALID, f"a message needs 1 to {_MOST_RECIPIENTS} recipients")
    found = []
    for each in submission.recipients:
        address = parse_address(each.address)
        if not isinstance(address, Address):
            return refused(RefusalKind.INVALID, "a recipient's address cannot be used", "INVALID_ADDRESS")
        found.append(address)
    return tuple(found)


def _owners(settings: Settings, domain: str) -> tuple[str, ...]:
    """The controllers whose domain it is; none where it is everybody's."""
    sender = sender_of(settings, f"x@{domain}")
    return sender.controllers if sender is not None else ()
