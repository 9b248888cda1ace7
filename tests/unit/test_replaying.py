"""Decisions made again from the record: the same while the rules are the same, and honest where they are not."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import apsw
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import penstock
from penstock.clock import SystemClock
from penstock.config.settings import load_settings
from penstock.demo.sample import MOMENT
from penstock.gate import Gate
from penstock.replaying import Answer, Replay, Replayer
from penstock.store.ledger_rows import LedgerRow

Row = dict[str, Any]
Person = Callable[..., Row]
Open = Callable[..., AbstractAsyncContextManager[Gate]]

LISTS = {"suppression", "schedule", "external_register", "silent_adapter", "over_solicited"}


async def replays(gate: Gate) -> list[tuple[LedgerRow, Replay]]:
    """Every decision on record, with the answer of its replay."""
    replayer = Replayer(gate.house)
    answers = [(row, await replayer.replay(row)) for row in await gate.house.store.ledger.rows(0, 999)]
    return [(row, replay) for row, replay in answers if replay is not None]


async def only(gate: Gate) -> Replay:
    ((_, replay),) = await replays(gate)
    return replay


async def test_a_mail_that_went_would_go_again(campaign: Path, opened: Open, person: Person) -> None:
    async with opened() as gate:
        await gate.send(campaign, [person("anna")], wait=0)
        ((row, replay),) = await replays(gate)
    assert (row.kind, row.body["basis"], row.body["policy"]) == ("begin", "legitimate_interest", "2026-11")
    assert (replay.answer, replay.verdict, replay.codes, replay.differences) == (Answer.SAME, "send", (), ())
    assert {"address", "legal_basis", "provenance", "freshness", "relevance", "duplicate"} <= set(replay.replayed)
    assert set(replay.as_recorded) == {*LISTS, "rate_limit", "verify"}
    assert replay.changed == ()


async def test_a_mail_that_was_stopped_is_stopped_again_for_all_its_reasons(
    campaign: Path, opened: Open, person: Person
) -> None:
    rows = [person("anna", born="2015-01-01", verified_at="2020-01-01", reason="")]
    async with opened() as gate:
        await gate.send(campaign, rows, wait=0)
        ((row, replay),) = await replays(gate)
    assert row.kind == "decision"
    assert {"MINOR", "UNVERIFIED", "REASON_MISSING"} <= set(row.body["codes"])
    assert (replay.answer, list(replay.codes)) == (Answer.SAME, row.body["codes"])


async def test_the_clock_stands_at_the_time_of_the_row(campaign: Path, opened: Open, person: Person) -> None:
    async with opened() as gate:
        await gate.send(campaign, [person("anna")], wait=0)
    async with opened(now=MOMENT + timedelta(days=2000)) as gate:
        assert (await only(gate)).answer is Answer.SAME


async def test_what_other_mails_of_the_batch_decided_is_taken_as_recorded(
    campaign: Path, opened: Open, person: Person
) -> None:
    firm = person("anna")["company"]
    rows = [person("anna", address=f"p{n}.berg@anna-maskin.example", company=firm) for n in range(7)]
    async with opened() as gate:
        await gate.send(campaign, rows, wait=0)
        found = await replays(gate)
    capped = [replay for row, replay in found if row.code == "FREQUENCY_CAP"]
    assert len(capped) == 2
    assert all(replay.answer is Answer.SAME and "frequency_cap" in replay.as_recorded for replay in capped)


async def test_touches_of_earlier_days_are_inputs_and_are_replayed(
    campaign: Path, opened: Open, person: Person
) -> None:
    other = campaign.with_name("other.toml")
    other.write_text(campaign.read_text(encoding="utf-8").replace("purchasing-2026", "other-2026"), encoding="utf-8")
    async with opened() as gate:
        await gate.send(campaign, [person("anna")], wait=0)
    async with opened(now=MOMENT + timedelta(days=1)) as gate:
        await gate.send(other, [person("anna")], wait=0)
        (_, replay) = (await replays(gate))[-1]
    assert (replay.answer, replay.codes) == (Answer.SAME, ("FREQUENCY_CAP",))
    assert "frequency_cap" in replay.replayed


async def test_what_an_operator_released_is_an_input(campaign: Path, opened: Open, person: Person) -> None:
    async with opened() as gate:
        await gate.send(campaign, [person("anna", verified_at="2025-01-01")], wait=0)
        (held,) = await replays(gate)
        assert held[0].code == "UNVERIFIED"
        await gate.house.store.mails.release([str(held[0].mail_id)], "called the switchboard")
        await gate.send(campaign, [], wait=0)
        found = await replays(gate)
    assert [(row.kind, row.body["verdict"]) for row, _ in found] == [("decision", "hold"), ("begin", "send")]
    assert all(replay.answer is Answer.SAME for _, replay in found)


async def test_other_settings_differ_and_say_so(campaign: Path, opened: Open, person: Person) -> None:
    async with opened() as gate:
        await gate.send(campaign, [person("anna")], wait=0)
    async with opened(POLICY__UNVERIFIED_AFTER_DAYS="3") as gate:
        replay = await only(gate)
    assert (replay.answer, replay.verdict, replay.codes) == (Answer.DIFFERS, "hold", ("UNVERIFIED",))
    (difference,) = replay.differences
    assert (difference.stage, difference.then, difference.now) == ("freshness", ("send",), ("hold UNVERIFIED",))
    assert replay.changed == ("settings of the policy or list of stages",)


async def test_another_table_of_law_differs_and_says_so(
    campaign: Path, house: Path, opened: Open, person: Person
) -> None:
    async with opened() as gate:
        await gate.send(campaign, [person("anna")], wait=0)
    with (files("penstock.law") / "data" / "jurisdictions.csv").open(encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)
    (sweden,) = (dict(zip(header, row, strict=True)) for row in rows if row[0] == "SE")
    (house / "policies").mkdir(exist_ok=True)
    with (house / "policies" / "own.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, header)
        writer.writeheader()
        writer.writerow({**sweden, "named": "in"})
    async with opened() as gate:
        replay = await only(gate)
    assert (replay.answer, replay.codes) == (Answer.DIFFERS, ("CONSENT_REQUIRED",))
    assert [each.stage for each in replay.differences] == ["legal_basis"]
    assert replay.changed == ("table of law",)


async def test_an_edited_campaign_is_told_and_replayed_in_its_old_form(
    campaign: Path, opened: Open, person: Person
) -> None:
    async with opened() as gate:
        await gate.send(campaign, [person("anna")], wait=0)
        text = campaign.read_text(encoding="utf-8")
        campaign.write_text(text.replace('"purchasing"', '"hr"'), encoding="utf-8")
        await gate.send(campaign, [person("bo")], wait=0)
        found = await replays(gate)
    assert [(replay.answer, replay.changed) for _, replay in found] == [
        (Answer.SAME, ("campaign (replayed in the form of that time)",)),
        (Answer.SAME, ()),
    ]


async def test_after_an_erasure_the_answer_says_so(campaign: Path, opened: Open, person: Person) -> None:
    async with opened() as gate:
        await gate.send(campaign, [person("anna"), person("bo", born="2015-01-01")], wait=0)
        found = await replays(gate)
        assert await gate.house.store.snapshots.erase([str(row.mail_id) for row, _ in found]) == 2
        assert [replay for _, replay in await replays(gate)] == [Replay(Answer.ERASED)] * 2
        assert (await gate.house.store.ledger.verify()).fault is None


async def test_inputs_that_were_changed_are_no_proof(campaign: Path, opened: Open, person: Person) -> None:
    def forge(connection: apsw.Connection) -> None:
        connection.execute("UPDATE snapshots SET record = CAST(replace(record, 'Anna', 'Emma') AS BLOB)")

    async with opened() as gate:
        await gate.send(campaign, [person("anna")], wait=0)
        await gate.house.store.database.write(forge)
        replay = await only(gate)
    assert (replay.answer, replay.why) == (
        Answer.UNUSABLE,
        "the kept inputs are not the ones that the row names",
    )


@pytest.mark.parametrize("lost", ["snapshot", "history"])
async def test_rows_of_an_earlier_version_kept_no_inputs(
    campaign: Path, opened: Open, person: Person, lost: str
) -> None:
    async with opened() as gate:
        await gate.send(campaign, [person("anna")], wait=0)
        ((row, _),) = await replays(gate)
        if lost == "snapshot":
            del row.body["snapshot"]
        else:
            values = await gate.house.store.snapshots.get(row.seq)
            assert values is not None
            row.body["snapshot"] = await _put(gate, row.seq, {k: v for k, v in values.items() if k != "history"})
        assert await Replayer(gate.house).replay(row) == Replay(Answer.NOT_KEPT)


async def _put(gate: Gate, seq: int, values: Row) -> str:
    octets = orjson.dumps(values)

    def job(connection: apsw.Connection) -> None:
        connection.execute("UPDATE snapshots SET record = ? WHERE seq = ?", (octets, seq))

    await gate.house.store.database.write(job)
    return hashlib.sha256(octets).hexdigest()


async def test_a_ready_made_message_is_replayed_by_its_recipient(opened: Open) -> None:
    message = (
        b"From: Eva <eva.berg@nordlicht.example>\r\nTo: anna@muster-werk.example\r\nSubject: Your invoice\r\n"
        b"Date: Mon, 23 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@nordlicht.example>\r\n\r\nHello\r\n"
    )
    async with opened() as gate:
        await gate.submit(message)
        await gate.house.worker().drain(wait=0.0, stop=gate.stop)
        ((row, replay),) = await replays(gate)
    assert (row.body["campaign"], row.body["basis"], row.body["provenance"]) == (None, None, None)
    assert (replay.answer, replay.verdict, replay.replayed) == (Answer.SAME, "send", ("address",))


async def test_what_is_no_decision_is_not_replayed(campaign: Path, opened: Open, person: Person) -> None:
    async with opened() as gate:
        await gate.send(campaign, [person("anna")], wait=0)
        *_, outcome = await gate.house.store.ledger.rows(0, 9)
        assert outcome.kind == "outcome"
        assert await Replayer(gate.house).replay(outcome) is None


def maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([*values, None])


days = st.sampled_from(["2026-11-01", "2026-11-23T08:59:59Z", "2026-05-27", "2023-11-23", "2019-02-28", "2027-01-01"])
changes = st.fixed_dictionaries(
    {},
    optional={
        "address": st.sampled_from(
            ["info@muster-{e}.example", "grüße@muster-{e}.example", "p{n}.{e}@gmail.com", "p@münchen-{n}.example",
             "postmaster@muster-{e}.example", "anna@muster-{e}.example", "Anna+x@muster-{e}.example", "broken"]
        ),
        "country": maybe("SE", "DE", "FR", "GB", "AT", "PT", "BR", "XK", "Sverige"),
        "workplace_country": maybe("SE", "DE"),
        "recipient_kind": maybe("named", "generic", "sole_trader", "private"),
        "function": maybe("purchasing", "hr"),
        "title": maybe("Head of Purchasing", "Einkaufsleiter", "Cook"),
        "born": maybe("2008-11-23", "2008-11-24", "1970-01-01", "2027-01-01"),
        "flags": st.lists(st.sampled_from(["minor", "special_category", "restricted"]), max_size=2),
        "verified_at": st.none() | days,
        "reason": maybe("your site shows a new plant", "hi"),
        "notice_given_at": st.none() | days,
        "last_contact_from_person_at": st.none() | days,
        "consents": st.lists(
            st.fixed_dictionaries(
                {"channel": st.just("email"), "controller": st.just("nordlicht"), "given_at": days},
                optional={"mechanism": st.sampled_from(["double_opt_in", "pre_ticked"]), "withdrawn_at": days,
                          "evidence": st.just("sha256:5e")}),
            max_size=2),
        "relationship": st.fixed_dictionaries({}, optional={"last_purchase_at": days, "similar_goods": st.booleans()}),
        "source": st.fixed_dictionaries(
            {}, optional={"method": maybe("own_site", "event", "web_form", "inferred", "supplier"),
                          "collected_at": days, "supplier": maybe("Muster Daten"), "visibility": maybe("public")}),
    },
)  # fmt: skip


class Settable(SystemClock):
    """Rule time as the test sets it."""

    at = MOMENT

    def now(self) -> datetime:
        return self.at


@dataclass
class Moving:
    """One open house for all examples, with what was looked at already."""

    gate: Gate
    clock: Settable
    examples: int = 0
    seen: int = 0


@pytest.fixture
async def moving(house: Path) -> AsyncIterator[Moving]:
    clock = Settable()
    async with penstock.open(load_settings(house / "config.toml", {}), clock=clock) as gate:
        yield Moving(gate, clock)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=st.lists(changes, min_size=1, max_size=12), later=st.integers(0, 400))
async def test_whoever_it_is_a_replay_right_after_deciding_is_the_same(
    moving: Moving, campaign: Path, person: Person, people: list[Row], later: int
) -> None:
    """Two campaigns: the second finds touches, notices and twins of the first."""
    second = campaign.with_name("second.toml")
    second.write_text(campaign.read_text(encoding="utf-8").replace("purchasing-2026", "second-2026"), encoding="utf-8")
    moving.examples += 1
    rows = [person(f"p{n}-{moving.examples}", **fields) for n, fields in enumerate(people)]
    for n, row in enumerate(rows):
        row["address"] = row["address"].format(n=n, e=moving.examples)
    replayer = Replayer(moving.gate.house)
    for path, days in ((campaign, 0), (second, later)):
        moving.clock.at = MOMENT + timedelta(days=days)
        await moving.gate.send(path, rows, wait=0)
        for decided in await moving.gate.house.store.ledger.rows(moving.seen, 999):
            replay = await replayer.replay(decided)
            assert replay is None or replay.answer is Answer.SAME, (decided.body, replay)
            moving.seen = decided.seq
