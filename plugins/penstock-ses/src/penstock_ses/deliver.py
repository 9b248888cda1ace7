"""Mails to Amazon SES as the bytes they are: SendEmail with raw content, one mail a request.

Sources: botocore's model of sesv2 (2026-08); the SES developer guide, pages "Header fields", "Service quotas", "Manual
DKIM signing" and "Using configuration overrides". SendBulkEmail takes templates only, so it is of no use here.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from penstock.adapters.http import Exchange, HttpAdapter, HttpRequest, HttpResponse, Refusal, json_octets
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.codes import Code
from penstock.model.mail import Mail, Message
from penstock.model.outcome import Failed, Outcome
from penstock.ports import AdapterAddress, Capabilities, Clock
from penstock_ses.account import SesAccount
from penstock_ses.answers import outcome, refusal, unfit
from penstock_ses.lists import SesLists
from penstock_ses.signing import Signature, aws_session, credentials_for, host_of, region_for

__all__ = ["MAIL_ID", "Options", "Ses", "SesAdapter", "adapter"]

MAIL_ID = "penstock_mail_id"
"""The tag that names the mail in SES's events."""
SIMULATOR = "success@simulator.amazonses.com"
"""SES's own mailbox that takes everything and counts against nothing but the quota."""

_SEND = "/v2/email/outbound-emails"
_ACCOUNT = "/v2/email/account"
_MOST_OCTETS = 40 << 20
_LONGEST_LINE = 1_000
"""RFC 5321 section 4.5.3.1.6: with its CRLF."""
_MOST_CONNECTIONS = 200
_OPTIONS = (
    "configuration_set", "dkim", "feedback", "sandbox", "settings", "profile", "contact_list", "topic", "connections",
)  # fmt: skip
_YES_NO = {"no": "", "yes": "yes"}
_SET = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME_FORM = "1 to 64 letters, digits, '_' and '-'"
_TAG_VALUE = re.compile(r"[A-Za-z0-9_-]{1,256}")
_PLAIN_ADDRESS = re.compile(r"[^\s,;:<>()\"\\@\[\]]+@[^\s,;:<>()\"\\@\[\]]+")
"""What can be read as one address only, neither as a list nor as a name with an address."""
_NOTED = re.compile(rb"\r\n(references|dkim-signature)[ \t]*:")
_MESSAGE_ID = re.compile(rb"(?:\A|\r\n)message-id[ \t]*:\s*(<[^<>\s]{1,900}>)", re.IGNORECASE)
_SIGNABLE = frozenset(
    {
        "auto-submitted",
        "cc",
        "cfbl-address",
        "cfbl-feedback-id",
        "content-transfer-encoding",
        "content-type",
        "from",
        "in-reply-to",
        "list-id",
        "list-unsubscribe",
        "list-unsubscribe-post",
        "mime-version",
        "references",
        "reply-to",
        "subject",
        "to",
    }
)
"""What SES passes on as it is. Message-ID and Date become its own, and beside Feedback-ID it writes another."""


@dataclass(frozen=True, slots=True)
class Options:
    """`feedback`: where SES forwards bounces and complaints to. `sandbox`: every mail goes to SES's simulator."""

    configuration_set: str = ""
    feedback: str = ""
    dkim: Literal["esp", "ours"] = "esp"
    sandbox: bool = False
    settings_read: bool = True
    """Whether the account is looked at first; a key that may only send cannot."""


