"""What clients of the relay hand in: all mails of one submission are saved with their tickets, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import apsw
import orjson

from penstock.store.campaigns import Campaigns
from penstock.store.placing import NewMail, Placed, PlacingSql, place_mails

__all__ = ["Handed", "hand_in"]

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Handed:
    """The mails of one submission. Under a `key` of its client a submission counts once; `request` is the SHA-256 of
    all that it said.
    """

    mails: Sequence[NewMail]
    client: str
    key: str = ""
    request: bytes = b""


def hand_in(
    connection: apsw.Connection, sql: PlacingSql, campaigns: Campaigns, handed: Sequence[Handed], at: int
) -> list[list[Placed] | None]:
    """One answer per submission, in order: what became of its mails; None where its key stands for something else.

    For a submission that came before under its key: `repeated`, for each mail of the first one.
    """
    keys = _known(connection, sql.mails, handed)
    answers: list[list[Placed] | None] = []
    fresh: list[int] = []
    for place, each in enumerate(handed):
        before = keys.get((each.client, each.key)) if each.key else None
        if before is None:
            fresh.append(place)
            answers.append([])
            if each.key:
                keys[each.client, each.key] = (each.request, [mail.id for mail in each.mails])
        else:
            request, ids = before
            same = request == each.request
            answers.append([Placed(id_, "repeated") for id_ in ids] if same else None)
    new = [mail for place in fresh for mail in handed[place].mails]
    placed = iter(place_mails(connection, sql, campaigns, new, at) if new else ())
    for place in fresh:
        answers[place] = [next(placed) for _ in handed[place].mails]
        _remember(connection, sql.mails, handed[place], at)
    return answers


def _known(
    connection: apsw.Connection, sql: Mapping[str, str], handed: Sequence[Handed]
) -> dict[_Key, tuple[bytes, list[str]]]:
    found: dict[_Key, tuple[bytes, list[str]]] = {}
    for each in handed:
        if each.key and (row := connection.execute(sql["key"], (each.client, each.key)).fetchone()) is not None:
            found[each.client, each.key] = (row[0], orjson.loads(row[1]))
    return found


def _remember(connection: apsw.Connection, sql: Mapping[str, str], handed: Handed, at: int) -> None:
    if handed.key:
        ids = orjson.dumps([mail.id for mail in handed.mails]).decode()
        connection.execute(sql["insert_key"], (handed.client, handed.key, handed.request, ids, at))
