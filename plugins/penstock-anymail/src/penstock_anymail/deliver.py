"""Mails through any backend of django-anymail, for the ESPs that have no plugin of their own. Transactional mail only.

Sources: django-anymail 15.2, its pages "Anymail additions", "Tracking sent mail" and "Exceptions".
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from penstock.adapters.http import Exchange, HttpAdapter, HttpResponse, Refusal
from penstock.errors import ConfigError
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome, Uncertain
from penstock.ports import AdapterAddress, Capabilities
from penstock_anymail.backend import attributes, backend_maker
from penstock_anymail.exchange import AnymailExchange, AnymailRequest
from penstock_anymail.letter import letter

__all__ = ["Anymail", "adapter"]

_MOST_CONNECTIONS = 32
_RECEIPT = re.compile(r"[A-Za-z0-9._=+:/-]{1,200}")
_MAYBE = frozenset({408, 409, 425})
"""4xx that may mean: the same request was or is under way."""


def adapter(address: AdapterAddress) -> HttpAdapter:
    """`anymail:BACKEND[?tracking=off&connections=N&OPTION=…]` with an api_key, and a password where there is a secret
    key beside it; BACKEND is one of anymail's, as `sparkpost`, or the dotted path of a class.

    Raises ConfigError.
    """
    where = f"adapters.{address.name}.url"
    written = address.options.get("connections", "4")
    connections = int(written) if written.isascii() and written.isdigit() and len(written) < 3 else 0
    if not 1 <= connections <= _MOST_CONNECTIONS:
        raise ConfigError(f"connections: 1 to {_MOST_CONNECTIONS} are expected", where=where)
    vouched = bool(address.option("tracking", {"": "", "off": "off"}))
    make = backend_maker(address)
    able = attributes(make(), tracking_vouched=vouched, where=where)
    return HttpAdapter(address.name, Anymail(able), AnymailExchange(make), address.clock, connections=connections)


class Anymail:
    """Messages for a backend and what its answers mean. `able`: anymail's attributes that the backend can express."""

    capabilities = Capabilities(
        raw_message=False,
        smtputf8=False,
        envelope_sender=False,
        idempotent=False,
        dkim="esp",
        permission="consent",
        message_id=False,
        date=False,
        null_sender=False,
        lost_headers=frozenset({"cc", "date", "dkim-signature", "message-id", "received", "return-path", "sender"}),
    )
    per_request = 1

    def __init__(self, able: dict[str, object]) -> None:
        self._able = able

    def request(self, mails: Sequence[Mail], /) -> AnymailRequest | Failed:
        """The message for one mail; Failed for advertising and for what no ESP carries."""
        (mail,) = mails
        message = letter(mail, self._able)
        return message if isinstance(message, Failed) else AnymailRequest("", b"", {}, message=message)

    def outcomes(self, mails: Sequence[Mail], response: HttpResponse, /) -> Sequence[Outcome]:
        """Of anymail's words `sent` and `queued` are yes, `invalid` and `rejected` no; the others leave it open."""
        return [_outcome(mail, response) for mail in mails]

    def refusal(self, response: HttpResponse, /) -> Refusal | None:
        """Nothing beyond what a status means with every ESP."""
        del response
        return None

    async def inspect(self, exchange: Exchange, /) -> str | None:
        """Nothing: anymail cannot ask for settings of an account."""
        del exchange
        return None


def _outcome(mail: Mail, response: HttpResponse) -> Outcome:
    told = json.loads(response.body or b"{}")
    if "unfit" in told:
        return Failed(f"the backend has no words for this mail: {told['unfit']}")
    if response.status in _MAYBE:
        return Uncertain(f"HTTP {response.status}: the same request may have been accepted")
    if response.status >= 400:
        why = f"HTTP {response.status}: the ESP refuses the mail"
        return Failed(why, "5.3.4" if response.status == 413 else "")
    words = set(told.get("status", ()))
    if words and words <= {"queued", "sent"}:
        return Accepted(_receipt(told["id"], mail))
    if words and words <= {"invalid", "rejected"}:
        return Failed(f"the ESP refuses the recipient: {' and '.join(sorted(words))}")
    return Uncertain(f"the answer says {' and '.join(sorted(words)) or 'nothing'}: it may have been accepted")


def _receipt(found: str, mail: Mail) -> str:
    """The ESP's id; of a Message-ID what stands before the @, as the whole would be taken for an address."""
    receipt = found.strip().strip("<>").partition("@")[0]
    local = mail.envelope.recipient.rpartition("@")[0]
    return receipt if _RECEIPT.fullmatch(receipt) and receipt.lower() != local.lower() else ""
