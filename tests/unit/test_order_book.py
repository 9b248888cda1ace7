"""What waits is taken in portions; what hangs together stays in one."""

from __future__ import annotations

from penstock.model.campaign import Stream
from penstock.order_book import OrderBook, refused_calls
from penstock.ports import Client, Receipt, Recipient, Refusal, RefusalKind, Submission

CRM = Client("crm", frozenset({Stream.TRANSACTIONAL}))
NO = Refusal(RefusalKind.FORBIDDEN, "no")


def given(number: int, *, together: bool = False, people: int = 1, octets: int = 1) -> list[Submission]:
    recipients = (Recipient("anna@maskin.example"),) * people
    return [Submission(CRM, "", recipients, bytes(octets), together=together)] * number


async def test_a_portion_ends_with_five_hundred_mails_or_32_mib() -> None:
    book = OrderBook()
    book.add(given(600))
    book.add(given(3, octets=20 << 20))
    sizes = []
    while book:
        sizes.append(len(book.next()))
    assert sizes == [500, 101, 1, 1]


async def test_what_hangs_together_is_not_cut_and_nothing_else_grows() -> None:
    book = OrderBook()
    book.add(given(400))
    together = book.add(given(1_000, together=True))
    book.add(given(700, together=True))
    book.add(given(1))
    assert len(book.next()) == 400
    assert book.next() == together
    assert [len(book.next()), len(book.next()), len(book)] == [700, 1, 0]


async def test_a_refusal_stands_against_its_own_call() -> None:
    book = OrderBook()
    first, second, third = book.add(given(2, together=True)), book.add(given(2, together=True)), book.add(given(1))
    taken = Receipt((), Stream.TRANSACTIONAL)
    found = refused_calls([*first, *second, *third], [taken, NO, None, taken, NO])
    assert found == {first[0].call: NO}
