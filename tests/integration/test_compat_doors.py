"""SendGrid's and Mailgun's own clients send through a whole relay, with nothing but the host changed."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import json
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from penstock.clock import FrozenClock
from penstock.config.campaign_file import read_campaign
from penstock.config.settings import load_settings
from penstock.demo.sample import MOMENT, write_sample
from penstock.intake.credentials import password_hash
from penstock.law.countries import country_code
from penstock.observe.metrics import Tallies
from penstock.ports import ContactRow
from penstock.relay.doors import Door
from penstock.relay.intake import RelayIntake
from penstock.sources.rows import RowReader
from penstock.wiring import House, open_house

SECRET = "correct horse battery"
KEY = f"crm.{SECRET}"
FROM, EVA = "Eva Berg, Nordlicht Software AB", "eva.berg@nordlicht.example"
ANNA, BO, GUEST = "anna.berg@anna-maskin.example", "bo.berg@bo-maskin.example", "guest@maskin.example"
TEXT, HTML = "Grüße aus Malmö,\n.\n\nEva\n", '<p>Grüße aus Malmö</p><img src="cid:logo" alt="">'
PDF = b"%PDF-1.7\r\n" + bytes(range(256)) * 300
NODE = ("@sendgrid/mail@8.1.6", "mailgun.js@12.9.0", "form-data@4.0.5")


@dataclass
class Relay:
    house: House
    url: str
    outbox: Path

    async def sent(self) -> dict[str, EmailMessage]:
        """What left, by its recipient."""
        await self.house.worker().drain(wait=0, stop=asyncio.Event())
        found = {}
        for file in self.outbox.glob("*.eml"):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            assert not any(part.defects for part in message.walk())
            assert b"X-Penstock-" not in file.read_bytes()
            found[message["to"].addresses[0].addr_spec] = message
        return found

    async def depth(self) -> int:
        return await self.house.queue.depth()


Person = dict[str, Any]


def person(name: str) -> Person:
    domain = f"{name}-maskin.example"
    return {
        "address": f"{name}.berg@{domain}", "given_name": name.capitalize(), "family_name": "Berg", "language": "en",
        "country": "SE", "function": "purchasing", "verified_at": "2026-11-15", "reason": "your site shows a new plant",
        "company": {"name": f"{name} Maskin AB", "domains": [domain], "legal_form": "company", "industry": "C28",
                    "employees": 120},
        "source": {"method": "own_site", "reference": f"https://{domain}/team", "collected_at": "2026-11-10",
                   "visibility": "public", "why": "head of purchasing"},
    }  # fmt: skip


@asynccontextmanager
async def relaying(folder: Path, unknown_contact: str = "hold") -> AsyncIterator[Relay]:
    write_sample(folder)
    config = folder / "config.toml"
    (folder / "hash").write_text(password_hash(SECRET))
    config.write_text(
        config.read_text()
        + f"""
