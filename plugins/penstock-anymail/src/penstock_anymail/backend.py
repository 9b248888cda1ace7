"""A backend of django-anymail, made from an adapter's address: which one, with which settings, what it can express."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from penstock.errors import ConfigError
from penstock.ports import AdapterAddress

__all__ = ["OWN_OPTIONS", "BackendMaker", "attributes", "backend_maker"]

BackendMaker = Callable[[], Any]
"""Makes one more backend of the same settings: a backend and its session serve one thread at a time."""
OWN_OPTIONS = frozenset({"connections", "tracking"})
"""Options of an address that are ours; all others are the backend's."""
_SECONDS = (10.0, 60.0)
"""To connect, and to wait for octets of the answer."""
_KEYS = ("api_key", "api_token", "server_token", "secret_key")
"""What backends call their key; a `secret_key` beside an `api_key` is the password."""
_WITHHELD = frozenset(
    {
        *_KEYS,
        "alias",
        "api_url",
        "debug_api_requests",
        "fail_silently",
        "ignore_recipient_status",
        "ignore_unsupported_features",
        "password",
        "send_defaults",
        "timeout",
        "username",
    }
)
"""Settings of backends that no address may hold: secrets, and what would hide faults or change mails."""
_NO_ESP = frozenset({"base", "base_requests", "console", "test"})
_NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", re.ASCII)
_MISSING = re.compile(r"ANYMAIL = \{'([A-Z0-9_]+)'")
_WORDS: Mapping[str, object] = {"yes": True, "no": False}
_OFF = {"enable": False}
_BEYOND: Mapping[str, dict[str, object]] = {
    "SendGrid": {
        "tracking_settings": {"subscription_tracking": _OFF, "ganalytics": _OFF},
        "mail_settings": {"footer": _OFF},
    },
}
"""What else an ESP's request must switch off, that anymail has no word for: by the ESP's name, its `esp_extra`."""


def backend_maker(address: AdapterAddress) -> BackendMaker:
    """What makes the backend that stands in the address, with its settings as keywords of its own.

    The first one is made at once, so that a wrong address is told at start. Raises ConfigError.
    """
    where = f"adapters.{address.name}"
    _configure_django(f"{where}.url")
    chosen = _watched(_chosen(address.place, f"{where}.url"))
    settings = _settings(address)

    def make() -> Any:
        return chosen(**settings)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # anymail's, that it tests some ESPs no longer: stands in our documentation
        _complain(address, _first(make, f"{where}.url"))
    return _quietly(make)


def attributes(backend: Any, *, tracking_vouched: bool, where: str) -> dict[str, object]:
    """Anymail's attributes that this backend can express, of those that every mail should have.

    Raises ConfigError where it cannot switch tracking off and nobody vouches that it is off, and where it takes no
    header fields.
    """
    if _unsupported(backend, {}):
        raise ConfigError("this backend takes no header fields, or no HTML", where=where)
    wanted: dict[str, object] = {"track_clicks": False, "track_opens": False, "metadata": {"probe": "1"}}
    able = {name: value for name, value in wanted.items() if not _unsupported(backend, {name: value})}
    if not tracking_vouched and not {"track_clicks", "track_opens"} <= able.keys():
        raise ConfigError(
            "no request through this backend can switch open and click tracking off",
            where=where,
            mend="see to it that both are off in the account, then write ?tracking=off",
        )
    if extra := _BEYOND.get(backend.esp_name):
        able["esp_extra"] = extra
    return able


def _configure_django(where: str) -> None:
    """Give Django empty settings, once in the process: what anymail would read in them comes as keywords instead."""
    from django.conf import settings  # type: ignore[import-untyped]

    if not settings.configured:
        settings.configure()
    foreign = any(name.startswith("ANYMAIL") for name in dir(settings))
    if foreign or settings.DEFAULT_CHARSET.lower() != "utf-8":
        raise ConfigError(
            "Django has settings for anymail, or another charset, in this process: they would mix with the adapter's",
            where=where,
            mend="run Penstock in a process of its own",
        )


def _chosen(place: str, where: str) -> Any:
    from anymail import backends  # type: ignore[import-untyped]
    from anymail.backends.base import AnymailBaseBackend  # type: ignore[import-untyped]

    known = [each.name for each in iter_modules(backends.__path__) if each.name not in {*_NO_ESP, "amazon_ses"}]
    mend = f"one of {', '.join(known)}, or the dotted path of a class"
    if place in _NO_ESP or not (_NAME.fullmatch(place) or _PATH.fullmatch(place)):
        raise ConfigError("no backend of django-anymail is named", where=where, mend=mend)
    module, _, name = place.rpartition(".") if "." in place else (f"anymail.backends.{place}", "", "EmailBackend")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError):
        raise ConfigError("there is no such backend", where=where, mend=mend) from None
    if not (isinstance(found, type) and issubclass(found, AnymailBaseBackend)) or found.__module__ in {
        f"anymail.backends.{each}" for each in _NO_ESP
    }:
        raise ConfigError("this is no backend of django-anymail that sends", where=where, mend=mend)
    if getattr(found, "esp_name", "") == "Amazon SES":
        raise ConfigError("its client repeats requests by itself", where=where, mend='use "ses:" of penstock-ses')
    return found


