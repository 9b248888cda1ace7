"""The HTTP door behind the real listener: curl as a foreign client, raw sockets, a flood, and real credentials."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.unit.intake.http_fakes import MAIL, RULES, KeptSubmissions

from penstock.config.relay_section import CredentialSettings, RelaySettings
from penstock.config.secret_text import SecretText
from penstock.intake.credentials import Credentials, password_hash
from penstock.intake.http_door import HttpRules, http_routes
from penstock.web.listener import serve

SECRET = "correct horse battery"
RAW = b"From: eva.berg@nordlicht.example\nTo: anna.keller@muster-werk.example\nSubject: x\n\nHi\n"


@asynccontextmanager
async def listening(acceptance: KeptSubmissions, rules: HttpRules = RULES) -> AsyncIterator[str]:
    made = CredentialSettings(name="crm", password_hash=SecretText(password_hash(SECRET)))
    doorkeeper = Credentials(RelaySettings(networks=("192.0.2.0/24",), credentials=(made,)))
    stop, url = asyncio.Event(), asyncio.get_running_loop().create_future()
    routes = http_routes(acceptance, doorkeeper, rules)
    server = asyncio.create_task(serve(routes, "127.0.0.1:0", stop, ready=url.set_result))
    try:
        yield await asyncio.wait_for(url, 5)
    finally:
        stop.set()
        await asyncio.wait_for(server, 10)


async def curl(url: str, *options: str) -> tuple[int, Any]:
    """Status and JSON."""
    program = await asyncio.create_subprocess_exec(
        "curl", "-sS", "-m", "20", "-w", "\n%{http_code}", *options, url, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await program.communicate()
    body, _, status = told.decode().rpartition("\n")
    return int(status), json.loads(body)


async def raw(url: str, data: bytes, seconds: float = 5) -> bytes:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), seconds)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.needs("curl")
async def test_curl_hands_in_a_file_as_it_is_and_json(tmp_path: Path) -> None:
    acceptance = KeptSubmissions()
    (tmp_path / "mail.eml").write_bytes(RAW)
    (tmp_path / "mail.json").write_text(json.dumps(MAIL))
    async with listening(acceptance) as url:
        mails = f"{url}/api/v1/mails"
        for options in (
            ("-u", f"crm:{SECRET}", "-H", "Content-Type: message/rfc822", "--data-binary", f"@{tmp_path}/mail.eml"),
            ("-H", f"Authorization: Bearer crm.{SECRET}", "-H", "Content-Type: message/rfc822",
             "-T", f"{tmp_path}/mail.eml", "-X", "POST"),
            ("-u", f"crm:{SECRET}", "--json", f"@{tmp_path}/mail.json"),
            ("-u", f"crm:{SECRET}", "--json", f"@{tmp_path}/mail.json", "-H", "Expect: 100-continue"),
        ):  # fmt: skip
            status, answer = await curl(mails, *options)
            assert (status, answer["mails"][0]["address"]) == (202, "anna.keller@muster-werk.example"), options
        status, answer = await curl(mails, "-u", "crm:wrong", "--json", f"@{tmp_path}/mail.json")
        assert (status, answer["title"]) == (401, "Unauthorized")
        status, answer = await curl(f"{mails}?dry_run=1", "-u", f"crm:{SECRET}", "--json", f"@{tmp_path}/mail.json")
        assert (status, answer["decisions"][0]["verdict"]) == (200, "block")
        status, answer = await curl(f"{url}/api/v1/openapi.json")
        assert (status, answer["openapi"]) == (200, "3.1.0")
    assert [each.data for each in acceptance.taken[:2]] == [RAW.replace(b"\n", b"\r\n")] * 2
    assert len(acceptance.taken) == 4


@pytest.mark.needs("curl")
async def test_a_large_mail_comes_in_while_others_are_served(tmp_path: Path) -> None:
    acceptance, rules = KeptSubmissions(), dataclasses.replace(RULES, size_limit=26_214_400, seconds=30)
    files = [{"name": f"{n}.pdf", "content": base64.b64encode(bytes(5_000_000)).decode()} for n in range(3)]
    (tmp_path / "large.json").write_text(json.dumps({**MAIL, "attachments": files}))
    (tmp_path / "mail.json").write_text(json.dumps(MAIL))
    async with listening(acceptance, rules) as url:
        login = ("-u", f"crm:{SECRET}", "--json")
        large = asyncio.create_task(curl(f"{url}/api/v1/mails", *login, f"@{tmp_path}/large.json"))
        while not large.done():
            assert (await curl(f"{url}/api/v1/mails", *login, f"@{tmp_path}/mail.json"))[0] == 202
        assert (await large)[0] == 202
    assert max(len(each.data) for each in acceptance.taken) > 20_000_000


async def test_who_may_not_is_told_before_the_body_comes() -> None:
    head = b"POST /api/v1/mails HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"
    acceptance = KeptSubmissions()
    async with listening(acceptance) as url:
        assert (await raw(url, head + b"\r\n{")).startswith(b"HTTP/1.1 401")
        login = b"Authorization: Basic " + base64.b64encode(f"crm:{SECRET}".encode()) + b"\r\n"
        assert (await raw(url, head.replace(b" 1000", b" 99999999") + login + b"\r\n{")).startswith(b"HTTP/1.1 413")
        assert (await raw(url, head.replace(b"json", b"xml") + login + b"\r\n{")).startswith(b"HTTP/1.1 415")
    assert acceptance.calls == []


async def test_a_body_that_drips_is_given_up_and_others_are_served_meanwhile() -> None:
    acceptance = KeptSubmissions()
    async with listening(acceptance, dataclasses.replace(RULES, seconds=0.3)) as url:
        login = b"Authorization: Basic " + base64.b64encode(f"crm:{SECRET}".encode()) + b"\r\n"
        head = b"POST /api/v1/mails HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + login
        body = json.dumps(MAIL).encode()
        slow = [asyncio.create_task(raw(url, head + b"Content-Length: 1000\r\n\r\n{")) for _ in range(100)]
        whole = head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        assert (await raw(url, whole)).startswith(b"HTTP/1.1 202")
        answers = await asyncio.gather(*slow)
    assert {each[:12] for each in answers} == {b"HTTP/1.1 408"}
    assert len(acceptance.taken) == 1
