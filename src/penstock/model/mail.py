"""A mail: one message to one recipient, on its way from draft to bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from penstock.model.campaign import Campaign, Stream
from penstock.model.contact import Contact, RecipientKind
from penstock.model.identity import Identity
from penstock.model.verdict import Reason, Variant

__all__ = ["NEW", "Attachment", "Draft", "Envelope", "Header", "History", "Letter", "Mail", "Message", "Touch"]

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Envelope:
    """SMTP's MAIL FROM (empty: the null reverse-path) and exactly one RCPT TO, both in exact form."""

    sender: str
    recipient: str

    def __post_init__(self) -> None:
        if not self.recipient:
            raise ValueError("an envelope needs a recipient")

    @property
    def domain(self) -> str:
        """The recipient's domain, by which rates are kept."""
        return self.recipient.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Touch:
    """One earlier mail that counts for caps: accepted, begun or uncertain."""

    mail_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class History:
    """What went before, loaded once per batch.

    `person` and `company` are the latest touches inside the longest cap window, newest first. `noticed`: this
    controller's first-contact notice reached the person in an accepted mail. `sent_at`: this very mail was accepted
    before. `twin`: another mail of the same campaign step went to the same person under another form.
    """

    person: tuple[Touch, ...] = ()
    company: tuple[Touch, ...] = ()
    noticed: bool = False
    sent_at: datetime | None = None
    twin: str | None = None
    waived: frozenset[str] = frozenset()


NEW = History()


@dataclass(frozen=True, slots=True)
class Draft:
    """Not rendered yet: everything comes from the campaign and the contact."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a letter. With `cid` it is an image that the HTML shows as `cid:…` (RFC 2392)."""

    name: str
    type: str
    data: bytes = field(repr=False)
    cid: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """Rendered text and headers, not serialised. Headers keep their order; values are unencoded text.

    `template` and `notice` are versions (digests); `language` is BCP 47. `calendar` is an iCalendar object (RFC 5545)
    that stands beside text and HTML.
    """

    headers: tuple[Header, ...]
    text: str
    html: str | None
    language: str
    template: str
    notice: str | None = None
    attachments: tuple[Attachment, ...] = ()
    calendar: str | None = None

    def header(self, name: str) -> str | None:
        """The value of the first header of that name, matched without case."""
        for key, value in self.headers:
            if key == name:  # as our own edits spell it
                return value
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def with_headers(self, headers: tuple[Header, ...]) -> Letter:
        """The same letter under other headers; much faster than `dataclasses.replace`."""
        return Letter(
            headers, self.text, self.html, self.language, self.template, self.notice, self.attachments, self.calendar
        )

    def with_notice(self, text: str, html: str | None, notice: str) -> Letter:
        """The same letter, completed with a notice of that version."""
        return Letter(self.headers, text, html, self.language, self.template, notice, self.attachments, self.calendar)


@dataclass(frozen=True, slots=True)
class Message:
    """The finished bytes (RFC 5322, CRLF). `letter` is what they were made of, None for a relayed message.

    `notice` is the version of the notice that was put into a relayed message.
    """

    data: bytes = field(repr=False)
    letter: Letter | None = None
    notice: str | None = None

    @property
    def notice_version(self) -> str | None:
        """The version of the notice it carries, however it came to it."""
        return self.notice if self.letter is None else self.letter.notice

    def with_data(self, data: bytes) -> Message:
        """The same message in other octets."""
        return Message(data, self.letter, self.notice)


@dataclass(frozen=True, slots=True)
class Mail:
    """One message to one recipient.

    `id` is a keyed hash of campaign step and person: one mail per step and person, ever. `reasons` are appended by the
    pipeline only. `begun_at` is the time of the first begin: Message-ID, Date, boundary and tokens derive from it and
    the id, so that a repeat is the identical payload. `kind` is derived where the contact does not state it.
    """

    id: str
    envelope: Envelope
    stream: Stream
    controller: str
    campaign: Campaign | None
    contact: Contact | None
    kind: RecipientKind
    identity: Identity
    content: Draft | Letter | Message
    history: History = NEW
    reasons: tuple[Reason, ...] = ()
    contact_id: str | None = None
    begun_at: datetime | None = None
    attempts: int = 0
    tag: str = ""
    """What the client that handed it in calls it; routes may go by it."""

    @property
    def address(self) -> str:
        """Whom the mail is meant for; the envelope may be turned to an address for trials."""
        return self.envelope.recipient if self.contact is None else self.contact.address

    @property
    def variant(self) -> Variant:
        """`first` when this controller's notice has not reached the person yet; a generic mailbox is no person."""
        generic = self.kind is RecipientKind.GENERIC
        return "regular" if self.history.noticed or generic else "first"

    def with_reasons(self, reasons: tuple[Reason, ...]) -> Mail:
        """The same mail with other reasons; much faster than `dataclasses.replace`, for the pipeline's inner loop."""
        return Mail(
            self.id, self.envelope, self.stream, self.controller, self.campaign, self.contact, self.kind,
            self.identity, self.content, self.history, reasons, self.contact_id, self.begun_at, self.attempts,
            self.tag,
        )  # fmt: skip

    def with_history(self, history: History) -> Mail:
        """The same mail with what went before it."""
        return Mail(
            self.id, self.envelope, self.stream, self.controller, self.campaign, self.contact, self.kind,
            self.identity, self.content, history, self.reasons, self.contact_id, self.begun_at, self.attempts,
            self.tag,
        )  # fmt: skip

    def with_content(self, content: Draft | Letter | Message) -> Mail:
        """The same mail with other content, for edits."""
        return Mail(
            self.id, self.envelope, self.stream, self.controller, self.campaign, self.contact, self.kind,
            self.identity, content, self.history, self.reasons, self.contact_id, self.begun_at, self.attempts,
            self.tag,
        )  # fmt: skip