def adapter(address: AdapterAddress) -> HttpAdapter:
    """`ses:[REGION][?configuration_set=NAME&dkim=esp|ours&feedback=ADDRESS&sandbox=no|yes&settings=read|unread
    &profile=NAME&contact_list=NAME&topic=NAME&connections=10]`, with the access key's id as api_key and its secret as
    password, or what AWS finds.

    Raises ConfigError for missing keys or region and for options that are not understood.
    """
    address.knows(
        "configuration_set",
        "dkim",
        "feedback",
        "sandbox",
        "settings",
        "profile",
        "contact_list",
        "topic",
        "connections",
    )
    where = f"adapters.{address.name}.url"
    contact_list, topic = _named_lists(address)
    options = Options(
        configuration_set=_written(address, "configuration_set", _SET, _NAME_FORM),
        feedback=_written(address, "feedback", _PLAIN_ADDRESS, "an address"),
        dkim="ours" if address.option("dkim", {"esp": "", "ours": "ours"}) else "esp",
        sandbox=bool(address.option("sandbox", _YES_NO)),
        settings_read=bool(address.option("settings", {"read": "yes", "unread": ""})),
    )
    written = address.options.get("connections", "10")
    connections = int(written) if written.isascii() and written.isdigit() and len(written) < 4 else 0
    if not 1 <= connections <= _MOST_CONNECTIONS:
        raise ConfigError(f"connections: 1 to {_MOST_CONNECTIONS} are expected", where=where)
    session = aws_session(address)
    region = region_for(address, session)
    endpoint = address.endpoint or host_of(region, session, where)
    exchange = Exchange(endpoint, connections=connections)
    signature = Signature(credentials_for(address, session), region, exchange.endpoint)
    lists = SesLists(SesAccount(exchange, signature, f"adapters.{address.name}"), contact_list, topic)
    esp = Ses(options, signature)
    return SesAdapter(address.name, esp, exchange, address.clock, connections=connections, lists=lists)


class SesAdapter(HttpAdapter):
    """Looks after the keys, which may be a role's and run out."""

    def __init__(
        self,
        name: str,
        esp: Ses,
        exchange: Exchange,
        clock: Clock,
        *,
        connections: int = 10,
        lists: SesLists | None = None,
    ) -> None:
        super().__init__(name, esp, exchange, clock, connections=connections, lists=lists)
        self._signature = esp.signature

    async def prepare(self) -> None:
        """Renew the keys in time, then look at the account as every ESP's adapter does. Raises AdapterUnavailable."""
        await self._signature.renew()
        await super().prepare()


