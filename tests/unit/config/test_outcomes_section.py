"""`[[outcomes]]` as the config file writes it."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.config.settings import load_settings
from penstock.errors import ConfigError
from penstock.model.campaign import Stream
from penstock.model.outcome_event import OutcomeKind

CRM = {"name": "crm", "url": "https://crm.example/hook?tenant=7", "key": "env:KEY"}


def loaded(*receivers: dict[str, Any]) -> Any:
    return load_settings({"outcomes": list(receivers)}, {"KEY": "a secret of its own"}).outcomes


def test_a_receiver_is_told_of_all_from_now_on() -> None:
    (crm,) = loaded(CRM)
    assert (crm.kinds, crm.streams, crm.history) == ((), (), False)
    assert crm.key.reveal() == "a secret of its own"
    assert "a secret" not in repr(crm)


def test_it_may_want_some_only() -> None:
    (crm,) = loaded({**CRM, "kinds": ["held", "opted_out"], "streams": ["newsletter"]})
    assert crm.kinds == (OutcomeKind.HELD, OutcomeKind.OPTED_OUT)
    assert crm.streams == (Stream.NEWSLETTER,)


def test_two_receivers_have_two_names() -> None:
    assert len(loaded(CRM, {**CRM, "name": "other"})) == 2
    with pytest.raises(ConfigError, match="same name"):
        loaded(CRM, CRM)


@pytest.mark.parametrize(
    "url", ["https://crm.example/hook", "http://127.0.0.1:8000/x", "http://[::1]/", "http://localhost"]
)
def test_an_address_is_https_or_this_machine(url: str) -> None:
    (crm,) = loaded({**CRM, "url": url})
    assert crm.url == url


@pytest.mark.parametrize(
    "url",
    ["", "crm.example", "http://crm.example/", "http://192.0.2.1/", "https:///x", "https://eva:word@crm.example/",
     "https://crm.example/#here", "https://[::1", "https://crm.example:port/", "ftp://crm.example/"],
)  # fmt: skip
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="https"):
        loaded({**CRM, "url": url})


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'opted_out'"):
        loaded({**CRM, "kinds": ["optedout"]})
