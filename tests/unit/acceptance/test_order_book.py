"""What waits is taken in portions; what hangs together stays in one."""

from __future__ import annotations

from penstock.acceptance.order_book import OrderBook, middle_of, orders_of, refused_calls
from penstock.model.campaign import Stream
from penstock.ports import Client, Receipt, Recipient, Refusal, RefusalKind, Submission

CRM = Client("crm", frozenset({Stream.TRANSACTIONAL}))
NO = Refusal(RefusalKind.FORBIDDEN, "no")


def given(number: int, *, together: bool = False, people: int = 1, octets: int = 1) -> list[Submission]:
    recipients = (Recipient("anna@maskin.example"),) * people
    return [Submission(CRM, "", recipients, bytes(octets), together=together)] * number


async def test_a_portion_ends_with_five_hundred_mails_or_32_mib() -> None:
    book = OrderBook()
    book.add(orders_of(given(600), 1))
    book.add(orders_of(given(3, octets=20 << 20), 2))
    sizes = []
    while book:
        sizes.append(len(book.next()))
    assert sizes == [500, 101, 1, 1]


async def test_what_hangs_together_is_not_cut_and_nothing_else_grows() -> None:
    book, together = OrderBook(), orders_of(given(1_000, together=True), 2)
    book.add(orders_of(given(400), 1))
    book.add(together)
    book.add(orders_of(given(700, together=True), 3))
    book.add(orders_of(given(1), 4))
    assert len(book.next()) == 400
    assert book.next() == together
    assert [len(book.next()), len(book.next()), len(book)] == [700, 1, 0]


async def test_orders_are_cut_near_their_middle_but_not_through_what_hangs_together() -> None:
    singles, together = orders_of(given(6), 1), orders_of(given(6, together=True), 2)
    assert middle_of(singles) == 3
    assert middle_of([*singles[:1], *together, *singles[1:3]]) == 7
    assert middle_of([*together, *orders_of(given(6, together=True), 3)]) == 6
    assert [middle_of(together), middle_of(singles[:1]), middle_of([])] == [0, 0, 0]


async def test_a_refusal_stands_against_its_own_call() -> None:
    first, second = orders_of(given(2, together=True), 1), orders_of(given(2, together=True), 2)
    third = orders_of(given(1), 3)
    taken = Receipt((), Stream.TRANSACTIONAL)
    found = refused_calls([*first, *second, *third], [taken, NO, None, taken, NO])
    assert found == {1: NO}
