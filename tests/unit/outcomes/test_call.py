"""The words and marks of a call with outcomes."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import ConfigError
from penstock.model.outcome_event import COLUMNS, OutcomeEvent, OutcomeKind, Place
from penstock.outcomes.call import read_key, signature, written

EVENT = OutcomeEvent(Place(7), "2026-11-20T08:00:00Z", OutcomeKind.SENT, mail_id="ab", address="anna@maskin.example")


def test_a_call_is_a_list_of_events_with_the_time_of_the_last() -> None:
    assert written([EVENT]) == (
        b'{"type":"outcomes","timestamp":"2026-11-20T08:00:00Z","data":{"events":[{"id":"000000000007-sent",'
        b'"at":"2026-11-20T08:00:00Z","kind":"sent","code":null,"mail_id":"ab","contact_id":null,"campaign":null,'
        b'"stream":null,"client":null,"address":"anna@maskin.example","entry":null}]}}'
    )


def test_a_call_is_signed_as_the_specification_shows() -> None:
    """The example of the libraries that Standard Webhooks publishes."""
    key = read_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "key")
    signed = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_event_has_the_columns_in_their_order() -> None:
    assert tuple(EVENT.record()) == COLUMNS


@given(st.binary(min_size=16, max_size=64))
def test_a_key_in_base64_is_its_octets(octets: bytes) -> None:
    assert read_key("whsec_" + base64.b64encode(octets).decode(), "key") == octets


@given(st.text(min_size=16).filter(lambda text: not text.startswith("whsec_")))
def test_any_other_text_is_taken_as_it_stands(text: str) -> None:
    assert read_key(text, "key") == text.encode()


@pytest.mark.parametrize("text", ["", "fifteen letters", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64 at all!!"])
def test_a_key_that_could_be_guessed_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_key(text, "outcomes.0.key")
    assert caught.value.where == "outcomes.0.key"
    assert not text or text not in str(caught.value)
