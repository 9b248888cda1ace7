"""Programs that others wrote hand in mail at a running relay, and it leaves as it has to."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import smtplib
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from tests.e2e.conftest import Run
from tests.e2e.relay_house import (
    ADVERTISING,
    FROM,
    LOGIN,
    SECRET,
    SENDER,
    TRANSACTIONAL,
    RelayHouse,
    furnished,
    letter,
    serving,
)

Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]

SECONDS = 15
NODEMAILER = "nodemailer@7.0.13"
PEOPLE = (
    "swaks", "swakslogin", "nodemailer", "smtplib", "smtps", "aiosmtplib", "postfix", "postfixb", "curl", "curls",
    "msmtp", "httpjson",
)  # fmt: skip
SESSIONS = 20


@pytest.fixture(scope="module")
def house(
    sample: Path, person: Person, contact_file: ContactFile, penstock: Run, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    crowd = [person("crowd") | {"address": f"{number}head@crowd-maskin.example"} for number in range(1, SESSIONS + 1)]
    folder = tmp_path_factory.mktemp("relay") / "house"
    return furnished(sample, folder, [*map(person, PEOPLE), *crowd], penstock, contact_file)


@pytest.fixture(scope="module")
def relay(house: Path) -> Iterator[RelayHouse]:
    with serving(house) as here:
        yield here


def buyer(name: str) -> str:
    """A person that advertising may go to."""
    return f"{name}.berg@{name}-maskin.example"


def guest(name: str) -> str:
    """Somebody who is no contact."""
    return f"{name}@kund.example"


def ran(*words: str | Path, given: bytes = b"", env: dict[str, str] | None = None, code: int = 0) -> str:
    """What a program says that does its work in time."""
    done = subprocess.run(
        [*map(str, words)], input=given, capture_output=True, timeout=SECONDS,
        env={"PATH": os.environ["PATH"] + ":/usr/sbin", "LANG": "C.UTF-8", **(env or {})},
    )  # fmt: skip
    told = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == code, told
    return told


def unix(data: bytes) -> bytes:
    """With the line ends that a program of Unix reads."""
    return data.replace(b"\r\n", b"\n")


def plain(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def arrived(relay: RelayHouse, *, transactional: str, advertising: str, text: str = "..\n") -> None:
    """The one left as it was written, the other with all that advertising needs."""
    order, offer = relay.sent(transactional, advertising)
    assert text in plain(order)
    assert text in plain(offer)
    assert "Nordlicht Software AB" not in plain(order)
    assert order["List-Unsubscribe"] is None
    assert "Storgatan 1" in plain(offer)
    assert str(offer["List-Unsubscribe"]).startswith("<https://mail.nordlicht.example/u/")
    assert not [name for mail in (order, offer) for name in mail if name.lower().startswith("x-penstock")]


@pytest.mark.needs("swaks")
@pytest.mark.parametrize(("mechanism", "name"), [("PLAIN", "swaks"), ("LOGIN", "swakslogin")])
def test_swaks(relay: RelayHouse, tmp_path: Path, mechanism: str, name: str) -> None:
    """STARTTLS with a verified certificate, both logins, commands sent together."""
    for to, asked in ((guest(name), TRANSACTIONAL), (buyer(name), ADVERTISING)):
        file = tmp_path / f"{to}.eml"
        file.write_bytes(letter(to, asked))
        told = ran(
            "swaks", "--server", "127.0.0.1", "--port", str(relay.smtp), "--tls", "--tls-verify", "--pipeline",
            "--tls-ca-path", relay.certificate, "--auth", mechanism, "--auth-user", LOGIN, "--auth-password", SECRET,
            "--from", SENDER, "--to", to, "--data", f"@{file}",
        )  # fmt: skip
        assert "250 2.0.0 queued as" in told
    arrived(relay, transactional=guest(name), advertising=buyer(name))


@pytest.mark.needs("swaks")
def test_swaks_with_a_wrong_password_or_none_hands_in_nothing(relay: RelayHouse) -> None:
    words = ("swaks", "--server", "127.0.0.1", "--port", str(relay.smtp), "--from", SENDER, "--to", guest("nobody"))
    assert "535 5.7.8" in ran(*words, "--tls", "--auth", "PLAIN", "--auth-user", LOGIN, "--auth-password", "x", code=28)
    assert "530 5.7.0" in ran(*words, "--tls", code=23)
    assert guest("nobody") not in {str(each["To"]) for each in relay.outbox()}


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("npm")
    words = ("npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts", NODEMAILER)
    done = subprocess.run(words, capture_output=True, timeout=120, cwd=folder)
    assert done.returncode == 0, done.stderr.decode()
    return folder / "node_modules"


MAILER = """
const [port, ca, user, pass, from, letters] = JSON.parse(process.argv[1]);
const tls = { ca: require("fs").readFileSync(ca), minVersion: "TLSv1.2" };
const way = require("nodemailer").createTransport({
  host: "localhost", port, requireTLS: true, tls, auth: { user, pass }, pool: true, maxConnections: 2,
});
const one = ([to, headers]) => way.sendMail({
  from, to, headers, subject: "Inköp utan kalkylark", text: "An offer of purchasing software.\\n.\\n..\\nGrüße\\n",
  html: "<html><body><p>An offer of purchasing software.</p></body></html>",
  attachments: [{ filename: "prices.bin", content: Buffer.alloc(300000, 7) },
    { filename: "röd.txt", content: "röd\\n" }],
});
way.verify().then(() => Promise.all(letters.map(one)))
  .then((told) => { console.log(told.map((each) => each.response).join("\\n")); way.close(); })
  .catch((fault) => { console.error(fault); process.exit(1); });
