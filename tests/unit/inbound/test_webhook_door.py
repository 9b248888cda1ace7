"""Who may call, and what is answered."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest

from penstock.errors import AdapterUnavailable, StoreUnavailable, WebhookRejected
from penstock.inbound.webhook_door import DoorRules, WebhookDoor
from penstock.model.event import Event
from penstock.ports import Genuine, Returns, WebhookCall
from penstock.testing import FakeClock
from penstock.testing.fakes import FakeReturns

PATH, LOGIN = "a-secret-path-of-this-house", "esp:a long password"


@dataclass
class Codec:
    signed: bool = True
    needs_path: bool = False
    refused: int = 403
    genuine: Genuine | Exception = field(default_factory=lambda: Genuine("mark"))
    seen: list[WebhookCall] = field(default_factory=list)

    async def verify(self, call: WebhookCall, /) -> Genuine:
        self.seen.append(call)
        if isinstance(self.genuine, Exception):
            raise self.genuine
        return self.genuine

    def events(self, body: bytes, /) -> Sequence[Event]:
        return []

    def marks(self, mail_id: str, /) -> Sequence[tuple[str, str]]:
        return []


@dataclass
class House:
    codec: Codec = field(default_factory=Codec)
    rules: DoorRules = field(default_factory=DoorRules)
    returns: FakeReturns = field(default_factory=FakeReturns)
    woken: int = 0
    visited: list[str] = field(default_factory=list)

    def wake(self) -> None:
        self.woken += 1

    async def knock(
        self, path: str = "", caller: str = "192.0.2.7", body: bytes = b"body", **headers: str
    ) -> int:  # fmt: skip
        returns: Returns = self.returns
        door = WebhookDoor(
            "sg", self.codec, self.rules, returns, FakeClock(), wake=self.wake, visit=self.visited.append
        )
        status = await door.let_in(path, caller, headers)
        return await door.knock(headers, body) if status == 200 else status


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


async def test_a_genuine_call_is_kept_before_it_is_answered() -> None:
    house = House()
    assert await house.knock(signature="s") == 200
    assert [call.body for call in house.returns.calls] == [b"body"]
    assert house.woken == 1
    assert house.codec.seen[0].headers == {"signature": "s"}


async def test_a_call_made_again_is_answered_and_forgotten() -> None:
    house = House()
    assert [await house.knock(), await house.knock()] == [200, 200]
    assert len(house.returns.calls) == 1
    assert house.woken == 1


async def test_a_mark_with_another_body_is_refused() -> None:
    house = House(Codec(refused=406))
    assert [await house.knock(), await house.knock(body=b"forged")] == [200, 406]
    assert len(house.returns.calls) == 1


@pytest.mark.parametrize("fault", [WebhookRejected("no"), ValueError("a bug"), RecursionError()])
async def test_what_is_not_proved_is_refused_as_the_esp_understands_it(fault: Exception) -> None:
    house = House(Codec(refused=406, genuine=fault))
    assert await house.knock() == 406
    assert house.returns.calls == []
    assert house.returns.counted == {("sg", "refused"): 1}


async def test_a_wrong_path_looks_like_no_door() -> None:
    house = House(rules=DoorRules(path=PATH))
    assert [await house.knock(each) for each in ("", "x", PATH + "x", PATH.upper(), "é")] == [404] * 5
    assert house.codec.seen == []
    assert await house.knock(PATH) == 200


async def test_a_path_where_none_is_asked_for_is_wrong() -> None:
    assert await House().knock("anything") == 404


@pytest.mark.parametrize(
    "given", ["", "Basic", "Basic !", basic("esp"), basic(LOGIN + "x"), "Bearer " + LOGIN, "Digest x", "Basic \udcff"]
)
async def test_a_wrong_login_is_asked_for_again(given: str) -> None:
    house = House(rules=DoorRules(login=LOGIN))
    assert await house.knock(authorization=given) == 401
    assert house.codec.seen == []


async def test_a_login_or_a_token_opens() -> None:
    house = House(rules=DoorRules(login=LOGIN, bearer="token"))
    assert await house.knock(authorization=basic(LOGIN)) == 200
    assert await house.knock(authorization="bearer token") == 200
    assert await house.knock(authorization="Bearer tokens") == 401


@pytest.mark.parametrize(
    ("caller", "status"),
    [("192.0.2.7", 200), ("::ffff:192.0.2.7", 200), ("198.51.100.1", 403), ("", 403), ("unix", 403),
     ("2001:db8::1", 200), ("fe80::1%eth0", 403)],
)  # fmt: skip
async def test_only_listed_networks_may_call(caller: str, status: int) -> None:
    house = House(rules=DoorRules(networks=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))))
    assert await house.knock(caller=caller) == status


async def test_while_the_store_is_away_the_esp_is_asked_to_come_again() -> None:
    house = House()
    house.returns.away = StoreUnavailable("full")
    assert await house.knock() == 429
    house.returns.away = None
    assert await house.knock() == 200


async def test_while_a_certificate_cannot_be_fetched_the_esp_is_asked_to_come_again() -> None:
    house = House(Codec(genuine=AdapterUnavailable("no network")))
    assert await house.knock() == 429
    assert house.returns.counted == {}


async def test_an_address_to_confirm_is_visited_as_often_as_the_esp_asks() -> None:
    """A visit may fail, or the process die: then the ESP asks again."""
    house = House(Codec(genuine=Genuine("m", "https://sns.eu-west-1.amazonaws.com/?confirm")))
    await house.knock()
    await house.knock()
    assert house.visited == ["https://sns.eu-west-1.amazonaws.com/?confirm"] * 2
    assert len(house.returns.calls) == 1


def test_rules_show_no_secret() -> None:
    assert PATH not in repr(DoorRules(path=PATH, login=LOGIN, bearer="token"))
