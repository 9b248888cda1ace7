"""Where a relay's doors are, and how its processes share them."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.config.settings import Settings, load_settings
from penstock.errors import ConfigError
from penstock.relay.doors import Door, Reserved, doors_of, listening_socket
from penstock.relay.part import RelayOrder, parts_of


def settings(folder: Path, **given: str) -> Settings:
    (folder / "config.toml").write_text("")
    return load_settings(folder / "config.toml", {f"PENSTOCK__{name.upper()}": value for name, value in given.items()})


def kinds(doors: list[Door]) -> list[str]:
    return [door.kind for door in doors]


@pytest.mark.parametrize(
    ("roles", "expected"),
    [({"smtp"}, ["smtp"]), ({"http"}, ["http"]), ({"web", "worker"}, ["web"]), ({"worker"}, []),
     ({"smtp", "http", "web"}, ["smtp", "http", "web"])],
)  # fmt: skip
def test_each_role_opens_its_doors(tmp_path: Path, roles: set[str], expected: list[str]) -> None:
    assert kinds(doors_of(settings(tmp_path), roles, {})) == expected


def test_several_addresses_are_several_doors(tmp_path: Path) -> None:
    config = settings(tmp_path, relay__smtp='["127.0.0.1:1", "[::1]:2"]', relay__smtps='["127.0.0.1:3"]')
    urls = [door.url for door in doors_of(config, {"smtp"}, {})]
    assert urls == ["smtp://127.0.0.1:1", "smtp://[::1]:2", "smtps://127.0.0.1:3"]


def test_an_address_is_told_as_it_is_used() -> None:
    assert Door("http", "192.0.2.1", 80).url == "http://192.0.2.1:80/api/v1/mails"
    assert Door("web", "::1", 80).url == "http://[::1]:80"


def test_a_host_without_an_address_is_refused_with_its_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        doors_of(settings(tmp_path, web__listen="nowhere.invalid:80"), {"web"}, {})
    assert "WEB__LISTEN" in told.value.where.upper()


@pytest.mark.parametrize("given", [{}, {"web": [3]}])
def test_a_socket_that_was_given_takes_the_place_of_its_own_kind(
    tmp_path: Path, given: Mapping[str, list[int]]
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        given = {**given, "smtp": [listening.fileno()]}
        (door,) = doors_of(settings(tmp_path), {"smtp"}, given)
        assert (door.kind, door.port, door.descriptor) == ("smtp", listening.getsockname()[1], listening.fileno())
        with closing(listening_socket(door)) as ours, closing(socket.create_connection(("127.0.0.1", door.port))):
            assert ours.getsockname() == listening.getsockname()


def test_what_is_reserved_is_shared_among_us_and_taken_for_others() -> None:
    reserved = Reserved([Door("smtp", "127.0.0.1", 0)])
    (door,) = reserved.doors
    assert door.port
    with closing(listening_socket(door)) as one, closing(listening_socket(door)) as two:
        one.listen()
        two.listen()
        with pytest.raises(ConfigError, match="is another process using it"):
            Reserved([replace(door, shared=False)])
        with pytest.raises(OSError, match="in use"):
            socket.create_server(("127.0.0.1", door.port))
    reserved.close()
    socket.create_server(("127.0.0.1", door.port)).close()


def test_of_several_that_one_is_taken_reserves_none() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other, closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        taken = Door("web", "127.0.0.1", other.getsockname()[1], where="web.listen")
        with pytest.raises(ConfigError, match=r"web\.listen: cannot listen"):
            Reserved([Door("smtp", "127.0.0.1", port), taken])
        socket.create_server(("127.0.0.1", port)).close()


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1"):
        Reserved([Door("smtp", "192.0.2.1", 0)])


ALL = frozenset({"smtp", "http", "web", "worker"})


@pytest.mark.parametrize(
    ("roles", "names", "errands"),
    [
        (ALL, ["worker-1", "worker-2", "listener-1", "listener-2", "listener-3"], "worker-1"),
        (ALL - {"worker"}, ["listener-1", "listener-2", "listener-3"], "listener-1"),
        (frozenset({"worker"}), ["worker-1", "worker-2"], "worker-1"),
        (frozenset({"smtp"}), ["listener-1", "listener-2", "listener-3"], None),
    ],
)
def test_one_process_of_all_does_the_errands(roles: frozenset[str], names: list[str], errands: str | None) -> None:
    parts = parts_of(roles, 3, 2, (Door("smtp", "127.0.0.1", 1),))
    assert [part.name for part in parts] == names
    assert [part.name for part in parts if part.errands] == ([errands] if errands else [])
    assert all(bool(part.doors) == part.name.startswith("listener") for part in parts)


def test_an_order_is_one_line_and_comes_back_as_it_was(tmp_path: Path) -> None:
    (part,) = parts_of(frozenset({"smtp"}), 1, 1, (Door("smtp", "127.0.0.1", 1),))
    line = RelayOrder(settings(tmp_path), None, part).line()
    assert line.count(b"\n") == 1
    assert RelayOrder.read(line).part == part
    assert RelayOrder.read(line).settings.base == tmp_path