[[sender]]
domain = "nordlicht.example"
[[relay.credentials]]
name = "crm"
password_hash = "file:hash"
streams = ["prospecting", "transactional"]
controllers = ["nordlicht"]
unknown_contact = "{unknown_contact}"
"""
    )
    campaign = folder / "campaigns" / "purchasing.toml"
    head, _, _ = campaign.read_text().partition("[message]")
    letters = campaign.with_name("letters.toml")
    letters.write_text(
        head.replace('id = "purchasing-2026"', 'id = "letters"')
        + f"[message]\nfrom = '{FROM} <{EVA}>'\nrelayed = true\n"
    )
    settings = load_settings(config, {})
    house = await open_house(settings, FrozenClock(MOMENT))
    try:
        await house.store.campaigns.save(read_campaign(letters, settings))
        row = RowReader({}, country_code).read(1, person("anna"))
        assert isinstance(row, ContactRow)
        await house.store.contacts.upsert([(row.contact, house.identifier.of(row.contact))])
        async with listening(house) as url:
            yield Relay(house, url, folder / "outbox")
    finally:
        await house.aclose()


@asynccontextmanager
async def listening(house: House) -> AsyncIterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
        door = Door("http", "127.0.0.1", port, descriptor=bound.detach())
    stop, opened = asyncio.Event(), asyncio.Event()
    intake = RelayIntake(house, Tallies())
    running = asyncio.create_task(intake.run([door], [], stop, lambda _door: opened.set()))
    try:
        await asyncio.wait_for(opened.wait(), 10)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        await asyncio.wait_for(running, 15)


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    async with relaying(tmp_path / "house") as opened:
        yield opened


def text(part: EmailMessage) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


def check(message: EmailMessage, subject: str) -> None:
    """A letter with an image and a file arrived as it was written."""
    assert message["subject"] == subject
    assert message["from"].addresses[0].addr_spec == EVA
    found = {part.get_content_type(): part for part in message.walk()}
    assert text(found["text/plain"]) == TEXT
    cid = found["image/png"]["content-id"].strip("<>")
    assert f'<img src="cid:{cid}"' in found["text/html"].get_content()
    assert "Grüße aus Malmö" in found["text/html"].get_content()
    assert found["application/pdf"].get_payload(decode=True) == PDF
    assert found["application/pdf"].get_filename() == "räkning.pdf"


async def test_sendgrids_python_client_sends_what_arrives(relay: Relay) -> None:
    from sendgrid import SendGridAPIClient  # type: ignore[import-untyped]
    from sendgrid.helpers.mail import (  # type: ignore[import-untyped]
        Attachment,
        Category,
        ContentId,
        Disposition,
        FileContent,
        FileName,
        FileType,
        Header,
        Mail,
        Personalization,
        Substitution,
        To,
    )  # fmt: skip

    mail = Mail(from_email=(EVA, FROM), subject="Faktura -number-", plain_text_content=TEXT, html_content=HTML)
    for number, address in enumerate((GUEST, BO)):
        one = Personalization()
        one.add_to(To(address, "Käre Gäst"))
        one.add_substitution(Substitution("-number-", f"№ {number}"))
        mail.add_personalization(one)
    for name, kind, data, cid in (
        ("räkning.pdf", "application/pdf", PDF, ""),
        ("l.png", "image/png", b"\x89PNG", "logo"),
    ):
        content = FileContent(base64.b64encode(data).decode())
        where = {"disposition": Disposition("inline"), "content_id": ContentId(cid)} if cid else {}
        mail.add_attachment(Attachment(content, FileName(name), FileType(kind), **where))
    mail.add_header(Header("X-Penstock-Stream", "transactional"))
    mail.add_category(Category("bills"))
    client = SendGridAPIClient(KEY, host=f"{relay.url}/compat/sendgrid")
    answer = await asyncio.to_thread(client.send, mail)
    assert (answer.status_code, answer.body) == (202, b"")
    sent = await relay.sent()
    check(sent[GUEST], "Faktura № 0")
    check(sent[BO], "Faktura № 1")
    assert sent[GUEST]["to"].addresses[0].display_name == "Käre Gäst"
    states = await relay.house.store.mails.load([answer.headers["X-Message-Id"]])
    assert [each and each.state for each in states] == ["accepted"]


async def test_sendgrids_python_client_reads_our_refusals(relay: Relay) -> None:
    from python_http_client.exceptions import BadRequestsError, ForbiddenError, UnauthorizedError  # type: ignore[import-untyped]
    from sendgrid import SendGridAPIClient
    from sendgrid.helpers.mail import Mail

    def sends(key: str, sender: str, **more: Any) -> Callable[[], Any]:
        mail = Mail(from_email=sender, to_emails=GUEST, subject="Hi", plain_text_content="Hi")
        body = {**mail.get(), "custom_args": {"penstock_stream": "transactional"}, **more}
        return lambda: SendGridAPIClient(key, host=f"{relay.url}/compat/sendgrid").client.mail.send.post(
            request_body=body
        )

    cases: list[tuple[type[Exception], str, Callable[[], Any]]] = [
        (UnauthorizedError, "authorization required", sends("crm.wrong", EVA)),
        (ForbiddenError, "the domain of From is in no [[sender]]", sends(KEY, "eva@other.example")),
        (BadRequestsError, "not supported", sends(KEY, EVA, template_id="d-1")),
        (BadRequestsError, "no such stream", sends(KEY, EVA, custom_args={"penstock_stream": "x"})),
    ]
    for kind, told, call in cases:
        with pytest.raises(kind) as fault:
            await asyncio.to_thread(call)
        assert told in str(fault.value.to_dict["errors"])  # type: ignore[attr-defined]
    assert await relay.depth() == 0


async def test_mailguns_python_client_sends_what_arrives(relay: Relay) -> None:
    from mailgun.client import Client

    data = {
        "from": f'"{FROM}" <{EVA}>', "to": [f"Käre Gäst <{GUEST}>", BO], "subject": "Faktura %recipient.n%",
        "text": TEXT, "html": HTML, "o:tag": "bills", "h:X-Penstock-Stream": "transactional",
        "recipient-variables": json.dumps({GUEST: {"n": "№ 0"}, BO: {"n": "№ 1"}}),
    }  # fmt: skip
    files = [("attachment", ("räkning.pdf", PDF, "application/pdf")), ("inline", ("logo", b"\x89PNG", "image/png"))]

    def call() -> Any:
        with Client(auth=("api", KEY), api_url=f"{relay.url}/compat/mailgun") as client:
            return client.messages.create(data=data, files=files, domain="nordlicht.example")

    answer = await asyncio.to_thread(call)
    assert (answer.status_code, answer.json()["message"]) == (200, "Queued. Thank you.")
    sent = await relay.sent()
    check(sent[GUEST], "Faktura № 0")
    check(sent[BO], "Faktura № 1")
    assert BO not in sent[GUEST].as_string()
    mail_id, _, domain = answer.json()["id"].strip("<>").partition("@")
    assert domain == "nordlicht.example"
    states = await relay.house.store.mails.load([mail_id])
    assert [each and each.state for each in states] == ["accepted"]


async def test_mailguns_python_client_hands_in_a_finished_message(relay: Relay) -> None:
    from mailgun.client import Client

    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["Message-ID"] = EVA, GUEST, "Finished", "<1@nordlicht.example>"
    made["X-Penstock-Stream"] = "transactional"
    made.set_content("as it is\n")

    def call(domain: str) -> Any:
        files = {"message": ("message.mime", made.as_bytes())}
        with Client(auth=("api", KEY), api_url=f"{relay.url}/compat/mailgun") as client:
            return client.mimemessage.create(data={"to": GUEST}, files=files, domain=domain)

    assert (await asyncio.to_thread(call, "nordlicht.example")).json()["message"] == "Queued. Thank you."
    message = (await relay.sent())[GUEST]
    assert (message["message-id"], text(message)) == ("<1@nordlicht.example>", "as it is\n")
    assert (await asyncio.to_thread(call, "other.example")).status_code == 404


async def test_advertising_gets_its_notice_and_one_name_in_to(relay: Relay) -> None:
    body = sendgrid_body([ANNA], [GUEST], custom_args={"penstock_campaign": "letters"})
    assert await post(relay, body) == (202, "")
    sent = await relay.sent()
    assert [*sent] == [ANNA]
    assert "List-Unsubscribe-Post" in sent[ANNA]
    assert sent[ANNA]["cc"] is None
    held = await relay.house.store.mails.held("", 9)
    assert [each.code for each in held] == ["CONTACT_UNKNOWN"]


def sendgrid_body(to: list[str], cc: list[str] | None = None, **more: Any) -> dict[str, Any]:
    one: dict[str, Any] = {"to": [{"email": each} for each in to]}
    if cc:
        one["cc"] = [{"email": each} for each in cc]
    content = [{"type": "text/plain", "value": "purchasing software\n"}]
    sender = {"email": EVA, "name": FROM}
    return {"personalizations": [one], "from": sender, "subject": "Purchasing", "content": content, **more}


async def post(relay: Relay, body: dict[str, Any]) -> tuple[int, str]:
    """Status and body."""
    where, login = f"{relay.url}/compat/sendgrid/v3/mail/send", {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(headers=login) as client, client.post(where, json=body) as answer:
        return answer.status, await answer.text()


async def test_of_one_request_all_is_taken_or_nothing(tmp_path: Path) -> None:
    async with relaying(tmp_path / "house", unknown_contact="refuse") as relay:
        people = [sendgrid_body([each])["personalizations"][0] for each in (ANNA, BO)]
        body = sendgrid_body([ANNA], custom_args={"penstock_campaign": "letters"})
        status, told = await post(relay, {**body, "personalizations": people})
        assert (status, "CONTACT_UNKNOWN" in told) == (400, True)
        assert await relay.depth() == 0
        assert (await post(relay, body))[0] == 202
        assert await relay.depth() == 1


async def test_a_thousand_personalizations_are_saved_at_once(relay: Relay) -> None:
    people = [{"to": [{"email": f"guest{number}@maskin.example"}]} for number in range(1_000)]
    body = sendgrid_body([GUEST], custom_args={"penstock_stream": "transactional"})
    saved = asyncio.create_task(post(relay, {**body, "personalizations": people}))
    seen = set()
    while not saved.done():
        seen.add(await relay.depth())
        await asyncio.sleep(0.005)
    assert (await saved)[0] == 202
    assert seen | {await relay.depth()} <= {0, 1_000}
    assert await relay.depth() == 1_000


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("npm")
    words = ("npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", *NODE)
    done = subprocess.run(words, capture_output=True, timeout=120, cwd=folder)
    assert done.returncode == 0, done.stderr.decode()
    return folder / "node_modules"


CLIENTS = """
const [url, key, from, to, text, html, pdf] = JSON.parse(process.argv[1]);
const sendgrid = require("@sendgrid/mail");
sendgrid.setApiKey(key);
sendgrid.client.setDefaultRequest("baseUrl", url + "/compat/sendgrid/");
const Mailgun = require("mailgun.js");
const mailgun = new Mailgun.default(require("form-data"))
  .client({ username: "api", key, url: url + "/compat/mailgun" });
