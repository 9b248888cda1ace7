"""Puts a mail together from what is stored: campaign, contact, identity and history. Nothing is rendered here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from penstock.law.identity import Identifier
from penstock.law.mailboxes import Mailboxes
from penstock.law.recipient_kind import recipient_kind
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Campaign, Stream
from penstock.model.codes import Code
from penstock.model.contact import Contact
from penstock.model.identity import Identity
from penstock.model.keyring import Keyring
from penstock.model.mail import Draft, Envelope, Mail, Message
from penstock.model.routing import from_address
from penstock.model.suppression import Suppression, SuppressionKind, SuppressionReason
from penstock.model.verdict import Reason, Verdict
from penstock.ports import Clock, HistoryQuery, Mails, SavedMail
from penstock.store.placing import HandedIn, NewMail

__all__ = ["AT_HAND", "Assembler", "CapSpan", "Loaded", "ReadyMade", "ReturnPath", "new_mail", "sender_address"]

ReturnPath = Callable[[str, Stream, str], str]
"""From address, stream and mail id to MAIL FROM (RFC 5321 section 4.4)."""

CapSpan = Callable[[Campaign], tuple[timedelta, int]]
"""The longest window of a campaign's caps and the most touches any of them counts."""


def sender_address(from_: str) -> str:
    """The address of a From as campaign files write it: what stands in the last angle brackets, else the whole."""
    head, bracket, tail = from_.rpartition("<")
    return tail.rstrip().removesuffix(">").strip() if bracket and head is not None else from_.strip()


_OVER = frozenset({"accepted", "failed", "uncertain", "cancelled"})
_LOST = Reason("load", Verdict.HOLD, Code.STAGE_FAILED, "the file of this message is gone or damaged")
AT_HAND = 4_000
"""Planned mails that are kept at hand."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A mail as loaded; one that has reasons already is not judged further.

    `begun`: another process began it and has not ended it. `over`: nothing is left to do.
    """

    mail: Mail
    begun: bool
    over: bool


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """A finished message and what is said of it. `from_` is the address in From, `sender` MAIL FROM as given.

    `known`: the contact is one that the store knows, not a bare address. `identity` is the contact's, where it was made
    already.
    """

    content: Message
    from_: str
    stream: Stream
    controller: str
    sender: str
    campaign: Campaign | None = None
    contact_id: str | None = None
    known: bool = False
    tag: str = ""
    begun_at: datetime | None = None
    attempts: int = 0
    identity: Identity | None = None


