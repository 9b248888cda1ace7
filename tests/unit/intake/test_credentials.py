"""Who may hand in: passwords, keys, networks, and what a flood of wrong logins does to the others."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type

from penstock.config.relay_section import CredentialSettings, RelaySettings
from penstock.config.secret_text import SecretText
from penstock.errors import ConfigError, Unavailable
from penstock.intake.credentials import Credentials, caller_key, password_hash
from penstock.intake.login_failures import LoginFailures
from penstock.model.campaign import Stream

pytestmark = pytest.mark.alone  # it watches the clock

CALLER = "192.0.2.1"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
DEAR = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@dataclass
class Chosen:
    """`[relay]` with these credentials, `NAME: secret`."""

    secrets: dict[str, str] = field(default_factory=lambda: {"crm": "right"})
    hasher: PasswordHasher = CHEAP
    networks: tuple[str, ...] = ("127.0.0.0/8", "2001:db8::/48", "192.0.2.64/26")
    more: dict[str, Any] = field(default_factory=dict)

    def settings(self) -> RelaySettings:
        made = [
            CredentialSettings(name=name, password_hash=SecretText(self.hasher.hash(secret)), **self.more)
            for name, secret in self.secrets.items()
        ]
        return RelaySettings(networks=self.networks, credentials=tuple(made), dsn="always")


def keeper(chosen: Chosen | None = None, **more: Any) -> Credentials:
    return Credentials((chosen or Chosen()).settings(), **{"first_delay": 0.0, **more})


async def test_right_credentials_give_the_client_as_configured() -> None:
    more = {"streams": (Stream.NEWSLETTER,), "controllers": ("nordlicht",), "detail": "bland", "campaign": "c",
            "unknown_contact": "refuse", "verdicts": "at_once", "dsn": "never"}  # fmt: skip
    client = await keeper(Chosen(more=more)).login("crm", "right", CALLER)
    assert client is not None
    assert (client.name, client.streams) == ("crm", frozenset({Stream.NEWSLETTER}))
    assert client.controllers == frozenset({"nordlicht"})
    assert (client.detail, client.campaign, client.unknown_contact) == ("bland", "c", "refuse")
    assert (client.verdicts, client.dsn) == ("at_once", "never")


@pytest.mark.parametrize(("name", "secret"), [("crm", "wrong"), ("crm", ""), ("", "right"), ("erp", "right"),
                                              ("CRM", "right"), ("crm", "right\0"), ("crmr", "ight"),
                                              ("\ud800", "x")])  # fmt: skip
async def test_wrong_credentials_give_nobody(name: str, secret: str) -> None:
    assert await keeper().login(name, secret, CALLER) is None


async def test_a_key_is_name_dot_secret_and_the_longest_name_counts() -> None:
    doorkeeper = keeper(Chosen({"crm": "one.two", "crm.eu": "three"}))
    for key, name in (("crm.one.two", "crm"), ("crm.eu.three", "crm.eu")):
        client = await doorkeeper.bearer(key, CALLER)
        assert client is not None
        assert client.name == name
    for key in ("crm.eu", "crm", "", ".", "crm.", "erp.one.two", "crm.eu.one.two"):
        assert await doorkeeper.bearer(key, CALLER) is None


async def test_neighbours_are_known_by_their_network_also_as_mapped_addresses() -> None:
    doorkeeper = keeper()
    for caller in ("127.0.0.1", "::ffff:127.0.0.1", "::ffff:192.0.2.70", "2001:db8::1", "2001:db8::1%eth0"):
        client = doorkeeper.neighbour(caller)
        assert client is not None, caller
        assert (client.name, client.streams, client.dsn) == ("", frozenset({Stream.TRANSACTIONAL}), "always")
    for caller in ("192.0.2.1", "::1", "2001:db9::1", "", "localhost", "::ffff:192.0.2.1"):
        assert doorkeeper.neighbour(caller) is None, caller


async def test_who_logged_in_once_is_not_checked_again() -> None:
    doorkeeper = keeper(Chosen(hasher=DEAR))
    await doorkeeper.login("crm", "right", CALLER)
    start = time.perf_counter()
    for _ in range(200):
        assert await doorkeeper.login("crm", "right", "203.0.113.5") is not None
    assert time.perf_counter() - start < 0.1  # one check alone takes longer than a tenth of this


async def test_no_secret_is_kept() -> None:
    doorkeeper = keeper(Chosen({"crm": "a secret of ours"}))
    assert await doorkeeper.login("crm", "a secret of ours", CALLER) is not None
    await doorkeeper.login("crm", "a wrong one of theirs", CALLER)
    kept = repr({name: vars(doorkeeper)[name] for name in vars(doorkeeper)}) + repr(vars(doorkeeper._failures))
    assert "of ours" not in kept
    assert "of theirs" not in kept


async def test_an_unknown_name_costs_what_a_wrong_password_does() -> None:
    doorkeeper = keeper(Chosen(hasher=DEAR))
    took: dict[str, list[float]] = {"crm": [], "erp": []}
    for number in range(6):
        for name, times in took.items():
            start = time.perf_counter()
            await doorkeeper.login(name, f"wrong {number}", CALLER)
            times.append(time.perf_counter() - start)
    assert 0.3 < min(took["erp"]) / min(took["crm"]) < 3


async def test_equal_tries_at_once_are_checked_once() -> None:
    doorkeeper = keeper(Chosen(hasher=DEAR))
    found = await asyncio.gather(*(doorkeeper.login("crm", "right", CALLER) for _ in range(300)))
    assert all(client is not None for client in found)
    assert doorkeeper._running == {}


async def test_who_fails_waits_longer_and_longer_and_a_known_client_does_not() -> None:
    doorkeeper = keeper(first_delay=0.05, longest_delay=0.2)
    assert await doorkeeper.login("crm", "right", CALLER) is not None
    took = []
    for number in range(6):
        start = time.perf_counter()
        assert await doorkeeper.login("crm", f"wrong {number}", CALLER) is None
        took.append(time.perf_counter() - start)
    assert took[0] < 0.04
    assert took[3] >= 0.05
    assert took[4] >= 0.1
    start = time.perf_counter()
    assert await doorkeeper.login("crm", "right", CALLER) is not None
    assert time.perf_counter() - start < 0.04


async def test_a_flood_of_wrong_logins_is_turned_away_and_a_known_client_still_comes_in() -> None:
    doorkeeper = keeper(Chosen(hasher=DEAR), first_delay=0.05, longest_delay=0.1)
    assert await doorkeeper.login("crm", "right", CALLER) is not None
    flood = [asyncio.create_task(doorkeeper.login("crm", f"wrong {n}", f"198.51.100.{n % 50}")) for n in range(1_000)]
    await asyncio.sleep(0)
    start = time.perf_counter()
    assert await asyncio.wait_for(doorkeeper.login("crm", "right", "198.51.100.3"), 1) is not None
    assert time.perf_counter() - start < 0.5
    outcomes = await asyncio.gather(*flood, return_exceptions=True)
    assert sum(isinstance(each, Unavailable) for each in outcomes) > 900
    assert all(each is None or isinstance(each, Unavailable) for each in outcomes)
    assert (doorkeeper._running, doorkeeper._waiting.total()) == ({}, 0)


async def test_a_caller_that_leaves_while_it_is_checked_takes_nothing_with_it() -> None:
    doorkeeper = keeper(Chosen(hasher=DEAR))
    leaving = asyncio.create_task(doorkeeper.login("crm", "right", CALLER))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await doorkeeper.login("crm", "right", CALLER) is not None
    assert leaving.cancelled()


def test_a_hash_that_is_none_stops_the_start() -> None:
    weaker = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, type=Type.I).hash("x")
    for reference in ("", "plain text", "$2b$12$abcdefghijklmnopqrstuv", weaker):
        made = CredentialSettings(name="crm", password_hash=SecretText(reference))
        with pytest.raises(ConfigError, match=r"relay\.credentials\.crm\.password_hash.*penstock password"):
            Credentials(RelaySettings(credentials=(made,)))


def test_two_credentials_of_one_name_stop_the_start() -> None:
    made = CredentialSettings(name="crm", password_hash=SecretText(CHEAP.hash("x")))
    with pytest.raises(ConfigError, match="one name"):
        Credentials(RelaySettings(credentials=(made, made)))


def test_a_hash_can_be_made_and_is_another_each_time() -> None:
    one, two = password_hash("a long secret"), password_hash("a long secret")
    assert one != two
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PasswordHasher().verify(one, "a long secret")


def test_an_ipv6_caller_is_its_64() -> None:
    assert caller_key("2001:db8:1:2::5") == caller_key("2001:db8:1:2:ffff::1") != caller_key("2001:db8:1:3::5")
    assert caller_key("::ffff:192.0.2.1") == "192.0.2.1"
    assert caller_key("nonsense") == ""


def test_failures_are_kept_for_a_bounded_number_of_callers_and_forgotten() -> None:
    failures = LoginFailures(first=1.0, most=60.0, entries=10)
    chosen = random.Random(1)
    for _ in range(1_000):
        failures.note([chosen.randbytes(8)], 0.0)
    assert len(failures) == 10
    for _ in range(4):
        failures.note([b"a"], 100.0)
    assert failures.delay([b"a"], 101.0) == 2.0
    assert failures.delay([b"b", b"a"], 101.0, pending=2) == 8.0
    assert failures.delay([b"a"], 101.0, pending=200) == 60.0
    assert failures.delay([b"a"], 1_001.0) == 0.0
