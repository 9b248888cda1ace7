"""Which way out a mail takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from penstock.model.campaign import Stream
from penstock.model.mail import Mail, Message
from penstock.model.routing import RouteRule, way_of, ways_of
from penstock.testing import a_campaign, a_contact, a_mail

ROUTES = {"default": "main", "newsletter": "news"}


def mail(country: str | None = "FR", works: str | None = None, tag: str = "", sender: str = "") -> Mail:
    campaign = replace(a_campaign(), tag=tag)
    if sender:
        campaign = replace(campaign, message=replace(campaign.message, from_=sender))
    return a_mail(replace(a_contact(), country=country, workplace_country=works), campaign)


def test_without_rules_the_stream_decides() -> None:
    assert way_of(mail(), ROUTES, ()) == "main"
    assert way_of(replace(mail(), stream=Stream.NEWSLETTER), ROUTES, ()) == "news"
    assert way_of(mail(), {}, ()) == ""


@pytest.mark.parametrize(
    ("rule", "fits", "fits_not"),
    [
        (RouteRule("x", stream=Stream.PROSPECTING), mail(), replace(mail(), stream=Stream.CUSTOMER)),
        (RouteRule("x", countries=frozenset({"SE", "FR"})), mail("FR"), mail("DE")),
        (RouteRule("x", countries=frozenset({"SE"})), mail("FR", works="SE"), mail("SE", works="FR")),
        (RouteRule("x", countries=frozenset({"SE"})), mail("SE"), mail(None)),
        (RouteRule("x", tag="autumn"), mail(tag="autumn"), mail(tag="autumn-2")),
        (RouteRule("x", sender="nordlicht.example"), mail(sender="Eva <e@mail.Nordlicht.example>"),
         mail(sender="Eva <e@notnordlicht.example>")),
        (RouteRule("x", sender="nordlicht.example", tag="a"), mail(sender="e@nordlicht.example", tag="a"),
         mail(tag="b")),
    ],
)  # fmt: skip
def test_all_that_a_rule_gives_must_fit(rule: RouteRule, fits: Mail, fits_not: Mail) -> None:
    assert way_of(fits, ROUTES, (rule,)) == "x"
    assert way_of(fits_not, ROUTES, (rule,)) == "main"


def test_the_first_rule_that_fits_wins() -> None:
    rules = (RouteRule("a", tag="t"), RouteRule("b", countries=frozenset({"FR"})), RouteRule("c", tag="t"))
    assert way_of(mail(tag="t"), ROUTES, rules) == "a"
    assert way_of(mail(), ROUTES, rules) == "b"


def test_a_ready_made_message_is_told_by_its_from() -> None:
    bare = replace(
        mail(),
        campaign=None,
        stream=Stream.TRANSACTIONAL,
        content=Message(b"To: a@b.example\r\nFrom: Shop <no@shop.nordlicht.example>\r\n\r\nHi\r\n"),
    )
    rules = (RouteRule("shop", sender="shop.nordlicht.example"),)
    assert way_of(bare, ROUTES, rules) == "shop"
    assert way_of(replace(bare, content=Message(b"\r\n\r\nHi")), ROUTES, rules) == "main"


def test_all_ways_of_a_stream_are_known_beforehand() -> None:
    rules = (
        RouteRule("a", countries=frozenset({"FR"})),
        RouteRule("b", stream=Stream.NEWSLETTER),
        RouteRule("c", sender="other.example"),
        RouteRule("a", sender="nordlicht.example"),
    )
    assert ways_of(Stream.PROSPECTING, "nordlicht.example", ROUTES, rules) == ("a", "main")
    assert ways_of(Stream.NEWSLETTER, "x.other.example", ROUTES, rules) == ("a", "b", "c", "news")
