"""Opting out as people and mail programs do: a real relay, real proxies as the howto sets them up, a real browser."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.e2e.conftest import MOMENT, PROGRAM, Run, environment

Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
HOWTO = Path(__file__).parents[2] / "docs/howto/public-pages.md"
HERE = {"PENSTOCK__WEB__LISTEN": "127.0.0.1:0"}
LINK = re.compile(rb"^List-Unsubscribe: <https://mail\.nordlicht\.example(/u/[\w-]+)>", re.MULTILINE)


@asynccontextmanager
async def running(*words: str, cwd: Path, env: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program that is ended afterwards."""
    process = await asyncio.create_subprocess_exec(
        *words, cwd=cwd, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.communicate(), 30)


@asynccontextmanager
async def relaying(house: Path, env: Mapping[str, str]) -> AsyncIterator[str]:
    """The address of `penstock relay --only web`."""
    words = (str(PROGRAM), "--now", MOMENT, "relay", "--only", "web")
    async with running(*words, cwd=house, env=environment(house, env)) as process:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        assert line.startswith("listening at "), line
        yield line.split()[-1]
    assert process.returncode == 0


async def until(ready: Callable[[], bool], seconds: float = 20) -> None:
    for _ in range(int(seconds / 0.02)):
        if await asyncio.to_thread(ready):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come to that")


def links(folder: Path) -> dict[str, str]:
    """The path of the header's link by the local part of the recipient."""
    found = {}
    for file in (folder / "outbox").glob("*.eml"):
        data = file.read_bytes().replace(b"\r\n ", b" ").replace(b"\r\n", b"\n")
        to, link = re.search(rb"^To: .*?([\w.]+)@", data, re.MULTILINE), LINK.search(data)
        assert to is not None
        assert link is not None
        found[to[1].decode()] = link[1].decode()
    return found


def states(house: Path, step: str) -> dict[str, tuple[str, int | None]]:
    """State and begin of each mail of a campaign, by the local part of the recipient."""
    with sqlite3.connect(f"file:{house / 'penstock.db'}?mode=ro", uri=True) as base:
        rows = base.execute(
            "SELECT json_extract(CAST(record AS TEXT), '$.address'), state, begun_at FROM mails "
            "JOIN contacts ON contacts.identity = mails.identity WHERE step = ?", (step,),
        ).fetchall()  # fmt: skip
    return {address.partition("@")[0]: (state, begun) for address, state, begun in rows}


@pytest.fixture
def mailed(house: Path, person: Person, contact_file: ContactFile, penstock: Run) -> tuple[Path, dict[str, str]]:
    """A house that has sent two people a mail, and the links in them."""
    people = contact_file(house / "people.jsonl", [person("anna", language="de"), person("bo")])
    done = penstock("send", house / "campaigns" / "purchasing.toml", "--contacts", people, "--wait", "0", cwd=house)
    assert done.returncode == 0, done.stderr
    return house, links(house)


def listed(penstock: Run, house: Path) -> list[tuple[str, str, str]]:
    lines = penstock("suppress", "list", "--json", cwd=house).stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    return [(row["subject"].partition("@")[0], row["reason"], row["scope"]) for row in rows]


