"""What waits at the one place where mails come in, and in which portions it is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.ports import Receipt, Refusal, Submission

__all__ = ["Order", "OrderBook", "refused_calls"]

_AT_ONCE = 500
_OCTETS_AT_ONCE = 32 << 20


@dataclass(frozen=True, slots=True)
class Order:
    """One submission that waits for its answer. `call`: what hangs together with it has the same number; 0: nothing."""

    submission: Submission
    answer: asyncio.Future[Receipt | Refusal]
    call: int = 0


class OrderBook:
    """Orders in the order of their coming."""

    def __init__(self) -> None:
        self._waiting: list[Order] = []
        self._calls = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, submissions: Sequence[Submission]) -> list[Order]:
        """The orders of one call."""
        loop = asyncio.get_running_loop()
        self._calls += 1
        orders = [Order(each, loop.create_future(), self._calls if each.together else 0) for each in submissions]
        self._waiting += orders
        return orders

    def next(self) -> list[Order]:
        """As many as fit into one batch; at least one, and never a part of what hangs together."""
        mails = octets = cut = last = 0
        for place, order in enumerate(self._waiting):
            mails += len(order.submission.recipients)
            octets += len(order.submission.data)
            if not order.call or order.call != last:
                cut = place
            last = order.call
            if cut and (mails > _AT_ONCE or octets > _OCTETS_AT_ONCE):
                orders, self._waiting = self._waiting[:cut], self._waiting[cut:]
                return orders
        orders, self._waiting = self._waiting, []
        return orders


def refused_calls(orders: Sequence[Order], answers: Sequence[Receipt | Refusal | None]) -> Mapping[int, Refusal]:
    """By call: the first refusal of what hangs together, which stands against all of it."""
    found: dict[int, Refusal] = {}
    for order, answer in zip(orders, answers, strict=True):
        if order.call and isinstance(answer, Refusal):
            found.setdefault(order.call, answer)
    return found
