"""How many mails began on a day (UTC), for the daily ceiling: one number, counted where mails begin and end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import apsw

__all__ = ["begun_on", "count_begun"]

_NAME = "begun:today"


def begun_on(connection: apsw.Connection, meta: Mapping[str, str], now: datetime) -> int:
    """The mails that began on the day of `now`."""
    day, count = _kept(connection, meta)
    return count if day >= _day(now) else 0  # a clock that is behind opens no new day


def count_begun(connection: apsw.Connection, meta: Mapping[str, str], now: datetime, number: int) -> None:
    """Add `number` to the day of `now`; a negative one gives back what did not leave."""
    if number:
        count = max(0, begun_on(connection, meta, now) + number)
        day = max(_day(now), _kept(connection, meta)[0])
        connection.execute(meta["put"], (_NAME, f"{day} {count}"))


def _kept(connection: apsw.Connection, meta: Mapping[str, str]) -> tuple[str, int]:
    day, _, count = str(connection.execute(meta["get"], (_NAME,)).get or "").partition(" ")
    return day, int(count or 0)


def _day(now: datetime) -> str:
    return f"{now.astimezone(UTC):%Y-%m-%d}"
