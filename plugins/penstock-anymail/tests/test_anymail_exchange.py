from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
import requests
from anymail.exceptions import (  # type: ignore[import-untyped]
    AnymailAPIError,
    AnymailCancelSend,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailRequestsAPIError,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from anymail.message import AnymailRecipientStatus, AnymailStatus  # type: ignore[import-untyped]
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, ReadTimeoutError

from penstock.adapters.http import HttpAdapter, HttpResponse
from penstock.errors import AdapterUnavailable
from penstock.model.campaign import Stream
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.testing import FakeClock
from penstock.testing.esp_contract import finished
from penstock_anymail.deliver import Anymail
from penstock_anymail.exchange import AnymailExchange, AnymailRequest

MAIL = replace(finished("anna@firm.example"), stream=Stream.TRANSACTIONAL)
SECRET = "anna@firm.example is blocked"


class Scripted:
    """A backend that does as it is told, after its request left or before."""

    api_url = "https://esp.example/"

    def __init__(self, act: Callable[[Any], int], *, leaves: bool = True) -> None:
        self.begun = False
        self.closed = 0
        self._act = act
        self._leaves = leaves

    def open(self) -> bool:
        return True

    def close(self) -> None:
        self.closed += 1

    def send_messages(self, messages: list[Any]) -> int:
        self.begun = self._leaves
        return self._act(messages[0])


def raising(fault: BaseException, cause: BaseException | None = None) -> Callable[[Any], int]:
    def act(message: Any) -> int:
        raise fault from cause

    return act


def answered(status: int, **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code, response.raw = status, BytesIO(SECRET.encode())
    response.headers.update(headers)
    return response


def saying(*words: str | None, number: object = "id-1", content_type: str = "application/json") -> Callable[[Any], int]:
    """The backend read these words of the answer."""

    def act(message: Any) -> int:
        message.anymail_status = AnymailStatus()
        message.anymail_status.esp_response = answered(200, **{"Content-Type": content_type})
        message.anymail_status.set_recipient_status(
            {f"{n}@firm.example": AnymailRecipientStatus(number, word) for n, word in enumerate(words)}
        )
        if set(words) <= {"invalid", "rejected"}:
            raise AnymailRecipientsRefused(email_message=message, response=message.anymail_status.esp_response)
        return 1

    return act


async def delivered(act: Callable[[Any], int], *, leaves: bool = True) -> Outcome:
    exchange = AnymailExchange(lambda: Scripted(act, leaves=leaves))
    way = HttpAdapter("main", Anymail({}), exchange, FakeClock())
    (found,) = await way.deliver([MAIL])
    await way.aclose()
    assert "firm.example" not in repr(found)
    return found


def api_error(status: int, **headers: str) -> AnymailRequestsAPIError:
    return AnymailRequestsAPIError(SECRET, response=answered(status, **headers))


def lost(cause: Exception) -> tuple[BaseException, BaseException]:
    """As the base of backends wraps what `requests` raises: one exception of both kinds, without an answer."""
    both = type("AnymailRequestsAPIError", (AnymailRequestsAPIError, type(cause)), {})
    return both(SECRET), cause


def no_retries(reason: Exception) -> requests.ConnectionError:
    return requests.ConnectionError(MaxRetryError(None, "/send", reason))  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [401, 403, 302, 404, 405])
async def test_a_refused_key_or_a_wrong_address_burns_no_mail(status: int) -> None:
    with pytest.raises(AdapterUnavailable) as raised:
        await delivered(raising(api_error(status)))
    assert "@" not in str(raised.value)


@pytest.mark.parametrize("status", [429, 503])
async def test_too_much_at_once_comes_again_as_asked(status: int) -> None:
    found = await delivered(raising(api_error(status, **{"Retry-After": "7"})))
    assert isinstance(found, TryLater)
    assert found.after is not None
    assert found.after.total_seconds() == 7
    assert found.attempt_used


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_refused_mail_has_failed_without_the_words_of_the_esp(status: int) -> None:
    assert isinstance(await delivered(raising(api_error(status))), Failed)


@pytest.mark.parametrize("status", [200, 202, 408, 409, 425, 500, 502, 504])
async def test_an_answer_that_may_mean_yes_is_uncertain(status: int) -> None:
    assert isinstance(await delivered(raising(api_error(status))), Uncertain)


@pytest.mark.parametrize(
    "fault", [AnymailUnsupportedFeature(SECRET), AnymailSerializationError(SECRET), AnymailInvalidAddress(SECRET)]
)
async def test_what_stops_before_the_request_has_failed(fault: Exception) -> None:
    assert isinstance(await delivered(raising(fault), leaves=False), Failed)


@pytest.mark.parametrize("fault", [AnymailUnsupportedFeature(SECRET), AnymailSerializationError(SECRET)])
async def test_what_anymail_cannot_express_has_failed_wherever_it_says_so(fault: Exception) -> None:
    assert isinstance(await delivered(raising(fault)), Failed)


@pytest.mark.parametrize("fault", [RuntimeError(SECRET), AnymailAPIError(SECRET), ValueError(SECRET), OSError(SECRET)])
async def test_anything_else_after_the_request_is_uncertain(fault: Exception) -> None:
    assert isinstance(await delivered(raising(fault)), Uncertain)


@pytest.mark.parametrize(
    "reason",
    [
        NewConnectionError(None, "refused"),  # type: ignore[arg-type]
        ConnectTimeoutError(None, "late"),
        ssl.SSLCertVerificationError("self-signed"),
    ],
)
async def test_without_a_connection_nothing_is_used_up(reason: Exception) -> None:
    if isinstance(reason, ssl.SSLError):
        reason = type("SSLError", (Exception,), {})(reason)  # urllib3 keeps Python's own in its first argument
    with pytest.raises(AdapterUnavailable, match="no request left"):
        await delivered(raising(*lost(no_retries(reason))))


@pytest.mark.parametrize(
    "cause",
    [
        requests.ConnectionError("closed while the answer came"),
        requests.ReadTimeout(),
        requests.exceptions.ChunkedEncodingError(),
        no_retries(ReadTimeoutError(None, "/send", "late")),  # type: ignore[arg-type]
        no_retries(type("SSLError", (Exception,), {})(ssl.SSLError("bad record"))),
    ],
)
async def test_a_connection_that_broke_leaves_a_doubt(cause: Exception) -> None:
    assert isinstance(await delivered(raising(*lost(cause))), Uncertain)


async def test_a_redirect_is_not_followed() -> None:
    elsewhere = requests.TooManyRedirects(response=answered(307))
    with pytest.raises(AdapterUnavailable, match="not the address"):
        await delivered(raising(*lost(elsewhere)))


@pytest.mark.parametrize("words", [("sent",), ("queued",), ("sent", "queued")])
async def test_sent_and_queued_are_accepted(words: tuple[str, ...]) -> None:
    assert await delivered(saying(*words)) == Accepted("id-1", "main")


@pytest.mark.parametrize("words", [("invalid",), ("rejected",)])
async def test_a_refused_recipient_has_failed(words: tuple[str, ...]) -> None:
    assert isinstance(await delivered(saying(*words)), Failed)


@pytest.mark.parametrize("words", [("failed",), ("unknown",), (None,), (), ("sent", "failed"), ("sent", "rejected")])
async def test_words_that_leave_it_open_are_uncertain(words: tuple[str | None, ...]) -> None:
    assert isinstance(await delivered(saying(*words)), Uncertain)


async def test_a_page_for_people_is_no_yes() -> None:
    assert isinstance(await delivered(saying("queued", content_type="text/html; charset=utf-8")), Uncertain)


@pytest.mark.parametrize(
    ("number", "expected"),
    [("<2026.7@mail.esp.example>", "2026.7"), (4711, "4711"), (None, ""), ("a b", ""), ("anna@firm.example", "")],
)
async def test_a_receipt_is_the_esps_id_and_never_an_address(number: object, expected: str) -> None:
    assert await delivered(saying("sent", number=number)) == Accepted(expected, "main")


async def test_a_mail_that_this_process_cancels_has_failed() -> None:
    assert isinstance(await delivered(lambda message: 0, leaves=False), Failed)
    assert isinstance(await delivered(raising(AnymailCancelSend()), leaves=False), Failed)


async def test_a_backend_serves_one_thread_at_a_time_and_is_kept() -> None:
    """Three mails on two places: at most two backends, closed in the end, none used by two threads at once."""
    backends: list[Scripted] = []
    both = threading.Barrier(2, timeout=5)

    def make() -> Scripted:
        lock = threading.Lock()

        def act(message: Any) -> int:
            assert lock.acquire(blocking=False)
            if message.body != "last":
                both.wait()
            lock.release()
            return saying("sent")(message)

        backends.append(Scripted(act))
        return backends[-1]

    exchange = AnymailExchange(make)
    way = HttpAdapter("main", Anymail({}), exchange, FakeClock(), connections=2)
    mails = [
        replace(finished(f"{n}@firm.example", text=n), stream=Stream.TRANSACTIONAL) for n in ("one", "two", "last")
    ]
    assert all(isinstance(found, Accepted) for found in await way.deliver(mails))
    await way.aclose()
    assert [each.closed for each in backends] == [1, 1]


async def test_a_backend_that_was_given_up_is_not_used_again() -> None:
    """Its thread may still be in the middle of a request."""
    backends: list[Scripted] = []
    inside, go = threading.Event(), threading.Event()

    def make() -> Scripted:
        def act(message: Any) -> int:
            inside.set()
            assert go.wait(5)
            return saying("sent")(message)

        backends.append(Scripted(act))
        return backends[-1]

    exchange = AnymailExchange(make)
    request = AnymailRequest("", b"", {}, message=type("Message", (), {})())
    task = asyncio.create_task(exchange.send(request))
    await asyncio.to_thread(inside.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    answer = await exchange.send(request)
    assert isinstance(answer, HttpResponse)
    assert json.loads(answer.body) == {"status": ["sent"], "id": "id-1"}
    assert len(backends) == 2
    await exchange.aclose()