async def test_after_the_answer_nothing_begins_in_any_process(
    house: Path, person: Person, contact_file: ContactFile, penstock: Run, edited: Callable[..., Path]
) -> None:
    """A first campaign went; while a slow `send` of a second one runs, somebody opts out by the first one's link."""
    names = [f"p{number}" for number in range(12)]
    people = contact_file(house / "people.jsonl", [person(name) for name in names])
    campaign = house / "campaigns" / "purchasing.toml"
    words = ("--contacts", people, "--wait", "0")
    assert (await asyncio.to_thread(penstock, "send", campaign, *words, cwd=house)).returncode == 0
    paths = await asyncio.to_thread(links, house)
    second = house / "campaigns" / "second.toml"
    second.write_text(campaign.read_text().replace('id = "purchasing-2026"', 'id = "second-2026"'))
    edited(second, ('["1/7d"', '["9/7d"'))
    slow = {**HERE, "PENSTOCK__ADAPTERS__MAIN__RATE": '["2/s"]'}
    send = (str(PROGRAM), "--now", MOMENT, "send", "campaigns/second.toml", "--contacts", "people.jsonl", "--json")
    async with relaying(house, slow) as url, running(*send, cwd=house, env=environment(house, slow)) as sending:
        await until(lambda: [*(state for state, _ in states(house, "second-2026").values())].count("accepted") >= 2)
        waiting = next(who for who, (_, begun) in states(house, "second-2026").items() if begun is None)
        async with aiohttp.ClientSession() as session, session.post(url + paths[waiting]) as answer:
            assert answer.status == 200
        begun_before = states(house, "second-2026")[waiting][1]
        out, err = await asyncio.wait_for(sending.communicate(), 60)
    assert sending.returncode == 0, err.decode()
    assert begun_before is None, "the mail waited when the answer came"
    codes = [json.loads(line)["code"] for line in out.decode().splitlines()]
    assert codes.count("SUPPRESSED_PERSON") == 1
    after = states(house, "second-2026")
    assert {who for who, (state, _) in after.items() if state != "accepted"} == {waiting}
    assert after[waiting][1] is None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", str(key), "-out", str(cert)]  # fmt: skip
    subprocess.run(words, check=True, capture_output=True, timeout=60)
    return cert, key


