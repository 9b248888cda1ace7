"""What SES's answers mean. Nothing that SES says gets into our words but the names of errors: messages quote addresses.

Sources: botocore's model of sesv2 (the errors of SendEmail); AWS's Common Errors; the pages "Amazon SES email sending
errors" and "Errors related to the sending quotas" of the SES developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from penstock.adapters.http import HttpResponse, Refusal, object_of
from penstock.model.outcome import Accepted, Failed, Outcome, Uncertain

__all__ = ["error_name", "outcome", "refusal", "told", "unfit"]

_RECEIPT = re.compile(r"[A-Za-z0-9._-]{1,200}")
_NAME = re.compile(r"[A-Za-z0-9]{1,80}")
_QUOTA_PAUSE = timedelta(minutes=10)
"""AWS's advice is to wait up to ten minutes; the quota counts the last 24 hours, so that a little is always freed."""
_LATER = frozenset(
    {
        "LimitExceededException",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_CLOCK = "the signature is refused: check the secret, the region and this machine's clock"
_UNKNOWN_KEY = "AWS does not know the access key"
_ACCOUNT: Mapping[str, str] = {
    "AccessDeniedException": "the key may not do this: it needs ses:SendEmail and ses:SendRawEmail",
    "AccountSuspendedException": "the account may not send any more",
    "ExpiredTokenException": "the session of the key has ended",
    "IncompleteSignature": _CLOCK,
    "InvalidClientTokenId": _UNKNOWN_KEY,
    "InvalidSignatureException": _CLOCK,
    "MailFromDomainNotVerifiedException": "the MAIL FROM domain is not verified",
    "MissingAuthenticationToken": _CLOCK,
    "MissingAuthenticationTokenException": _CLOCK,
    "NotAuthorized": "the key may not do this",
    "NotFoundException": "SES does not know the configuration set in this region",
    "OptInRequired": "the account has not signed up for SES",
    "RequestExpired": _CLOCK,
    "SendingPausedException": "sending is paused for the account or the configuration set",
    "SignatureDoesNotMatch": _CLOCK,
    "UnrecognizedClientException": _UNKNOWN_KEY,
}
"""Errors that are not the mail's fault → what they mean. Some come with 400, some with 403."""
_UNVERIFIED = re.compile(r"\bnot verified\b", re.IGNORECASE)
_TOO_LARGE = re.compile(r"\bmessage length\b|\btoo (?:large|long)\b", re.IGNORECASE)
_ADDRESS = re.compile(
    r"missing (?:final|start of) |\b(?:illegal|invalid) (?:email )?address\b|\bdomain (?:contains|starts|ends|label)\b"
    r"|\blocal (?:address|name|part)\b|\bcontrol or whitespace\b",
    re.IGNORECASE,
)
_BARRED = re.compile(r"\baddress blacklisted\b|\bsuppression list\b", re.IGNORECASE)


def outcome(response: HttpResponse) -> Outcome:
    """What became of the one mail of a request; 2xx, and a 4xx that is no `refusal`."""
    status = response.status
    if status < 400:
        receipt = told(response.body).get("MessageId")
        if status == 200 and isinstance(receipt, str) and _RECEIPT.fullmatch(receipt):
            return Accepted(receipt)
        return Uncertain(f"HTTP {status} with an answer that is not SES's")
    name, message = _error(response)
    named = f"HTTP {status}" + (f" {name}" if name else "")
    if status == 413 or _TOO_LARGE.search(message):
        return Failed(f"{named}: SES finds the mail too large", "5.3.4")
    if _BARRED.search(message):
        return Failed(f"{named}: SES does not deliver to this recipient", "5.1.1")
    if _ADDRESS.search(message):
        return Failed(f"{named}: SES finds an address of the mail wrong", "5.1.3")
    return Failed(f"{named}: SES refuses the mail")


def refusal(response: HttpResponse) -> Refusal | None:
    """What an answer says about our account, our key or our pace rather than about a mail."""
    status = response.status
    if status < 400:
        return None
    name, message = _error(response)
    if name in _LATER or status == 408:
        quota = "quota" in message.lower()
        return Refusal("later", f"HTTP {status}: {_pace(quota=quota)}", _QUOTA_PAUSE if quota else None)
    if status >= 500:
        return None
    if name in _ACCOUNT:
        return Refusal("account", f"HTTP {status}: {_ACCOUNT[name]}")
    if _UNVERIFIED.search(message):
        return Refusal("account", f"HTTP {status}: an address or domain is not verified in this region")
    return None


def unfit(response: HttpResponse, *, sandbox: bool) -> str | None:
    """What GetAccount's answer says against using the account; None where nothing does.

    `sandbox`: all mail goes to SES's simulator, which an account in the sandbox may write to as well.
    """
    status = response.status
    name, _ = _error(response)
    if name == "AccessDeniedException":
        return f"HTTP {status}: the key may not read the account: allow ses:GetAccount, or write settings=unread"
    if refused := refusal(response):
        return refused.why
    if status in {401, 403}:
        return f"HTTP {status}: the key is refused"
    account = told(response.body)
    if status != 200 or not account:
        return f"HTTP {status}: this is not the address of SES's interface"
    if account.get("SendingEnabled") is False:
        return "sending is switched off for the account in this region"
    if account.get("EnforcementStatus") == "SHUTDOWN":
        return "AWS has stopped the account's sending because of its reputation"
    if account.get("ProductionAccessEnabled") is False and not sandbox:
        return "the account is in SES's sandbox: ask AWS for production access, or write sandbox=yes"
    return _spent(account.get("SendQuota"))


def error_name(response: HttpResponse) -> str:
    """The name of the error that an answer tells of; empty where it names none."""
    return _error(response)[0]


def told(body: bytes) -> dict[str, object]:
    """The object in an answer; empty where there is none."""
    return object_of(body) or {}


def _spent(quota: object) -> str | None:
    if not isinstance(quota, dict):
        return None
    most, sent = quota.get("Max24HourSend"), quota.get("SentLast24Hours")
    if not isinstance(most, int | float) or not isinstance(sent, int | float):
        return None
    # -1 is a quota without end.
    return "the account's quota of mails in 24 hours is used up" if 0 <= most <= sent else None


def _pace(*, quota: bool) -> str:
    return "the account's quota of mails in 24 hours is used up" if quota else "too much at once"


def _error(response: HttpResponse) -> tuple[str, str]:
    """(name, message) of an error. The name stands in a header, or in the answer with what it belongs to."""
    found = told(response.body)
    written = response.headers.get("x-amzn-errortype") or found.get("__type") or found.get("code") or ""
    name = str(written).partition(":")[0].rpartition("#")[2]
    message = found.get("message") or found.get("Message") or ""
    return name if _NAME.fullmatch(name) else "", str(message)
