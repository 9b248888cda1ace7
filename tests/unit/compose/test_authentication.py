"""Whether From is aligned with who answers for the mail, as far as the config alone can tell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from penstock.compose.authentication import authentication_findings, misaligned
from penstock.model.campaign import Stream
from penstock.ports import Capabilities, SenderDomain, Services, Signer
from penstock.testing import FakeClock, a_campaign, some_services

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
NEVER = datetime(2099, 1, 1, tzinfo=UTC)


class Seal:
    domain = "whoever"

    def signature(self, data: bytes, at: datetime, headers: frozenset[str] | None = None, /) -> bytes:
        return b""


class OneSender:
    """One `[[sender]]`, as the config would tell it; an organisation is the last two labels."""

    def __init__(self, sender: SenderDomain | None, signs_since: datetime | None = None) -> None:
        self._sender = sender
        self._since = signs_since

    def load(self) -> None:
        return

    def any(self) -> bool:
        return True

    def of(self, domain: str, /) -> SenderDomain | None:
        return self._sender if self._sender and domain.endswith(self._sender.domain) else None

    def signer(self, domain: str, at: datetime, /) -> Signer | None:
        return Seal() if self.of(domain) and self._since is not None and self._since <= at else None

    def same_organisation(self, one: str, other: str, /) -> bool:
        return one.split(".")[-2:] == other.split(".")[-2:] and one.count(".") > 0 and other.count(".") > 0


def services(
    domain: str = "nordlicht.example",
    return_path: str = "",
    adapters: tuple[str, ...] = (),
    since: datetime | None = None,
    profile: Literal["ours", "esp", "off"] = "ours",
    verp: bool = True,
    **parts: Any,
) -> Services:
    ways = {"main": Capabilities(dkim=profile, envelope_sender=verp)}
    senders = OneSender(SenderDomain(domain, return_path, adapters), since)
    return some_services(clock=FakeClock(NOW), senders=senders, capabilities=ways, **parts)


ALIGNED: dict[str, Callable[[], Services]] = {
    "signed by its own domain": lambda: services(since=NOW),
    "bounces to its own organisation": lambda: services(return_path="bounce.nordlicht.example"),
    "signed, though bounces go elsewhere": lambda: services(since=NOW, return_path="bounce.other.example"),
    "neither key nor return path": services,
    "a key for later": lambda: services(since=NEVER),
    "a return path that the way out does not take": lambda: services(return_path="b.other.example", verp=False),
    "the service signs, as the way out is named": lambda: services(profile="esp", adapters=("main",), verp=False),
    "so it does wherever bounces go": lambda: services("nordlicht.example", "b.other.example", ("main",), None, "esp"),
    "the service signs nobody knows what, but bounces are ours": lambda: services(
        profile="esp", return_path="b.nordlicht.example"
    ),
    "nobody signs, but MAIL FROM is ours": lambda: services(profile="off"),
    "no table answers for this From": lambda: services("another.example", return_path="b.other.example"),
    "nothing is configured": some_services,
}
STRANGE: dict[str, tuple[Callable[[], Services], str]] = {
    "bounces to somebody else, unsigned": (lambda: services(return_path="bounce.other.example"), "bounce.other"),
    "so, with a key for later": (lambda: services(return_path="bounce.other.example", since=NEVER), "bounce.other"),
    "signed by a public suffix": (lambda: services("example", since=NOW), "example"),
    "a service that was told nothing": (lambda: services(profile="esp", verp=False), "main"),
    "a service for others only": (lambda: services(profile="esp", adapters=("second",), since=NOW), "main"),
    "nobody signs or may say MAIL FROM": (lambda: services(profile="off", verp=False, since=NOW), "main"),
    "nobody signs, bounces go elsewhere": (lambda: services(profile="off", return_path="b.other.example"), "b.other"),
}


@pytest.mark.parametrize("made", ALIGNED.values(), ids=ALIGNED)
def test_nothing_stands_against(made: Callable[[], Services]) -> None:
    assert misaligned("nordlicht.example", "main", made()) is None
    assert misaligned("news.nordlicht.example", "main", made()) is None


@pytest.mark.parametrize(("made", "word"), STRANGE.values(), ids=STRANGE)
def test_the_mail_would_be_nobodys(made: Callable[[], Services], word: str) -> None:
    why = misaligned("nordlicht.example", "main", made())
    assert why is not None
    assert word in why


def several(adapters: tuple[str, ...], since: datetime | None = None, return_path: str = "", **parts: Any) -> Services:
    """Ways out as a house knows them: single ones, and what those of a route share under its text."""
    ways = {
        "main": Capabilities(),
        "sg": Capabilities(dkim="esp", envelope_sender=False),
        "mute": Capabilities(dkim="off", envelope_sender=False),
        "mg": Capabilities(dkim="esp"),
    }
    for names in (("main", "sg"), ("sg", "main"), ("main", "mute"), ("sg", "mg"), ("main", "mg")):
        ways[f"failover({' '.join(names)})"] = ways[names[0]].shared(ways[names[1]])
    ways["weighted(main=3 roundrobin(sg mg)=1)"] = ways["failover(main sg)"].shared(ways["mg"])
    senders = OneSender(SenderDomain("nordlicht.example", return_path, adapters), since)
    return some_services(clock=FakeClock(NOW), senders=senders, capabilities=ways, **parts)


@pytest.mark.parametrize(
    ("route", "adapters", "since", "culprit"),
    [
        ("failover(main sg)", (), NOW, "sg"),
        ("failover(sg main)", (), NOW, "sg"),
        ("failover(main sg)", ("main",), NOW, "sg"),
        ("failover(main sg)", ("main", "sg"), NOW, None),
        ("failover(sg main)", ("main", "sg"), None, None),
        ("failover(main mute)", ("main", "mute"), NOW, "mute"),
        ("failover(sg mg)", ("sg", "mg"), None, None),
        ("failover(sg mg)", ("sg",), None, "mg"),
        ("weighted(main=3 roundrobin(sg mg)=1)", ("main", "sg"), NOW, "mg"),
        ("weighted(main=3 roundrobin(sg mg)=1)", ("main", "sg", "mg"), NOW, None),
    ],
)
def test_of_a_route_of_several_each_way_out_must_be_aligned(
    route: str, adapters: tuple[str, ...], since: datetime | None, culprit: str | None
) -> None:
    why = misaligned("nordlicht.example", route, several(adapters, since))
    assert (why or "").partition("the adapter ")[2].partition(" ")[0] == (culprit or "")
    if culprit:
        findings = told(several(adapters, since, routes={"default": route}))
        assert findings == [("error", "[message] from")]


def test_a_return_path_counts_in_a_route_only_where_all_its_adapters_take_it() -> None:
    elsewhere = several(("sg", "mg"), return_path="b.other.example")
    assert misaligned("nordlicht.example", "failover(main sg)", elsewhere) is None
    assert "b.other.example" in (misaligned("nordlicht.example", "failover(main mg)", elsewhere) or "")


def test_lint_warns_of_the_one_of_several_that_nobody_here_signs_for() -> None:
    known = several(("main", "sg"), routes={"default": "failover(sg main)"})
    (finding,) = authentication_findings(a_campaign(), known)
    assert (finding.level, finding.where) == ("warning", "[[sender]] dkim")
    assert "whether main signs it" in finding.what


def told(known: Services, **campaign: Any) -> list[tuple[str, str]]:
    return [(each.level, each.where) for each in authentication_findings(a_campaign(**campaign), known)]


def test_lint_tells_an_error_where_mail_would_be_blocked_and_a_warning_where_nothing_is_known() -> None:
    assert told(services(since=NOW)) == []
    assert told(services(return_path="b.nordlicht.example")) == [("warning", "[[sender]] dkim")]
    assert told(services()) == [("warning", "[[sender]] dkim")]
    assert told(some_services()) == [("warning", "[[sender]]")]
    assert told(services(return_path="b.other.example")) == [("error", "[message] from")]
    assert told(services(profile="esp", adapters=("main",))) == []


def test_lint_says_nothing_of_mail_that_is_no_advertising() -> None:
    assert told(services(return_path="b.other.example"), stream=Stream.TRANSACTIONAL) == []
    assert told(some_services(), stream=Stream.NOTICE) == []