def snippet(language: str) -> str:
    """As the howto has it."""
    found = re.search(rf"^```{language}\n(.*?)^```$", HOWTO.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def replaced(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def caddy(folder: Path, port: int, relay: str, cert: Path, key: Path) -> list[str]:
    site = replaced(
        snippet("caddyfile"),
        ("mail.nordlicht.example {", f"https://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {cert} {key}"),
        ("127.0.0.1:8080", relay),
    )
    (folder / "Caddyfile").write_text(f"{{\n\tadmin off\n\tauto_https off\n}}\n{site}")
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def nginx(folder: Path, port: int, relay: str, cert: Path, key: Path) -> list[str]:
    site = replaced(
        snippet("nginx"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("mail.nordlicht.example;\n    ssl", "localhost;\n    ssl"),
        ("/etc/ssl/mail.nordlicht.example.pem", str(cert)),
        ("/etc/ssl/mail.nordlicht.example.key", str(key)),
        ("127.0.0.1:8080", relay),
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"    {kind}_temp_path {folder / kind};\n" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"daemon off;\nmaster_process off;\npid {folder / 'pid'};\nerror_log {folder / 'error.log'};\n"
        f"events {{}}\nhttp {{\n    access_log {folder / 'access.log'};\n{places}{site}}}\n"
    )
    return ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]


PROXIES = [
    pytest.param(caddy, marks=pytest.mark.needs("caddy", "openssl", "curl")),
    pytest.param(nginx, marks=pytest.mark.needs("nginx", "openssl", "curl")),
]


def curl(cert: Path, *words: str) -> tuple[int, str, str]:
    """Status, head and body."""
    done = subprocess.run(
        ["curl", "-sS", "-i", "--http1.1", "--max-time", "20", "--cacert", str(cert), *words],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    while head.startswith("HTTP/1.1 100"):
        head, _, body = body.partition("\n\n")
    return int(head.split()[1]), head.lower(), body


@pytest.mark.parametrize("proxy", PROXIES)
async def test_behind_the_proxies_of_the_howto_mail_programs_can_opt_out(
    proxy: Callable[..., list[str]],
    mailed: tuple[Path, dict[str, str]],
    certificate: tuple[Path, Path],
    penstock: Run,
    tmp_path: Path,
) -> None:
    house, paths = mailed
    cert, key = certificate
    port = free_port()
    public = {"PENSTOCK__WEB__BASE_URL": f"https://localhost:{port}", "SSL_CERT_FILE": str(cert), **HERE}
    before = await asyncio.to_thread(listed, penstock, house)
    async with relaying(house, {**HERE, "PENSTOCK__WEB__TRUSTED_PROXIES": '["127.0.0.1/32"]'}) as url:
        words = proxy(tmp_path, port, url.removeprefix("http://"), cert, key)
        own = {**environment(tmp_path, {}), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
        async with running(*words, cwd=tmp_path, env=own):
            await until(lambda: answers(port))
            await asyncio.to_thread(follow, cert, f"https://localhost:{port}", paths)
            assert listed_since(before, await asyncio.to_thread(listed, penstock, house)) == [
                ("anna.berg", "unsubscribe", "controller:nordlicht"),
                ("bo.berg", "unsubscribe", "controller:nordlicht"),
            ]
            found = await asyncio.to_thread(penstock, "doctor", "--json", cwd=house, env=public)
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert [line["state"] for line in lines if line["what"] == "pages"] == ["ok"], lines
    found = await asyncio.to_thread(penstock, "doctor", "--json", cwd=house, env=public)
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert [line["state"] for line in lines if line["what"] == "pages"] == ["fail"], "nobody is there any more"


def listed_since(before: list[Any], after: list[Any]) -> list[Any]:
    return after[len(before) :]


def follow(cert: Path, base: str, paths: Mapping[str, str]) -> None:
    """All that may come: look, guess, and POST in both encodings, by several versions of the same link."""
    anna, bo = base + paths["anna.berg"], base + paths["bo.berg"]
    for words in ((anna,), ("-I", anna), ("-H", "Accept-Language: fr", bo)):
        assert curl(cert, *words)[0] == 200
    assert "Keine Werbung mehr" in curl(cert, anna)[2], "the contact's own language"
    assert curl(cert, "-X", "OPTIONS", anna)[0] == 405
    for words in (("-d", "List-Unsubscribe=One-Click", anna), ("-F", "List-Unsubscribe=One-Click", bo)):
        for _ in range(2):
            status, head, body = curl(cert, *words)
            assert status == 200
            assert "set-cookie" not in head
            assert "location:" not in head
            assert 'data-penstock="opt-out"' in body
            assert not re.search("anna|bo[.]berg|maskin", body, re.IGNORECASE), "nothing of the person"
    assert curl(cert, "-d", "x", anna[:-1])[0] == 404
    assert curl(cert, "-d", "x" * 5_000, anna)[0] == 413
    assert curl(cert, base + "/metrics")[0] == 404


@pytest.mark.needs("chromium")
async def test_in_a_browser_one_press_of_the_button_is_enough(
    mailed: tuple[Path, dict[str, str]], penstock: Run, tmp_path: Path
) -> None:
    house, paths = mailed
    before = await asyncio.to_thread(listed, penstock, house)
    words = ("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
             f"--user-data-dir={tmp_path / 'profile'}", "about:blank")  # fmt: skip
    async with relaying(house, HERE) as url, running(*words, cwd=tmp_path, env=environment(tmp_path, {})):
        place = tmp_path / "profile" / "DevToolsActivePort"
        await until(lambda: place.is_file() and len(place.read_text().splitlines()) == 2, 60)
        port = place.read_text().splitlines()[0]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                pages = json.loads(await answer.text())
            page = next(each for each in pages if each["type"] == "page")
            async with session.ws_connect(page["webSocketDebuggerUrl"]) as browser:
                await browser.send_json({"id": 1, "method": "Page.navigate", "params": {"url": url + paths["bo.berg"]}})
                assert "Stop advertising" in await shown(browser, 2, "Stop advertising")
                assert await evaluated(browser, 3, "document.cookie") == ""
                wide = "document.documentElement.scrollWidth <= window.innerWidth"
                assert await evaluated(browser, 4, wide) is True
                assert await asyncio.to_thread(listed, penstock, house) == before, "looking changes nothing"
                await evaluated(browser, 5, "document.querySelector('button').click()")
                assert "Done: from now on" in await shown(browser, 100, "Done: from now on")
    after = await asyncio.to_thread(listed, penstock, house)
    assert listed_since(before, after) == [("bo.berg", "unsubscribe", "controller:nordlicht")]


async def evaluated(browser: aiohttp.ClientWebSocketResponse, number: int, expression: str) -> Any:
    call = {"id": number, "method": "Runtime.evaluate", "params": {"expression": expression}}
    await browser.send_json(call)
    while (told := await browser.receive_json(timeout=20)).get("id") != number:
        pass
    return told.get("result", {}).get("result", {}).get("value")


async def shown(browser: aiohttp.ClientWebSocketResponse, number: int, words: str) -> str:
    """The page's text, once it has these words."""
    text = ""
    for attempt in range(200):
        text = str(await evaluated(browser, number * 1_000 + attempt, "document.body ? document.body.innerText : ''"))
        if words in text:
            break
        await asyncio.sleep(0.05)
    return text