def _watched(chosen: Any) -> Any:
    """The backend with two memories: `begun`, a request may have left; `unknown`, keywords that nobody took.

    Its sessions neither follow redirects nor read proxies and passwords from the environment.
    """
    from django.core.mail.backends.base import BaseEmailBackend  # type: ignore[import-untyped]
    from requests.adapters import HTTPAdapter

    def leftover(self: Any, fail_silently: bool = False, **rest: object) -> None:
        self.unknown = frozenset(rest)
        BaseEmailBackend.__init__(self, fail_silently)

    def post_to_esp(self: Any, payload: Any, message: Any) -> Any:
        self.begun = not hasattr(chosen, "create_session")
        return chosen.post_to_esp(self, payload, message)

    def create_session(self: Any) -> Any:
        def send(wire: Any, *given: Any, **named: Any) -> Any:
            self.begun = True
            return HTTPAdapter.send(wire, *given, **named)

        session = chosen.create_session(self)
        session.trust_env, session.max_redirects = False, 0
        wire = type("Wire", (HTTPAdapter,), {"send": send})(max_retries=0)
        session.mount("https://", wire)
        session.mount("http://", wire)
        return session

    rest = type("Rest", (BaseEmailBackend,), {"__init__": leftover})
    members: dict[str, Any] = {"begun": False, "post_to_esp": post_to_esp}
    if hasattr(chosen, "create_session"):
        members["create_session"] = create_session
    return type("Watched", (chosen, rest), members)


def _settings(address: AdapterAddress) -> dict[str, object]:
    where = f"adapters.{address.name}.url"
    given = {name: _WORDS.get(value, value) for name, value in address.options.items() if name not in OWN_OPTIONS}
    if taken := sorted(_WITHHELD & given.keys()):
        mend = "secrets are api_key and password beside the url, another address is endpoint"
        raise ConfigError(f"{taken[0]}: cannot stand in an address", where=where, mend=mend)
    key = address.key()
    for name, value in (("api_key", key), ("password", address.password())):
        if not value.isascii() or not value.isprintable() or " " in value:
            raise ConfigError("it holds characters that no key has", where=f"adapters.{address.name}.{name}")
    settings: dict[str, object] = {**given, **dict.fromkeys(_KEYS, key), "timeout": _SECONDS}
    if secret := address.password():
        settings["secret_key"] = secret
    if address.endpoint:
        settings["api_url"] = address.endpoint
    return settings


def _first(make: BackendMaker, where: str) -> Any:
    from anymail.exceptions import AnymailConfigurationError  # type: ignore[import-untyped]

    try:
        return make()
    except AnymailConfigurationError as fault:
        missing = _MISSING.search(str(fault))
        what = f"the backend needs a setting: {missing[1].lower()}" if missing else "the backend refuses its settings"
        mend = "without the name of the ESP before it, it is an option of the address" if missing else ""
        raise ConfigError(what, where=where, mend=mend) from None
    except Exception as fault:  # noqa: BLE001 — what constructors raise may quote a key
        raise ConfigError(f"the backend cannot be made: {type(fault).__name__}", where=where) from None


def _complain(address: AdapterAddress, backend: Any) -> None:
    """Tell of what was configured and not taken. Raises ConfigError."""
    where = f"adapters.{address.name}"
    unknown: frozenset[str] = backend.unknown
    for name in address.options:
        if name in unknown:
            raise ConfigError(f"{name}: the backend knows no such option", where=f"{where}.url")
    taken = set(_KEYS) - unknown
    if not taken:
        raise ConfigError("the backend takes no key by a name that is known here", where=f"{where}.url")
    paired = {"api_key", "secret_key"} <= taken
    if paired and not address.password():
        raise ConfigError("no password is set: the secret key", where=f"{where}.password", mend='use "env:NAME"')
    if address.password() and not paired:
        raise ConfigError("the backend takes no password", where=f"{where}.password")
    if address.endpoint and "api_url" in unknown:
        raise ConfigError("the backend takes no other endpoint", where=f"{where}.endpoint")


def _quietly(make: BackendMaker) -> BackendMaker:
    def made() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return make()

    return made


def _unsupported(backend: Any, given: Mapping[str, object]) -> bool:
    """Whether the backend has no words for a mail with these attributes; nothing is sent."""
    from anymail.exceptions import AnymailUnsupportedFeature
    from django.core.mail import EmailMultiAlternatives  # type: ignore[import-untyped]

    probe = EmailMultiAlternatives(
        "probe", "text", "sender@penstock.invalid", ["recipient@penstock.invalid"],
        reply_to=["replies@penstock.invalid"], headers={"References": "<probe@penstock.invalid>"},
    )  # fmt: skip
    probe.attach_alternative("<p>text</p>", "text/html")
    for name, value in given.items():
        setattr(probe, name, value)
    try:
        backend.build_message_payload(probe, {})
    except AnymailUnsupportedFeature:
        return True
    return False