"""


@pytest.mark.needs("node", "npm")
def test_nodemailer(relay: RelayHouse, node_modules: Path) -> None:
    """TLS, login, a pool of connections, attachments."""
    letters = [(guest("nodemailer"), {**TRANSACTIONAL}), (buyer("nodemailer"), {**ADVERTISING})]
    given = json.dumps([relay.smtp, str(relay.certificate), LOGIN, SECRET, FROM, letters])
    told = ran("node", "-e", MAILER, given, env={"NODE_PATH": str(node_modules)})
    assert told.count("250 2.0.0 queued as") == 2
    arrived(relay, transactional=guest("nodemailer"), advertising=buyer("nodemailer"))
    for mail in relay.sent(guest("nodemailer"), buyer("nodemailer")):
        assert mail["Subject"] == "Inköp utan kalkylark"
        files = {each.get_filename(): each.get_content() for each in mail.iter_attachments()}
        assert files == {"prices.bin": b"\x07" * 300_000, "röd.txt": "röd\n"}


def test_smtplib(relay: RelayHouse) -> None:
    context = ssl.create_default_context(cafile=str(relay.certificate))
    with smtplib.SMTP("localhost", relay.smtp, timeout=SECONDS) as client:
        client.starttls(context=context)
        client.login(LOGIN, SECRET)
        people = [guest("smtplib"), guest("smtplibb")]
        refused = client.sendmail(
            SENDER, people, letter(guest("smtplib"), TRANSACTIONAL),
            ["BODY=8BITMIME", "RET=HDRS", "ENVID=42"], ["NOTIFY=NEVER"],
        )  # fmt: skip
        assert refused == {}
        client.sendmail(SENDER, buyer("smtplib"), letter(buyer("smtplib"), ADVERTISING), ["BODY=8BITMIME"])
        assert client.verify(SENDER)[0] == 252
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail(SENDER, "nobody", letter(guest("nobody"), TRANSACTIONAL))
    relay.sent(*people)
    arrived(relay, transactional=guest("smtplib"), advertising=buyer("smtplib"))


def test_smtplib_with_tls_from_the_first_octet(relay: RelayHouse) -> None:
    context = ssl.create_default_context(cafile=str(relay.certificate))
    with smtplib.SMTP_SSL("localhost", relay.smtps, timeout=SECONDS, context=context) as client:
        client.login(LOGIN, SECRET)
        client.sendmail(SENDER, guest("smtps"), letter(guest("smtps"), TRANSACTIONAL, attached=bytes(2_000_000)))
        client.sendmail(SENDER, buyer("smtps"), letter(buyer("smtps"), ADVERTISING, attached=bytes(2_000_000)))
    arrived(relay, transactional=guest("smtps"), advertising=buyer("smtps"))
    for mail in relay.sent(guest("smtps"), buyer("smtps")):
        assert [each.get_content() for each in mail.iter_attachments()] == [bytes(2_000_000)]


async def test_aiosmtplib(relay: RelayHouse) -> None:
    context = ssl.create_default_context(cafile=str(relay.certificate))
    client = aiosmtplib.SMTP(
        hostname="localhost", port=relay.smtp, start_tls=True, tls_context=context, timeout=SECONDS
    )
    async with client:
        await client.login(LOGIN, SECRET)
        for to, asked in ((guest("aiosmtplib"), TRANSACTIONAL), (buyer("aiosmtplib"), ADVERTISING)):
            _, told = await client.sendmail(SENDER, to, letter(to, asked), mail_options=["BODY=8BITMIME"])
            assert told.startswith("2.0.0 queued as")
    await asyncio.to_thread(arrived, relay, transactional=guest("aiosmtplib"), advertising=buyer("aiosmtplib"))


@pytest.mark.needs("curl")
@pytest.mark.parametrize("name", ["curl", "curls"])
def test_curl(relay: RelayHouse, tmp_path: Path, name: str) -> None:
    """STARTTLS that it insists on, and TLS from the first octet."""
    url = f"smtp://localhost:{relay.smtp}" if name == "curl" else f"smtps://localhost:{relay.smtps}"
    for to, asked in ((guest(name), TRANSACTIONAL), (buyer(name), ADVERTISING)):
        file = tmp_path / f"{to}.eml"
        file.write_bytes(letter(to, asked))
        ran(
            "curl", "-sS", "-m", str(SECONDS), "--url", url, "--ssl-reqd", "--cacert", relay.certificate, "--user",
            f"{LOGIN}:{SECRET}", "--mail-from", SENDER, "--mail-rcpt", to, "--upload-file", file,
        )  # fmt: skip
    arrived(relay, transactional=guest(name), advertising=buyer(name))


@pytest.mark.needs("curl")
def test_curl_by_http(relay: RelayHouse, tmp_path: Path) -> None:
    words = ("curl", "-sS", "-m", str(SECONDS), "--fail-with-body", "-u", f"{LOGIN}:{SECRET}")
    body = {"from": FROM, "subject": "Purchasing", "text": "An offer of purchasing software.\n.\n..\n"}
    order = {**body, "to": guest("httpjson"), "stream": "transactional"}
    (tmp_path / "order.json").write_text(json.dumps(order))
    (tmp_path / "offer.eml").write_bytes(letter(buyer("httpjson"), ADVERTISING))
    assert '"id"' in ran(*words, "--json", f"@{tmp_path}/order.json", relay.http)
    raw = ("-H", "Content-Type: message/rfc822", "--data-binary", f"@{tmp_path}/offer.eml")
    assert '"id"' in ran(*words, *raw, relay.http)
    arrived(relay, transactional=guest("httpjson"), advertising=buyer("httpjson"))


@pytest.mark.needs("msmtp")
def test_msmtp(relay: RelayHouse, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    words = (
        "msmtp", "--file=/dev/null", "--host=localhost", f"--port={relay.smtp}", "--tls=on", "--tls-starttls=on",
        f"--tls-trust-file={relay.certificate}", "--auth=on", f"--user={LOGIN}", f"--from={SENDER}",
        f"--passwordeval=cat {tmp_path / 'secret'}",
    )  # fmt: skip
    for to, asked in ((guest("msmtp"), TRANSACTIONAL), (buyer("msmtp"), ADVERTISING)):
        ran(*words, "--", to, given=unix(letter(to, asked)))
    arrived(relay, transactional=guest("msmtp"), advertising=buyer("msmtp"))


@pytest.mark.needs("smtp-source")
def test_twenty_sessions_of_smtp_source_at_once(house: Path, tmp_path: Path) -> None:
    """It cannot log in, so it comes from a listed network, which may advertise here."""
    (tmp_path / "offer.eml").write_bytes(unix(letter(buyer("crowd"), ADVERTISING)))
    (tmp_path / "order.eml").write_bytes(unix(letter(guest("source"), TRANSACTIONAL)))
    env = {
        "PENSTOCK__RELAY__NETWORKS": '["127.0.0.0/8"]',
        "PENSTOCK__RELAY__STREAMS": '["transactional", "prospecting"]',
    }
    with serving(house, env) as here:
        before = len(here.outbox())
        words = ("smtp-source", "-s", str(SESSIONS), "-m", "200", "-f", SENDER, "-N")
        place = f"inet:127.0.0.1:{here.smtp}"
        ran(*words, "-t", guest("source"), "-F", tmp_path / "order.eml", place)
        offers = ("smtp-source", "-s", str(SESSIONS), "-m", str(SESSIONS), "-f", SENDER, "-N")
        ran(*offers, "-t", "head@crowd-maskin.example", "-F", tmp_path / "offer.eml", place)
        crowd = [f"{number}head@crowd-maskin.example" for number in range(1, SESSIONS + 1)]
        orders = here.sent(*(f"{number}{guest('source')}" for number in range(1, 201)))
        assert all("Storgatan" not in plain(each) for each in orders)
        assert all("Storgatan 1" in plain(each) for each in here.sent(*crowd))
        assert len(here.outbox()) == before + 200 + SESSIONS


MASTER = """
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 1 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
smtp unix - - n - - smtp
relay unix - - n - - smtp
scache unix - - n - 1 scache
"""


@contextmanager
def postfix(relay: RelayHouse) -> Iterator[Path]:
    """A Postfix of the test's own that hands everything to the relay; answers its folder of settings.

    Its daemons give up their rights, so no folder above theirs may be closed to others as pytest's are.
    """
    with tempfile.TemporaryDirectory(prefix="penstock-postfix-") as name:
        top = Path(name)
        top.chmod(0o755)
        settings, queue, data = top / "settings", top / "queue", top / "data"
        for each in (settings, queue, data):
            each.mkdir()
        shutil.chown(data, "postfix")
        (settings / "secrets").write_text(f"[localhost]:{relay.smtp} {LOGIN}:{SECRET}\n")
        (settings / "master.cf").write_text(MASTER)
        (settings / "main.cf").write_text(
            f"compatibility_level = 3.6\nqueue_directory = {queue}\ndata_directory = {data}\n"
            f"maillog_file = {top}/log\nmaillog_file_prefixes = {top}\ninet_interfaces = loopback-only\n"
            f"inet_protocols = ipv4\nmyhostname = crm.nordlicht.example\nmydestination =\nmynetworks = 127.0.0.0/8\n"
            f"relayhost = [localhost]:{relay.smtp}\nsmtp_host_lookup = native\nsmtp_dns_support_level = disabled\n"
            f"smtp_sasl_auth_enable = yes\nsmtp_sasl_security_options = noanonymous\n"
            f"smtp_sasl_password_maps = texthash:{settings}/secrets\nsmtp_tls_security_level = secure\n"
            f"smtp_tls_secure_cert_match = nexthop\nsmtp_tls_CAfile = {relay.certificate}\nalias_maps =\n"
        )
        ran("/usr/sbin/postfix", "-c", settings, "check")  # makes the folders of the queue
        daemons = ran("/usr/sbin/postconf", "-c", settings, "-h", "daemon_directory").strip()
        process = subprocess.Popen(
            [f"{daemons}/master", "-c", str(settings), "-s"], start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
        try:
            yield settings
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS)


@pytest.mark.needs("postfix")
def test_postfix_hands_on_by_its_relayhost(relay: RelayHouse) -> None:
    with postfix(relay) as settings:
        hand_in = ("/usr/sbin/sendmail", "-C", settings, "-f", SENDER, "-i", "--")
        people = [guest(f"postfix{number}") for number in range(5)]
        ran(*hand_in, *people, given=unix(letter(people[0], TRANSACTIONAL)))
        ran(*hand_in, buyer("postfix"), buyer("postfixb"),
            given=unix(letter(buyer("postfix"), ADVERTISING)))  # fmt: skip
        relay.sent(*people, buyer("postfixb"))
        arrived(relay, transactional=people[0], advertising=buyer("postfix"))