class Ses:
    """Requests to SES and what its answers mean."""

    per_request = 1

    def __init__(self, options: Options, signature: Signature) -> None:
        self.signature = signature
        self._options = options
        self.capabilities = Capabilities(
            raw_message=True,
            smtputf8=False,
            envelope_sender=False,
            idempotent=False,
            dkim=options.dkim,
            dkim_headers=_SIGNABLE if options.dkim == "ours" else None,
            permission="consent",
            message_id=False,
            date=False,
            null_sender=False,
            lost_headers=frozenset({"date", "message-id", "return-path"}),
        )
        off = "DISABLED"
        self._fixed: dict[str, Any] = {
            "ConfigurationOverrides": {"Tracking": {"OpenTrackingEnabled": off, "ClickTrackingEnabled": off}}
        }
        if options.configuration_set:
            self._fixed["ConfigurationSetName"] = options.configuration_set
        if options.feedback:
            self._fixed["FeedbackForwardingEmailAddress"] = options.feedback

    def request(self, mails: Sequence[Mail], /) -> HttpRequest | Failed:
        """The message, to whom it goes and what names it; but for the signature identical for the identical mail.

        FromEmailAddress and ReplyToAddresses are left out: SES would write them over the message's own.
        """
        (mail,) = mails
        content = mail.content
        if not isinstance(content, Message):
            return Failed("no finished message")
        if failed := _unsendable(mail, content.data):
            return failed
        data = self._named(content.data)
        asked = {
            "Destination": {"ToAddresses": [SIMULATOR if self._options.sandbox else mail.envelope.recipient]},
            "Content": {"Raw": {"Data": b2a_base64(data, newline=False).decode("ascii")}},
            "EmailTags": [{"Name": MAIL_ID, "Value": mail.id}],
            **self._fixed,
        }
        body = json_octets(asked)
        return HttpRequest(_SEND, body, self.signature.headers("POST", _SEND, body))

    def outcomes(self, mails: Sequence[Mail], response: HttpResponse, /) -> Sequence[Outcome]:
        """200 with a MessageId is accepted; a 4xx that is not the account's fault refuses this mail."""
        return [outcome(response)] * len(mails)

    def refusal(self, response: HttpResponse, /) -> Refusal | None:
        """Keys, account, quotas and pace; SES answers most of them with 400."""
        return refusal(response)

    async def inspect(self, exchange: Exchange, /) -> str | None:
        """Refuse an account that may not send now: switched off, stopped, in the sandbox, its quota used up.

        Raises AdapterUnavailable where SES cannot be asked now.
        """
        if not self._options.settings_read:
            return None
        answer = await exchange.send(HttpRequest(_ACCOUNT, b"", self.signature.headers("GET", _ACCOUNT, b""), "GET"))
        if not isinstance(answer, HttpResponse):
            raise AdapterUnavailable(f"the account could not be read: {answer.why}")
        refused = refusal(answer)
        if answer.status >= 500 or answer.status == 429 or (refused is not None and refused.scope == "later"):
            raise AdapterUnavailable(f"the account could not be read: HTTP {answer.status}")
        return unfit(answer, sandbox=self._options.sandbox)

    def _named(self, data: bytes) -> bytes:
        """The message with its own Message-ID in References, since SES writes another over it.

        Not where there are References already, nor where somebody else's signature might cover their absence; ours
        does not.
        """
        head = data[: data.find(b"\r\n\r\n")]
        noted = _NOTED.findall(b"\r\n" + head.lower())
        own = _MESSAGE_ID.search(head)
        signed = b"dkim-signature" in noted and self._options.dkim == "esp"
        if own is None or signed or b"references" in noted:
            return data
        return b"References: %b\r\n%b" % (own[1], data)


def _named_lists(address: AdapterAddress) -> tuple[str, str]:
    """Contact list and topic, empty where none is named. Raises ConfigError."""
    contact_list, topic = (_written(address, each, _SET, _NAME_FORM) for each in ("contact_list", "topic"))
    if topic and not contact_list:
        raise ConfigError("topic: no contact_list is named that has it", where=f"adapters.{address.name}.url")
    return contact_list, topic


def _unsendable(mail: Mail, data: bytes) -> Failed | None:
    if not mail.envelope.sender:
        return Failed("SES writes a return path of its own: it sends no mail with the null sender")
    if not mail.envelope.recipient.isascii():
        return Failed("SES takes ASCII addresses only", "5.6.7", Code.SMTPUTF8_UNSUPPORTED)
    if not _PLAIN_ADDRESS.fullmatch(mail.envelope.recipient):
        return Failed("the address cannot be told from a name or a list of addresses", "5.1.3")
    if len(data) > _MOST_OCTETS:
        return Failed("larger than the 40 MB that SES takes", "5.3.4")
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return Failed("no blank line parts the headers from a body", "5.6.0")
    head = b"\n" + data[:end].lower()
    if b"\nx-ses-" in head or b"\rx-ses-" in head:
        return Failed("the message has a header X-SES-…, which would command SES", "5.6.0")
    if max(map(len, data.split(b"\n"))) >= _LONGEST_LINE:
        return Failed("a line is longer than the 1,000 characters that SES takes", "5.6.0")
    if not _TAG_VALUE.fullmatch(mail.id):
        return Failed("the mail's id cannot be a tag at SES")
    return None


def _written(address: AdapterAddress, name: str, form: re.Pattern[str], expected: str) -> str:
    """An option of free text; empty where it is left out. Raises ConfigError where it has not its form."""
    written = address.options.get(name)
    if written is None:
        return ""
    if not form.fullmatch(written):
        raise ConfigError(f"{name}: expected {expected}", where=f"adapters.{address.name}.url")
    return written
