"""The sections of the config file as types: keys, defaults and what a value must look like."""

from __future__ import annotations

import re
from datetime import date, datetime
from ipaddress import ip_network
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from penstock.config.secret_text import SecretValue
from penstock.model.address import a_label
from penstock.model.contact import SourceMethod
from penstock.model.window import parse_window

__all__ = [
    "AtLeastOne",
    "ClockSettings",
    "ControllerSettings",
    "Filled",
    "InboundSettings",
    "KeysSettings",
    "Language",
    "Listen",
    "MessageSettings",
    "Name",
    "Network",
    "NoticesSettings",
    "PolicySettings",
    "QueueSettings",
    "Rate",
    "RegisterSettings",
    "Route",
    "SafetySettings",
    "Section",
    "StageSettings",
    "StoreSettings",
    "SupplierSettings",
    "WebSettings",
]

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_COUNTRY = re.compile(r"[A-Z]{2}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_HOST_PORT = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(?P<port>[0-9]{1,5})")
_HIGHEST_PORT = 65535


def _day(value: Any) -> date:
    if isinstance(value, str):
        return date.fromisoformat(value.strip())
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("expected a date such as 2026-11-15")
    return value


def _rate(text: str) -> str:
    parse_window(text)
    return text


def _domain(text: str) -> str:
    name = a_label(text.strip().lower().removesuffix("."))
    if name and not _DOMAIN.fullmatch(name):
        raise ValueError("expected a domain name such as mail.nordlicht.example")
    return name


def _listen(text: str) -> str:
    found = _HOST_PORT.fullmatch(text)
    if found is None or int(found["port"]) > _HIGHEST_PORT:
        raise ValueError("expected HOST:PORT such as 127.0.0.1:8080")
    return text


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    plain = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if text and not ((parts.scheme == "https" or plain) and parts.hostname):
        # RFC 8058 section 3.1: the opt-out address is https
        raise ValueError("expected an https:// address (http:// only for this machine)")
    return text.rstrip("/")


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError("expected a network such as 192.0.2.0/24 or 2001:db8::/32") from None


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("expected a name of at most 64 letters, digits, '.', '_' and '-'")
    return text


def _country(text: str) -> str:
    if not _COUNTRY.fullmatch(text):
        raise ValueError("expected two capital letters such as SE (ISO 3166)")
    return text


def _language(text: str) -> str:
    if text and not _LANGUAGE.fullmatch(text):
        raise ValueError("expected two small letters such as en (ISO 639-1)")
    return text


Name = Annotated[str, AfterValidator(_name)]
Country = Annotated[str, AfterValidator(_country)]
Language = Annotated[str, AfterValidator(_language)]
Day = Annotated[date, BeforeValidator(_day)]
Rate = Annotated[str, AfterValidator(_rate)]
Domain = Annotated[str, AfterValidator(_domain)]
Listen = Annotated[str, AfterValidator(_listen)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
Filled = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Network = Annotated[str, AfterValidator(_network)]
AtLeastOne = Annotated[int, Field(ge=1)]


Route = Literal["default", "prospecting", "newsletter", "customer", "transactional", "notice"]


class Section(BaseModel):
    """A table of the config file. An unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSettings(Section):
    """`[store]`: where contacts, suppressions, mails and the ledger live."""

    url: Filled = "sqlite:///penstock.db"


class QueueSettings(Section):
    """`[queue]`: where tickets wait."""

    url: Filled = "store:"


class KeysSettings(Section):
    """`[keys]`: a folder, or every key named by itself, newest first."""

    folder: Filled = "keys"
    peppers: tuple[SecretValue, ...] = ()
    tokens: tuple[SecretValue, ...] = ()
    ledgers: tuple[SecretValue, ...] = ()


class ControllerSettings(Section):
    """`[controllers.ID]`: what the identity block says of the organisation that answers for a mail."""

    legal_name: Filled
    address: Filled
    country: Country
    registration: str = ""
    contact: str = ""
    phone: str = ""
    privacy_url: str = ""
    storage_locations: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    eu_representative: str = ""
    uk_representative: str = ""


class WebSettings(Section):
    """`[web]`: the public pages. `trusted_proxies` may say who a caller is (X-Forwarded-For)."""

    base_url: PublicUrl = ""
    listen: Listen = "127.0.0.1:8080"
    trusted_proxies: tuple[Network, ...] = ()


class InboundSettings(Section):
    """`[inbound]`: what can be read of what comes back. Zero hours: never."""

    reply_domain: Domain = ""
    keep_calls_days: AtLeastOne = 30
    silent_after_hours: Annotated[int, Field(ge=0)] = 24
    sync_hours: Annotated[int, Field(ge=0)] = 24


class RegisterSettings(Section):
    """`[registers.NAME]`: a national opt-out register as an offline file."""

    file: Filled
    fetched_at: Day | None = None


class ClockSettings(Section):
    """`[clock]`: how deadlines are counted (Reg. (EEC, Euratom) 1182/71, or 30 days flat)."""

    strict: bool = False


class SafetySettings(Section):
    """`[safety]`: brakes."""

    redirect_all_to: str = ""
    allow_recipients: tuple[str, ...] = ()
    daily_ceiling: Annotated[int, Field(ge=0)] = 0
    four_eyes: bool = False


class PolicySettings(Section):
    """`[policy]`: numbers that the law leaves open."""

    unverified_after_days: AtLeastOne = 180
    consent_after_months: AtLeastOne = 24
    minor_under: AtLeastOne = 18
    stale_after_years: AtLeastOne = 3
    non_responder_touches: AtLeastOne = 3
    non_responder_months: AtLeastOne = 6
    reconfirm_days: AtLeastOne = 30
    supplier_refresh_months: AtLeastOne = 12
    require_signoff: bool = False


class SupplierSettings(Section):
    """`[suppliers.NAME]` or a file `suppliers/NAME.toml`: whose addresses we may use."""

    name: str = ""
    status: Literal["approved", "probation", "banned"]
    contract: str = ""
    method: SourceMethod | None = None
    requires_consent: bool = False
    last_refresh: Day | None = None
    rented: bool = False


class StageSettings(BaseModel):
    """`[[stage]]`: one step of the policy. All keys but `use` are the stage's own options."""

    model_config = ConfigDict(extra="allow", frozen=True)

    use: Filled

    def options(self) -> dict[str, Any]:
        """What the stage is configured with, as written."""
        return dict(self.model_extra or {})


class NoticesSettings(Section):
    """`[notices]`: a folder of the house's own legal texts, `LANGUAGE/notice.toml`; empty: the shipped ones."""

    folder: str = ""


class MessageSettings(Section):
    """`[message]`: the language of last resort, ISO 639-1; empty: hold LANGUAGE_MISSING."""

    fallback_language: Language = ""
