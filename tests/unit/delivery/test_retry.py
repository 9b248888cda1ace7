"""When a mail is tried again: mail servers by RFC 5321 section 4.5.4.1, ESPs within minutes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from penstock.delivery.retry import expired, in_time, last_try, next_try
from penstock.model.outcome import Failed, TryLater
from penstock.ports import Capabilities
from penstock.testing import FakeClock
from penstock.testing.samples import a_mail

NOW = FakeClock().now()
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(("schedule", "minutes"), [("smtp", [30, 60, 120, 240, 240]), ("esp", [1, 5, 15, 60, 60])])
def test_each_kind_of_next_hop_has_its_schedule(schedule: str, minutes: list[int]) -> None:
    waits = [next_try(TryLater("x"), tries, NOW, schedule) - NOW for tries in range(5)]  # type: ignore[arg-type]
    assert waits == [minute * MINUTE for minute in minutes]


def test_the_next_hop_may_say_when_and_a_closed_way_out_is_no_try() -> None:
    assert next_try(TryLater("x", after=2 * MINUTE), 3, NOW, "esp") == NOW + 2 * MINUTE
    assert next_try(TryLater("x", attempt_used=False), 3, NOW, "esp", MINUTE) == NOW + MINUTE


def test_a_mail_server_in_a_route_keeps_the_route_at_its_times() -> None:
    server, esp = Capabilities(), Capabilities(retry="esp")
    assert (server.shared(esp).retry, esp.shared(server).retry, esp.shared(esp).retry) == ("smtp", "smtp", "esp")


def test_no_try_comes_after_the_last_one_that_is_allowed() -> None:
    mail, later = a_mail(begun_at=NOW), TryLater("450 busy")
    assert in_time(mail, later, NOW, last=NOW + 30 * MINUTE) == (later, NOW + 30 * MINUTE)
    outcome, due = in_time(mail, later, NOW, last=NOW + 29 * MINUTE)
    assert isinstance(outcome, Failed)
    assert (outcome.status, due) == ("5.4.7", None)
    assert "450 busy" in outcome.why


def test_the_last_try_counts_from_the_time_of_saving() -> None:
    assert last_try(None, timedelta(days=5)) is None
    assert last_try(NOW.timestamp(), timedelta(days=5)) == NOW + timedelta(days=5)


def test_who_was_never_asked_has_refused_nothing_for_good() -> None:
    never, tried = expired(a_mail(), timedelta(hours=120)), expired(a_mail(attempts=2), timedelta(hours=120))
    assert (never.status, tried.status) == ("4.4.7", "5.4.7")
