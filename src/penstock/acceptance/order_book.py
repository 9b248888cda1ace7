"""What waits at the one place where mails come in, and in which portions it is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.ports import Receipt, Refusal, Submission

__all__ = ["Order", "OrderBook", "middle_of", "orders_of", "refused_calls"]

_AT_ONCE = 500
_OCTETS_AT_ONCE = 32 << 20


@dataclass(frozen=True, slots=True)
class Order:
    """One submission that waits for its answer. `call`: what hangs together with it has the same number; 0: nothing."""

    submission: Submission
    answer: asyncio.Future[Receipt | Refusal]
    call: int = 0


def orders_of(submissions: Sequence[Submission], call: int) -> list[Order]:
    """The orders of one call. `call` is a number that no other has, from 1 on."""
    loop = asyncio.get_running_loop()
    return [Order(each, loop.create_future(), call if each.together else 0) for each in submissions]


class OrderBook:
    """Orders in the order of their coming."""

    def __init__(self) -> None:
        self._waiting: list[Order] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, orders: Sequence[Order]) -> None:
        """What hangs together has to come together."""
        self._waiting += orders

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


def middle_of(orders: Sequence[Order]) -> int:
    """The place nearest to the middle at which they may be cut in two; 0 where they hang together."""
    cuts = [
        place
        for place in range(1, len(orders))
        if not orders[place].call or orders[place].call != orders[place - 1].call
    ]
    return min(cuts, key=lambda place: abs(2 * place - len(orders)), default=0)


def refused_calls(orders: Sequence[Order], answers: Sequence[object]) -> Mapping[int, Refusal]:
    """By call: the first refusal of what hangs together, which stands against all of it."""
    found: dict[int, Refusal] = {}
    for order, answer in zip(orders, answers, strict=True):
        if order.call and isinstance(answer, Refusal):
            found.setdefault(order.call, answer)
    return found
