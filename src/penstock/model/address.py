"""An e-mail address as RFC 5321 and RFC 6531 allow it, read from what people write."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Address", "AddressFault", "a_label", "parse_address"]

# RFC 5321 dot-atom local part and letter-digit-hyphen domain with at least two labels; the fast path.
_PLAIN = re.compile(
    r"(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*)"
    r"@(?P<domain>(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)",
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ZERO_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_DISPLAY = re.compile(r"^[^<>\r\n]*<(?P<inner>[^<>]*)>$")
_LOCAL_OCTETS = 64
_DOMAIN_OCTETS = 253
_ADDRESS_OCTETS = 254
_KEPT = 1_024
"""Texts that were read last: of one mail the same address is read at every gate."""


@dataclass(frozen=True, slots=True)
class Address:
    """`local` exactly as given (NFC), `domain` in lower-case A-labels: the `exact` form, the only one mailed to."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """True when the local part is not ASCII (RFC 6531); a non-ASCII domain alone needs no extension."""
        return not self.local.isascii()


@dataclass(frozen=True, slots=True)
class AddressFault:
    """Why a text is no address we can mail. `why` never quotes the text."""

    why: str


def parse_address(raw: str) -> Address | AddressFault:
    """Read one address: display name, `mailto:`, angle brackets, zero-width characters and outer space are removed.

    Lengths are counted in octets (RFC 5321 section 4.5.3.1). Quoted local parts and address literals are refused.
    """
    return _kept(raw) if len(raw) <= _ADDRESS_OCTETS else _read(raw)


def _read(raw: str) -> Address | AddressFault:
    text, match = raw, _PLAIN.fullmatch(raw)
    if match is None:
        if _CONTROL.search(raw.strip(" \t\r\n")):
            return AddressFault("contains a control character")
        text = _bare(raw)
        match = _PLAIN.fullmatch(text)
    if match and "xn--" not in text.lower() and not _too_long(match["local"], match["domain"]):
        return Address(match["local"], match["domain"].lower())
    return _parse_carefully(text)


_kept = lru_cache(maxsize=_KEPT)(_read)


def a_label(domain: str) -> str:
    """An internationalised domain as it stands in DNS (RFC 5891); any other text as it is, even if it is no domain."""
    if domain.isascii():
        return domain
    seen = parse_address(f"x@{domain}")
    return seen.domain if isinstance(seen, Address) else domain


def _bare(raw: str) -> str:
    text = raw.strip()
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_ZERO_WIDTH)).strip()
    if display := _DISPLAY.match(text):
        text = display["inner"].strip()
    if text[:7].lower() == "mailto:":
        text = text[7:].split("?", 1)[0]
    return text.removesuffix(".") if "@" in text else text


def _too_long(local: str, domain: str) -> str | None:
    octets = len(local.encode())
    if octets > _LOCAL_OCTETS:
        return f"the part before @ has {octets} octets, more than {_LOCAL_OCTETS}"
    if len(domain) > _DOMAIN_OCTETS:
        return f"the domain has {len(domain)} octets, more than {_DOMAIN_OCTETS}"
    if octets + 1 + len(domain) > _ADDRESS_OCTETS:
        return f"longer than {_ADDRESS_OCTETS} octets"
    return None


def _parse_carefully(text: str) -> Address | AddressFault:
    from email_validator import EmailNotValidError, validate_email

    if not text:
        return AddressFault("empty")
    if text.count("@") == 0:
        return AddressFault("has no @")
    if any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        return AddressFault("contains half a character (a lone surrogate)")
    try:
        seen = validate_email(
            text,
            allow_smtputf8=True,
            allow_quoted_local=False,
            allow_domain_literal=False,
            check_deliverability=False,
            test_environment=True,
        )
    except EmailNotValidError as fault:
        return AddressFault(_without_quotes(str(fault)))
    domain = seen.ascii_domain.lower()
    if "." not in domain:
        return AddressFault("the domain has only one label")
    if too_long := _too_long(seen.local_part, domain):
        return AddressFault(too_long)
    return Address(seen.local_part, domain)


def _without_quotes(message: str) -> str:
    """email-validator's sentence up to what it quotes from the address."""
    return re.split(r"[:(]", message, maxsplit=1)[0].strip().rstrip(".")
