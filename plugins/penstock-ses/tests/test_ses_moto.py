"""Against moto's server, with botocore's own clients on the other side."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import Session  # type: ignore[import-untyped]
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer
from moto.ses.models import ses_backends

from penstock.adapters.http import HttpAdapter
from penstock.model.outcome import Accepted, Failed
from penstock.ports import AdapterAddress
from penstock.testing import FakeClock
from penstock.testing.esp_contract import finished
from penstock_ses import adapter

REGION, KEY, SECRET = "eu-west-1", "AKIAEXAMPLE0000000000", "an/invented+secret"


@pytest.fixture
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()
        ses_backends[DEFAULT_ACCOUNT_ID][REGION].reset()


def client(service: str, url: str) -> Any:
    return Session().create_client(
        service, REGION, endpoint_url=url, aws_access_key_id=KEY, aws_secret_access_key=SECRET
    )


def way_to(url: str, **options: str) -> HttpAdapter:
    address = AdapterAddress(
        "main", REGION, FakeClock(), {"settings": "unread", **options}, lambda: KEY, lambda: SECRET, url
    )
    return adapter(address)


async def test_each_mail_is_counted_and_arrives_as_it_was_written(moto: str) -> None:
    ses = client("sesv2", moto)
    ses.create_email_identity(EmailIdentity="nordlicht.example")
    way = way_to(moto)
    outcomes = await way.deliver([finished(f"p{n}@firm{n}.example", text=f"Grüße {n}") for n in range(3)])
    await way.aclose()
    assert all(isinstance(each, Accepted) and each.receipt for each in outcomes)
    # moto counts the addresses in To once more.
    assert client("ses", moto).get_send_quota()["SentLast24Hours"] == 6.0
    arrived = {each.id: each for each in ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages}
    for number, outcome in enumerate(outcomes):
        assert isinstance(outcome, Accepted)
        found = arrived[outcome.receipt]
        assert set(found.destinations) == {f"p{number}@firm{number}.example"}
        message = email.message_from_string(found.raw_data, policy=email.policy.default)
        assert message["From"].addresses[0].addr_spec == "eva.berg@nordlicht.example"
        assert message["References"] == message["Message-ID"]
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        body = message.get_body(("plain",))
        assert body is not None
        assert body.get_content().strip() == f"Grüße {number}"


async def test_a_sender_that_moto_does_not_know_is_refused_and_not_named(moto: str) -> None:
    way = way_to(moto)
    (outcome,) = await way.deliver([finished("anna@firm.example")])
    await way.aclose()
    assert isinstance(outcome, Failed)
    assert "@" not in outcome.why
    assert ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages == []


async def test_botocores_own_client_sends_the_same_request(moto: str) -> None:
    """What botocore would sign and send itself is what moto gets from us: one more mail of the same kind."""
    ses = client("sesv2", moto)
    ses.create_email_identity(EmailIdentity="nordlicht.example")
    way = way_to(moto)
    mail = finished("anna@firm.example")
    await way.deliver([mail])
    await way.aclose()
    (ours,) = ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages
    ses.send_email(
        Destination={"ToAddresses": ["anna@firm.example"]}, Content={"Raw": {"Data": ours.raw_data.encode()}}
    )
    _, theirs = ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages
    assert (theirs.raw_data, theirs.source, theirs.destinations) == (ours.raw_data, ours.source, ours.destinations)
