from __future__ import annotations

from pathlib import Path

import pytest

from penstock.adapters.address import adapter_from_url
from penstock.adapters.loopback import is_loopback
from penstock.adapters.smtp import SmtpAdapter
from penstock.adapters.smtp_login import Auth
from penstock.adapters.smtp_url import SmtpAddress, Tls, Utf8, smtp_address
from penstock.errors import ConfigError
from penstock.testing.clocks import FakeClock


class Secret:
    def reveal(self) -> str:
        return "geheim"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("smtp://mail.example", SmtpAddress("mail.example", 587, Tls.STARTTLS)),
        ("smtp://eva@mail.example:25?tls=starttls", SmtpAddress("mail.example", 25, Tls.STARTTLS, "eva")),
        ("smtp://eva%40firm.example@mail.example", SmtpAddress("mail.example", 587, Tls.STARTTLS, "eva@firm.example")),
        ("smtps://mail.example", SmtpAddress("mail.example", 465, Tls.IMPLICIT)),
        ("smtp://mail.example?tls=implicit", SmtpAddress("mail.example", 465, Tls.IMPLICIT)),
        ("smtp://127.0.0.1:2525", SmtpAddress("127.0.0.1", 2525, Tls.NONE)),
        ("smtp://[::1]?tls=none", SmtpAddress("::1", 25, Tls.NONE)),
        ("smtp://localhost?tls=starttls", SmtpAddress("localhost", 587, Tls.STARTTLS)),
        (
            "smtp://eva@mail.example?connections=3&source=192.0.2.1&smtputf8=auto&auth=cram-md5&helo=out.example",
            SmtpAddress(
                "mail.example", 587, Tls.STARTTLS, "eva", Auth.CRAM_MD5, 3, "192.0.2.1", "out.example", Utf8.AUTO
            ),
        ),
    ],
)
def test_addresses_are_read(url: str, address: SmtpAddress) -> None:
    assert smtp_address(url, "adapters.main.url") == address


@pytest.mark.parametrize("url", ["smtp+gmail:eva@firm.example", "smtp+gmail://eva%40firm.example"])
def test_gmail_is_a_preset_with_its_daily_cap(url: str) -> None:
    address = smtp_address(url, "x")
    assert (address.host, address.port, address.tls) == ("smtp.gmail.com", 587, Tls.STARTTLS)
    assert (address.user, address.rates) == ("eva@firm.example", ("2000/d",))


def test_microsoft_365_is_a_preset_with_its_caps() -> None:
    address = smtp_address("smtp+m365://eva@firm.example?auth=xoauth2&client_id=abc&connections=2", "x")
    assert (address.place, address.tls) == ("smtp.office365.com:587", Tls.STARTTLS)
    assert (address.rates, address.connections) == (("10000/d", "30/min"), 2)
    assert (address.auth, address.client_id) == (Auth.XOAUTH2, "abc")
    assert address.token_endpoint.startswith("https://login.microsoftonline.com/")


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("smtp://", "no mail server"),
        ("smtp:mail.example", "no mail server"),
        ("smtp://mail.example/inbox", "no mail server"),
        ("smtp://ma il.example", "no mail server"),
        ("smtp://mail.example:99999", "cannot be read"),
        ("smtp://[::1", "cannot be read"),
        ("smtp://eva:hunter2@mail.example", "passwords in addresses"),
        ("smtp://mail.example?tls=none", "this machine only"),
        ("smtp://mail.example?tls=maybe", "expected starttls, implicit, none"),
        ("smtps://mail.example?tls=none", "means implicit"),
        ("smtp+gmail:eva@firm.example?tls=none", "starttls"),
        ("smtp+gmail:", "name the mailbox"),
        ("smtp+gmail:eva:hunter2", "name the mailbox"),
        ("smtp://mail.example?conections=3", "did you mean 'connections'"),
        ("smtp://mail.example?connections=0", "expected 1 to 200"),
        ("smtp://mail.example?connections=²", "expected 1 to 200"),
        ("smtp://mail.example?source=here", "IP address"),
        ("smtp://mail.example?helo=a%0d%0ab", "host name"),
        ("smtp://mail.example?auth=ntlm", "expected plain, login, cram-md5, xoauth2"),
    ],
)
def test_addresses_that_are_not_understood_are_refused_without_repeating_them(url: str, what: str) -> None:
    with pytest.raises(ConfigError) as caught:
        smtp_address(url, "adapters.main.url")
    assert what in str(caught.value)
    assert caught.value.where == "adapters.main.url"
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_this_machine_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["localhost.example", "192.0.2.1", "128.0.0.1", "", "0127.0.0.1"])
def test_other_machines_are_not_taken_for_it(host: str) -> None:
    assert not is_loopback(host)


def test_an_address_makes_the_adapter(tmp_path: Path) -> None:
    clock = FakeClock()
    adapter = adapter_from_url("main", "smtp+m365:eva@firm.example", tmp_path, clock, password=Secret())
    assert isinstance(adapter, SmtpAdapter)
    assert (adapter.name, adapter.rates) == ("main", ("10000/d", "30/min"))
    assert (adapter.capabilities.max_batch, adapter.capabilities.idempotent) == (50, False)
    assert not adapter.capabilities.smtputf8
    assert adapter_from_url("main", "smtp://127.0.0.1?smtputf8=yes", tmp_path, clock).capabilities.smtputf8


def test_user_and_password_come_together(tmp_path: Path) -> None:
    clock = FakeClock()
    with pytest.raises(ConfigError, match="no password"):
        adapter_from_url("main", "smtp://eva@mail.example", tmp_path, clock)
    with pytest.raises(ConfigError, match="without a user"):
        adapter_from_url("main", "smtp://mail.example", tmp_path, clock, password=Secret())
    with pytest.raises(ConfigError, match="client_id"):
        adapter_from_url("main", "smtp+gmail:eva@firm.example?auth=xoauth2", tmp_path, clock, password=Secret())
    url = "smtp+gmail:eva@firm.example?auth=xoauth2&client_id=abc"
    with pytest.raises(ConfigError, match="https"):
        adapter_from_url("main", url, tmp_path, clock, password=Secret(), endpoint="http://tokens.example/")


def test_events_that_nobody_would_hear_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nobody would hear them .*\[adapters.main.webhook\]"):
        adapter_from_url("main", "smtp://smtp.sendgrid.example?events=sendgrid", tmp_path, FakeClock())
    adapter = adapter_from_url(
        "main", "smtp://smtp.sendgrid.example?events=sendgrid", tmp_path, FakeClock(), marks=lambda _id: ()
    )
    assert isinstance(adapter, SmtpAdapter)
