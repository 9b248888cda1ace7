"""A client is told of so many verdicts at once, and of none beyond."""

from __future__ import annotations

from datetime import timedelta

from penstock.acceptance.refusal_limit import RefusalLimit
from penstock.model.campaign import Stream
from penstock.model.window import Window
from penstock.ports import Client, Refusal, RefusalKind

CRM = Client("crm", frozenset({Stream.TRANSACTIONAL}))
DEAD = Refusal(RefusalKind.BLOCKED, "no", "HARD_BOUNCED")


def kinds(limit: RefusalLimit, number: int, now: float, client: Client = CRM) -> list[RefusalKind]:
    return [limit.told(client, DEAD, now).kind for _ in range(number)]


def test_all_of_the_window_may_be_told_at_once_and_comes_back_with_time() -> None:
    limit = RefusalLimit(Window(3, timedelta(minutes=1)))
    told, later = RefusalKind.BLOCKED, RefusalKind.LATER
    assert kinds(limit, 5, 100.0) == [told, told, told, later, later]
    assert kinds(limit, 1, 119.0) == [later]
    assert kinds(limit, 2, 120.5) == [told, later]
    assert kinds(limit, 4, 10_000.0) == [told, told, told, later]


def test_while_it_is_used_up_nothing_is_judged_and_other_clients_notice_nothing() -> None:
    limit = RefusalLimit(Window(1, timedelta(seconds=10)))
    assert limit.spent(CRM, 5.0) is None
    assert limit.spent(CRM, 5.0) is None
    kinds(limit, 1, 5.0)
    found = limit.spent(CRM, 5.0)
    assert found is not None
    assert (found.kind, found.code) == (RefusalKind.LATER, "")
    assert limit.spent(Client("shop", CRM.streams), 5.0) is None
    assert limit.spent(CRM, 15.5) is None


def test_what_says_nothing_of_a_person_is_not_counted() -> None:
    limit = RefusalLimit(Window(1, timedelta(seconds=10)))
    own = Refusal(RefusalKind.BLOCKED, "there is one", "DUPLICATE")
    wrong = Refusal(RefusalKind.INVALID, "no address", "INVALID_ADDRESS")
    assert [limit.told(CRM, each, 1.0) for each in (own, wrong, own, wrong)] == [own, wrong, own, wrong]
    assert kinds(limit, 2, 1.0) == [RefusalKind.BLOCKED, RefusalKind.LATER]