const file = Buffer.from(pdf, "base64"), image = Buffer.from("image");
(async () => {
  const [answer] = await sendgrid.send({
    to: to[0], from, subject: "Faktura", text, html, headers: { "X-Penstock-Stream": "transactional" },
    attachments: [
      { content: pdf, filename: "räkning.pdf", type: "application/pdf", disposition: "attachment" },
      { content: image.toString("base64"), filename: "l.png", type: "image/png", disposition: "inline",
        content_id: "logo" },
    ],
  });
  const told = await mailgun.messages.create("nordlicht.example", {
    from, to: [to[1]], subject: "Faktura", text, html, "h:X-Penstock-Stream": "transactional",
    attachment: { filename: "räkning.pdf", data: file, contentType: "application/pdf" },
    inline: { filename: "logo", data: image, contentType: "image/png" },
  });
  console.log(JSON.stringify([answer.statusCode, told.status, told.message]));
})().catch((fault) => { console.error(JSON.stringify(fault)); process.exit(1); });
"""


@pytest.mark.needs("node", "npm")
async def test_the_clients_for_node_send_what_arrives(relay: Relay, node_modules: Path) -> None:
    pdf = base64.b64encode(PDF).decode()
    given = json.dumps([relay.url, KEY, EVA, [GUEST, BO], TEXT, HTML, pdf])
    words = ("node", "-e", CLIENTS, given)
    program = await asyncio.create_subprocess_exec(
        *words, env={"NODE_PATH": str(node_modules), "PATH": "/usr/bin:/bin"}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    told, fault = await asyncio.wait_for(program.communicate(), 60)
    assert program.returncode == 0, fault.decode()
    assert json.loads(told) == [202, 200, "Queued. Thank you."]
    sent = await relay.sent()
    check(sent[GUEST], "Faktura")
    check(sent[BO], "Faktura")
