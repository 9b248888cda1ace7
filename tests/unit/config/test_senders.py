"""Which `[[sender]]` answers for a From address, and by which way out its mail may leave."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock.config.senders import sender_fault, sender_of
from penstock.config.settings import Settings, load_settings
from penstock.errors import ConfigError
from penstock.model.campaign import Stream
from penstock.testing import FakeClock, a_campaign, a_contact
from penstock.wiring import open_house

CONTROLLER = {"legal_name": "Nordlicht Software AB", "address": "Storgatan 1", "country": "SE"}


def settings(*senders: dict[str, Any], **more: Any) -> Settings:
    table = {
        "controllers": {"nordlicht": CONTROLLER, "sued": CONTROLLER | {"legal_name": "Sued GmbH"}},
        "adapters": {"main": {"url": "file:outbox"}, "second": {"url": "file:second"}},
        "sender": list(senders),
    }
    return load_settings(table | more, {})


def test_the_closest_domain_above_answers() -> None:
    known = settings({"domain": "nordlicht.example"}, {"domain": "news.nordlicht.example"})
    for address, domain in (
        ("eva@nordlicht.example", "nordlicht.example"),
        ("Eva Berg <eva@NEWS.nordlicht.example>", "news.nordlicht.example"),
        ("eva@deep.news.nordlicht.example", "news.nordlicht.example"),
        ("eva@other.nordlicht.example", "nordlicht.example"),
    ):
        found = sender_of(known, address)
        assert found is not None
        assert found.domain == domain
    assert sender_of(known, "eva@notnordlicht.example") is None
    assert sender_of(known, "eva@example") is None


@pytest.mark.parametrize(
    ("address", "stream", "what"),
    [
        ("eva@nordlicht.example", Stream.PROSPECTING, None),
        ("eva@sued.example", Stream.PROSPECTING, "in no [[sender]]"),
        ("eva@other.example", Stream.PROSPECTING, "in no [[sender]]"),
        ("eva@nordlicht.example", Stream.TRANSACTIONAL, "may not leave by the adapter second"),
    ],
)
def test_a_from_is_refused_outside_the_domains_of_its_controller_and_their_ways_out(
    address: str, stream: Stream, what: str | None
) -> None:
    known = settings(
        {"domain": "nordlicht.example", "controllers": ["nordlicht"], "adapters": ["main"]},
        {"domain": "sued.example", "controllers": ["sued"]},
        routes={"default": "main", "transactional": "second"},
    )
    fault = sender_fault(known, address, "nordlicht", stream)
    assert (fault is None) == (what is None)
    if fault is not None and what is not None:
        assert what in fault[0]
        assert fault[1]


@pytest.mark.parametrize("again", ["nordlicht.example", "Nordlicht.Example."])
def test_two_tables_of_one_domain_are_refused_with_the_place_of_the_second(tmp_path: Path, again: str) -> None:
    (tmp_path / "config.toml").write_text(
        f'[[sender]]\ndomain = "nordlicht.example"\n[[sender]]\ncontrollers = []\ndomain = "{again}"\n'
    )
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path / "config.toml", {})
    assert caught.value.what == "this domain stands there twice"
    assert caught.value.where == f"{tmp_path}/config.toml:5 sender[1].domain"


@pytest.mark.parametrize(("adapters", "fine"), [(["main", "second"], True), (["main"], False), (["second"], False)])
def test_each_adapter_of_a_route_of_several_must_be_among_those_of_the_sender(adapters: list[str], fine: bool) -> None:
    known = settings({"domain": "nordlicht.example", "adapters": adapters}, routes={"default": "failover(main second)"})
    assert (sender_fault(known, "eva@nordlicht.example", "nordlicht", Stream.PROSPECTING) is None) == fine


def test_without_any_sender_every_from_is_taken() -> None:
    assert sender_fault(settings(), "eva@other.example", "nordlicht", Stream.NOTICE) is None


@pytest.mark.parametrize(
    ("url", "verp"),
    [
        ("smtp://eva@mail.nordlicht.example:587", True),
        ("smtps://eva@mail.nordlicht.example", True),
        ("smtp+gmail:eva@nordlicht.example", False),
        ("smtp+m365:eva@nordlicht.example", False),
    ],
)
async def test_a_return_path_is_used_where_the_way_out_takes_any_mail_from(
    tmp_path: Path, url: str, verp: bool
) -> None:
    """Presets: only the mailbox itself may stand there."""
    known = settings(
        {"domain": "nordlicht.example", "return_path": "bounce.nordlicht.example"},
        adapters={"main": {"url": url, "password": "secret"}},
        store={"url": "sqlite://:memory:"},
        keys={"folder": str(tmp_path / "keys")},
    )
    house = await open_house(known, FakeClock())
    try:
        mail = house.assembler.mail(a_campaign(), a_contact())
        elsewhere = replace(a_campaign().message, from_="Eva Berg, Nordlicht Software AB <eva@other.example>")
        other = house.assembler.mail(a_campaign(message=elsewhere), a_contact())
        assert other.envelope.sender == "eva@other.example"
        if not verp:
            assert mail.envelope.sender == "eva.berg@nordlicht.example"
            return
        local, _, domain = mail.envelope.sender.partition("@")
        assert domain == "bounce.nordlicht.example"
        assert house.services.tokens.read(local.removeprefix("b+")) == ("bounce", mail.id)
    finally:
        await house.aclose()
