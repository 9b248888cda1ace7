"""What a server's answer means: RFC 5321 reply codes, RFC 3463 status codes, special texts of large providers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from penstock.model.codes import Code

__all__ = ["Bounce", "Kind", "Reply", "Scope", "Stage", "asked_delay", "classify", "receipt"]


class Stage(StrEnum):
    """What of a transaction was answered."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "message"


class Kind(StrEnum):
    """What came of the transaction."""

    ACCEPTED = "accepted"
    LATER = "later"
    FAILED = "failed"


class Scope(StrEnum):
    """What a refusal is about. `sender` and `account` concern every mail of the adapter, not this one."""

    RECIPIENT = "recipient"
    SENDER = "sender"
    POLICY = "policy"
    CONTENT = "content"
    ACCOUNT = "account"
    SERVICE = "service"


class Bounce(StrEnum):
    """The class a bounce counts in. Only a hard bounce says that an address is dead."""

    NONE = "none"
    HARD = "hard"
    SOFT = "soft"
    SENDER = "sender"
    CONTENT = "content"
    POLICY = "policy"
    OBJECTION = "objection"  # this recipient refuses this sender; a person should confirm it
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, understood. `meaning` is in our words: the server's may quote an address.

    `code` is HARD_BOUNCED only where the address is to be suppressed at once. `status` is RFC 3463's.
    """

    kind: Kind
    scope: Scope
    bounce: Bounce
    code: Code | None
    status: str
    meaning: str

    @property
    def stops_adapter(self) -> bool:
        """Our account or sender is refused: the mail is not at fault, and no other would fare better."""
        return self.scope in {Scope.SENDER, Scope.ACCOUNT}


@dataclass(frozen=True, slots=True)
class _Row:
    """The first row that matches decides. An empty condition always holds; patterns match in lower case."""

    meaning: str
    scope: Scope
    bounce: Bounce
    code: Code | None = None
    kind: Kind = Kind.FAILED
    basic: frozenset[int] = frozenset()
    status: str = ""
    text: str = ""
    stages: frozenset[Stage] = frozenset(Stage)

    def fits(self, stage: Stage, basic: int, status: str, text: str) -> bool:
        return (
            stage in self.stages
            and (not self.basic or basic in self.basic)
            and (not self.status or re.fullmatch(self.status, status) is not None)
            and (not self.text or re.search(self.text, text) is not None)
        )


# What a bare reply code says when the server gives no RFC 3463 status (RFC 5248, RFC 7504, RFC 7505).
_STATUS_OF = {
    421: "4.3.2", 450: "4.2.0", 451: "4.3.0", 452: "4.3.1", 454: "4.7.0", 500: "5.5.2", 501: "5.5.4", 502: "5.5.1",
    503: "5.5.1", 504: "5.5.4", 521: "5.3.2", 523: "5.7.10", 525: "5.7.13", 530: "5.7.0", 534: "5.7.9", 535: "5.7.8",
    538: "5.7.11", 551: "5.1.6", 552: "5.2.2", 553: "5.1.3", 554: "5.7.0", 555: "5.5.4", 556: "5.1.10", 571: "5.7.1",
}  # fmt: skip

_UNKNOWN_USER = (
    r"no such (user|recipient|mailbox|person|account|address)|unknown (user|recipient|mailbox|account|address)"
    r"|(user|recipient|mailbox|account|address)( \S+)? (is )?"
    r"(unknown|not found|not known|unrouteable|does ?n[o']t exist|does not exist)"
    r"|recipientnotfound|user doesn't have an? .{0,20}account|mailbox unavailable.{0,20}not found"
)
_LIMIT = (
    r"daily .{0,20}(sending|relay|message|recipient).{0,12} (limit|quota)"
    r"|(sending|submission|message) (limit|quota|rate)"
    r"|rate limit|too many (messages|recipients|connections|mails)|thread limit|throttl"
)
_OBJECTS = (
    r"(recipient|user|mailbox)\b.{0,40}\b"
    r"(has blocked|blocks|refuses|rejects|does not accept|has rejected)\b.{0,30}\b(you|sender)"
)
_NO_RELAY = r"relay(ing)?( access)?( is)? (denied|not (allowed|permitted))|unable to relay|not permitted to relay"
_NOT_OUR_SENDER = r"send ?as ?denied|send as this sender|sender address rejected|not owned by|bad outbound sender"
_ABOUT_SENDER = r"\b(sender|mail from|from address|return.?path)\b"


def _dead(meaning: str, status: str, *, basic: frozenset[int] = frozenset(), text: str = "") -> _Row:
    """The address is to be suppressed at once."""
    return _Row(meaning, Scope.RECIPIENT, Bounce.HARD, Code.HARD_BOUNCED, basic=basic, status=status, text=text)


def _login(*, basic: frozenset[int] = frozenset(), status: str = "") -> _Row:
    return _Row("our login is missing or refused", Scope.ACCOUNT, Bounce.NONE, basic=basic, status=status)


def _sender(*, basic: frozenset[int] = frozenset(), status: str = "", text: str = "") -> _Row:
    meaning = "our sender address or account is refused"
    return _Row(meaning, Scope.SENDER, Bounce.SENDER, basic=basic, status=status, text=text)


def _paced(*, status: str = "", text: str = "") -> _Row:
    meaning = "a sending limit is reached"
    return _Row(meaning, Scope.POLICY, Bounce.POLICY, Code.RATE_BACKOFF, Kind.LATER, status=status, text=text)


def _greylisted(*, basic: frozenset[int] = frozenset(), status: str = "", text: str = "") -> _Row:
    meaning = "greylisted (RFC 6647)"
    return _Row(meaning, Scope.RECIPIENT, Bounce.SOFT, Code.RATE_BACKOFF, basic=basic, status=status, text=text)


def _oversized(*, basic: frozenset[int] = frozenset(), status: str = "", text: str = "") -> _Row:
    return _Row("the message is too large", Scope.CONTENT, Bounce.CONTENT, basic=basic, status=status, text=text)


_PERMANENT = (
    _Row("too many recipients or no room, to be tried again (RFC 5321 section 4.5.3.1.10)",
         Scope.RECIPIENT, Bounce.SOFT, kind=Kind.LATER, basic=frozenset({552}), stages=frozenset({Stage.RCPT})),
    _login(basic=frozenset({523, 530, 534, 535, 538})),
    _login(status=r"5\.7\.(8|9|10|11|12|14|57|64)"),
    _Row("the server does not relay for us", Scope.ACCOUNT, Bounce.NONE, text=_NO_RELAY),
    _paced(status=r"5\.7\.28|5\.1\.90|5\.2\.12[12]|5\.7\.23[23]"),
    _paced(text=_LIMIT),
    _Row("our mail is not authenticated (SPF, DKIM, DMARC, reverse DNS)", Scope.SENDER, Bounce.SENDER,
         Code.AUTH_MISSING, status=r"5\.7\.(2[0-9]|509|515)"),
    _Row("our account, tenant or network is banned", Scope.SENDER, Bounce.SENDER,
         status=r"5\.7\.(501|502|503|511|6[0-4][0-9]|7[0-9]{2})"),
    _sender(status=r"5\.1\.[78]|5\.7\.(13|60)|5\.2\.252"),
    _sender(text=_NOT_OUR_SENDER),
    _sender(basic=frozenset({553}), text=_ABOUT_SENDER),
    _Row("non-ASCII addresses are not taken", Scope.CONTENT, Bounce.SENDER, Code.SMTPUTF8_UNSUPPORTED,
         status=r"5\.6\.7"),
    _oversized(status=r"5\.2\.3|5\.3\.4"),
    _oversized(basic=frozenset({552}), text=r"\b(size|large|big|maximum message)\b"),
    _Row("the server does not like our protocol or content", Scope.CONTENT, Bounce.SENDER, status=r"5\.[56]\.\d+"),
    _Row("our sender address or account is refused", Scope.SENDER, Bounce.SENDER, stages=frozenset({Stage.MAIL})),
    _dead("the mailbox or domain has a new owner (RFC 7293)", r"5\.7\.1[78]"),
    _dead("there is no such mailbox", r"5\.1\.(1|10)"),
    _dead("there is no such domain", r"5\.1\.2"),
    _dead("the address is not valid", r"5\.1\.3"),
    _dead("the mailbox has moved; the new address is not adopted", r"5\.1\.6"),
    _dead("there is no such mailbox", r"5\.4\.1", text=r"recipient address rejected: access denied"),
    _dead("there is no such mailbox", r"5\.[012]\.0", basic=frozenset({550}), text=_UNKNOWN_USER),
    _Row("the mailbox is disabled", Scope.RECIPIENT, Bounce.HARD, status=r"5\.2\.1"),
    _Row("the mailbox is full", Scope.RECIPIENT, Bounce.SOFT, status=r"5\.2\.2"),
    _Row("a mailing list could not be expanded", Scope.RECIPIENT, Bounce.SOFT, status=r"5\.2\.4"),
    _Row("routing failed or took too long", Scope.SERVICE, Bounce.SOFT, status=r"5\.4\.\d+"),
    _Row("the next system refuses or fails", Scope.SERVICE, Bounce.SOFT, status=r"5\.3\.\d+"),
    _Row("the recipient refuses this sender", Scope.RECIPIENT, Bounce.OBJECTION, status=r"5\.7\.\d+", text=_OBJECTS),
    _Row("refused by policy", Scope.POLICY, Bounce.POLICY, status=r"5\.7\.\d+"),
    _Row("refused for good without saying why", Scope.RECIPIENT, Bounce.UNKNOWN),
)  # fmt: skip

_TRANSIENT = (
    _Row("the server closes or is overloaded", Scope.SERVICE, Bounce.SOFT, basic=frozenset({421})),
    _greylisted(text=r"gr[ea]y-? ?list"),
    _greylisted(basic=frozenset({450, 451}), status=r"4\.7\.1"),
    _Row("the server slows us down", Scope.POLICY, Bounce.SOFT, Code.RATE_BACKOFF, status=r"4\.7\.(28|[56][0-9]{2})"),
    _Row("the server slows us down", Scope.POLICY, Bounce.SOFT, Code.RATE_BACKOFF, text=_LIMIT),
    _Row("the mailbox is full", Scope.RECIPIENT, Bounce.SOFT, status=r"4\.2\.2"),
    _Row("not now", Scope.SERVICE, Bounce.SOFT),
)  # fmt: skip

_ID = re.compile(r"(?:queued as|queued with id|\bid[=:]|\bInternalId=)\s*([A-Za-z0-9._-]{4,64})", re.ASCII)
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}", re.ASCII)
_DELAY = re.compile(r"\b(\d{1,5})\s*(s|sec|secs|seconds?|m|min|mins|minutes?|h|hours?)\b", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600}
_LONGEST = timedelta(days=1)
_SHORTEST = timedelta(minutes=1)


def classify(stage: Stage, code: int, enhanced: str | None, text: str) -> Reply:
    """What reply `code` with RFC 3463 status `enhanced` to `stage` means; `text` is the server's, any case.

    The reply code decides between "later" and "failed"; a status of another class than its code is brought into line.
    """
    first = code // 100
    if first == 2:
        return Reply(Kind.ACCEPTED, Scope.RECIPIENT, Bounce.NONE, None, enhanced or "2.0.0", "accepted")
    status = f"{first}{enhanced[1:]}" if enhanced else _STATUS_OF.get(code, f"{first}.0.0")
    table = _TRANSIENT if first == 4 else _PERMANENT
    lowered = text.lower()
    row = next(row for row in table if row.fits(stage, code, status, lowered))
    kind = Kind.LATER if first == 4 else row.kind
    return Reply(kind, row.scope, row.bounce, row.code, status, row.meaning)


def asked_delay(text: str) -> timedelta | None:
    """How long the server asks us to wait ("try again in 300 seconds"), between a minute and a day; else None."""
    if (seen := _DELAY.search(text.lower())) is None:
        return None
    wanted = timedelta(seconds=int(seen[1]) * _UNITS[seen[2][0]])
    return max(_SHORTEST, min(wanted, _LONGEST))


def receipt(code: int, text: str) -> str:
    """The server's queue id where its reply names one, else reply code and status. Never holds an address."""
    if seen := _ID.search(text):
        return seen[1]
    status = _STATUS.match(text)
    return f"{code} {status[0]}" if status else str(code)