class Assembler:
    """Makes mails for campaigns. What was planned a moment ago is kept at hand, so that its keys are made once."""

    def __init__(
        self,
        *,
        identifier: Identifier,
        mailboxes: Mailboxes,
        keyring: Keyring,
        mails: Mails,
        clock: Clock,
        cap_span: CapSpan,
        foreign: Callable[[], Awaitable[frozenset[str]]],
        return_path: ReturnPath = lambda sender, _stream, _mail_id: sender,
        redirect_to: str = "",
    ) -> None:
        self._identifier = identifier
        self._mailboxes = mailboxes
        self._keyring = keyring
        self._mails = mails
        self._clock = clock
        self._cap_span = cap_span
        self._foreign = foreign
        self._return_path = return_path
        self._redirect_to = redirect_to
        self._kinds: frozenset[str] | None = None
        self._made: dict[str, Mail] = {}

    async def refresh(self) -> None:
        """Once per batch: objections may have come in as a kind of hash that the store did not hold before."""
        foreign = await self._foreign()
        if foreign != self._kinds:
            self._kinds = foreign
            self._made.clear()
            self._identifier.refresh(foreign)

    def mail(self, campaign: Campaign, contact: Contact, contact_id: str | None = None) -> Mail:
        """The draft of one campaign step to one contact, without history. The id is the same every time."""
        identity = self._identifier.of(contact)
        mail_id = self._keyring.mail_id(campaign.once_key, identity.person)
        return Mail(
            id=mail_id,
            envelope=self._envelope(sender_address(campaign.message.from_), contact.address, campaign.stream, mail_id),
            stream=campaign.stream,
            controller=campaign.controller,
            campaign=campaign,
            contact=contact,
            kind=recipient_kind(contact, self._mailboxes),
            identity=identity,
            content=Draft(),
            contact_id=contact_id,
        )

    def planned(self, mail: Mail, contact: Contact, contact_id: str) -> Mail:
        """The draft of a row, now that its contact is stored, merged with what was known."""
        assert mail.campaign is not None
        if mail.contact == contact:
            made = replace(mail, contact=contact, contact_id=contact_id)
        else:
            made = self.mail(mail.campaign, contact, contact_id)
        if len(self._made) >= AT_HAND:
            del self._made[next(iter(self._made))]
        self._made[made.id] = made
        return made

    def ready_made(self, mail_id: str, contact: Contact, made: ReadyMade) -> Mail:
        """A mail around a finished message; `contact` may hold no more than the recipient's address.

        Without a campaign nothing else of the contact counts. MAIL FROM is ours where a return path is configured
        for the domain in From, else what the client gave.
        """
        campaign = made.campaign
        path = made.sender and self._return_path(made.from_, made.stream, mail_id)
        return Mail(
            id=mail_id,
            envelope=Envelope(made.sender if path == made.from_ else path, self._redirect_to or contact.address),
            stream=made.stream,
            controller=made.controller,
            campaign=campaign,
            contact=contact if campaign is not None and made.known else None,
            kind=recipient_kind(contact, self._mailboxes),
            identity=made.identity or self._identifier.of(contact),
            content=made.content,
            contact_id=made.contact_id,
            begun_at=made.begun_at,
            attempts=made.attempts,
            tag=made.tag,
        )

    def trial(self, mail: Mail, campaign: Campaign, mail_id: str, recipient: str) -> Mail:
        """The same mail under an id of its own to another mailbox, as a draft of which nothing was said yet.

        Its return path names that id: a bounce of it concerns nobody else.
        """
        sender = self._return_path(sender_address(campaign.message.from_), campaign.stream, mail_id)
        return replace(
            mail,
            id=mail_id,
            envelope=Envelope(sender, recipient),
            content=Draft(),
            reasons=(),
            begun_at=self._clock.now(),
            attempts=0,
        )

    def dead_address(self, mail: Mail, adapter: str) -> Suppression | None:
        """The entry for a recipient whom the next hop says does not exist; none when the mail went elsewhere."""
        address = parse_address(mail.envelope.recipient)
        if self._redirect_to or not isinstance(address, Address):
            return None
        return Suppression(
            SuppressionKind.PERSON,
            self._identifier.entry_keys(address),
            "all",
            SuppressionReason.BOUNCE,
            self._clock.now(),
            str(address),
            adapter,
        )

    def _envelope(self, sender: str, recipient: str, stream: Stream, mail_id: str) -> Envelope:
        return Envelope(self._return_path(sender, stream, mail_id), self._redirect_to or recipient)

    async def with_history(self, mails: Sequence[Mail]) -> list[Mail]:
        """The same mails with their history; one store call per batch."""
        now = self._clock.now()
        queries = []
        for mail in mails:
            span, most = self._cap_span(mail.campaign) if mail.campaign else (timedelta(0), 0)
            step = mail.campaign.id if mail.campaign else mail.stream.value
            queries.append(HistoryQuery(mail.id, mail.identity, mail.controller, step, now - span, most))
        histories = await self._mails.history(queries)
        return [mail.with_history(history) for mail, history in zip(mails, histories, strict=True)]

    async def load(self, ids: Sequence[str]) -> list[Loaded | None]:
        """Saved mails by id, ready to be judged; None for one that is gone or whose contact was erased."""
        await self.refresh()
        saved = await self._mails.load(ids)
        made = [self._from_saved(item) if item is not None else None for item in saved]
        known = await self.with_history([mail for mail in made if mail is not None])
        filled = iter(known)
        return [
            Loaded(next(filled), begun=item.state == "begun", over=item.state in _OVER)
            if mail is not None and item is not None
            else None
            for mail, item in zip(made, saved, strict=True)
        ]

    def _from_saved(self, saved: SavedMail) -> Mail | None:
        if saved.content is not None and saved.recipient is not None:
            return self._from_message(saved, saved.content, saved.recipient)
        if saved.lost and saved.recipient is not None:
            # Never the campaign's own letter in its place: a person puts the file back, or hands it in again.
            return self._from_message(saved, b"", saved.recipient).with_reasons((_LOST,))
        if saved.campaign is not None and saved.contact is not None:
            mail = self._draft(saved, saved.campaign, saved.contact)
        else:
            return None
        # The time is fixed before anything is rendered, and `begin` stores this very one: a repeat is the same payload.
        begun_at = saved.begun_at or self._clock.now()
        return replace(mail, id=saved.id, begun_at=begun_at, attempts=saved.attempts)

    def _draft(self, saved: SavedMail, campaign: Campaign, contact: Contact) -> Mail:
        made = self._made.pop(saved.id, None)
        if made is None or made.contact != contact or made.campaign is None or made.campaign.digest != campaign.digest:
            return self.mail(campaign, contact, saved.contact_id)
        return made

    def _from_message(self, saved: SavedMail, data: bytes, recipient: str) -> Mail:
        from_ = from_address(data)
        made = ReadyMade(
            Message(data),
            from_,
            saved.stream,
            saved.controller,
            sender=from_ if saved.sender is None else saved.sender,
            campaign=saved.campaign,
            contact_id=saved.contact_id,
            known=saved.contact is not None,
            tag=saved.tag,
            begun_at=saved.begun_at or self._clock.now(),
            attempts=saved.attempts,
        )
        contact = saved.contact or Contact(recipient)
        if contact.address != recipient:  # what is stored of a person may be another form than the client's
            contact = replace(contact, address=recipient)
        return self.ready_made(saved.id, contact, made)


def new_mail(
    mail: Mail, adapter: str, due: datetime, handed_in: HandedIn | None = None, digest: bytes | None = None
) -> NewMail:
    """The mail as the store takes it in, in the lane of that adapter and the recipient's domain.

    `digest` is the SHA-256 of a finished message, where it is known already.
    """
    finished = mail.content if isinstance(mail.content, Message) else None
    return NewMail(
        id=mail.id,
        campaign=mail.campaign,
        contact_id=mail.contact_id,
        identity=mail.identity,
        stream=mail.stream,
        controller=mail.controller,
        lane=f"{adapter}/{mail.envelope.domain}",
        due=due,
        content=finished.data if finished else None,
        recipient=mail.envelope.recipient if finished else None,
        handed_in=handed_in,
        digest=digest if finished else None,
    )
