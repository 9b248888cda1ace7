"""What people decide about a campaign, and what an approval is bound to; with a whole house, its outbox a folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import penstock
from penstock.assembly import new_mail
from penstock.campaign_desk import CampaignDesk
from penstock.demo.sample import MOMENT
from penstock.gate import Gate
from penstock.model.codes import Code
from penstock.model.verdict import decide
from penstock.testing import a_contact

Row = dict[str, Any]
Person = Callable[..., Row]
Open = Callable[..., AbstractAsyncContextManager[Gate]]

ID = "purchasing-2026"
FOUR_EYES = {"SAFETY__FOUR_EYES": "true"}


@pytest.fixture
def anna(person: Person) -> Row:
    return person("anna")


@pytest.fixture
def bo(person: Person) -> Row:
    return person("bo")


async def codes(gate: Gate, campaign: Path, *rows: Row) -> list[Code | None]:
    return [each.code for each in await gate.check(campaign, rows)]


async def approved(gate: Gate, campaign: Path, by: str = "A. Lind") -> int:
    desk = CampaignDesk(gate.house)
    await desk.offer(gate.campaign(campaign))
    done = await desk.approve(ID, by)
    return done.queued


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


CHANGES = {
    "template": ("campaigns/letters/purchasing.txt.j2", "Dear", "Hello"),
    "template of one language": ("campaigns/letters/purchasing.sv.txt.j2", "\n", "\n\n"),
    "audience": ("campaigns/purchasing.toml", "max = 500", "max = 501"),
    "caps": ("campaigns/purchasing.toml", '"5/30d"', '"6/30d"'),
    "assessment": ("campaigns/lia/purchasing.toml", "A. Lind", "B. Lind"),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_an_approval_is_bound_to_the_whole_campaign(
    house: Path, campaign: Path, opened: Open, anna: Row, what: str
) -> None:
    async with opened(**FOUR_EYES) as gate:
        assert await codes(gate, campaign, anna) == [Code.CAMPAIGN_PAUSED]
        await approved(gate, campaign)
        assert await codes(gate, campaign, anna) == [None]
        place, old, new = CHANGES[what]
        before = (house / place).read_text(encoding="utf-8")
        changed(house / place, old, new)
        assert await codes(gate, campaign, anna) == [Code.CAMPAIGN_PAUSED]
        (house / place).write_text(before, encoding="utf-8")
        assert await codes(gate, campaign, anna) == [None]  # what was signed off stays signed off


@pytest.mark.parametrize("environ", [{"POLICY__MINOR_UNDER": "16"}, {"STAGE": "stages"}])
async def test_an_approval_is_bound_to_the_policy(
    campaign: Path, opened: Open, anna: Row, environ: dict[str, str]
) -> None:
    async with opened(**FOUR_EYES) as gate:
        await approved(gate, campaign)
        names = [stage.name for stage in gate.house.pipeline().stages if stage.name != "relevance"]
    if "STAGE" in environ:
        environ = {"STAGE": "[" + ",".join(f'{{"use": "{name}"}}' for name in names) + "]"}
    async with opened(**FOUR_EYES, **environ) as gate:
        assert await codes(gate, campaign, anna) == [Code.CAMPAIGN_PAUSED]
    async with opened(**FOUR_EYES) as gate:
        assert await codes(gate, campaign, anna) == [None]


async def test_without_four_eyes_nobody_needs_to_approve(campaign: Path, opened: Open, anna: Row) -> None:
    async with opened() as gate:
        assert await codes(gate, campaign, anna) == [None]
        assert [row.approved for row in await CampaignDesk(gate.house).rows()] == []


@pytest.mark.parametrize("by", ["Eva Berg", " eva BERG", "", "  "])
async def test_nobody_and_the_owner_cannot_approve(campaign: Path, opened: Open, anna: Row, by: str) -> None:
    async with opened(**FOUR_EYES) as gate:
        with pytest.raises(penstock.InvalidInput):
            await approved(gate, campaign, by)
        assert await codes(gate, campaign, anna) == [Code.CAMPAIGN_PAUSED]


async def test_an_approval_is_for_the_form_offered_last_and_lets_what_waited_go(
    house: Path, campaign: Path, opened: Open, anna: Row, bo: Row
) -> None:
    async with opened(**FOUR_EYES) as gate:
        desk = CampaignDesk(gate.house)
        held = await gate.send(campaign, [anna, bo], wait=0)
        assert held.decisions == {("hold", "CAMPAIGN_PAUSED"): 2}
        assert (await desk.approve(ID, "A. Lind")).queued == 2
        (row,) = await desk.rows()
        assert (row.approved, row.approved_by, row.mails) == (True, "A. Lind", {"queued": 2})
        await gate.send(campaign, [anna], wait=0)

        changed(campaign, "max = 500", "max = 501")
        await desk.offer(gate.campaign(campaign))
        (row,) = await desk.rows()
        assert (row.approved, row.approved_by, row.mails) == (False, "", {"accepted": 2})
    assert len(list((house / "outbox").iterdir())) == 2


async def test_a_pause_between_judging_and_hand_over_stops_the_mail(campaign: Path, opened: Open, anna: Row) -> None:
    async with opened() as gate:
        await gate.send(campaign, [anna], wait=0)  # the campaign is known from here on
        contact = a_contact("bo@b-maskin.example")
        mail = gate.house.assembler.mail(gate.campaign(campaign), contact)
        (known,) = await gate.house.store.contacts.upsert([(contact, mail.identity)])
        await gate.house.store.mails.accept([new_mail(replace(mail, contact_id=known.id), "main", MOMENT)])
        await CampaignDesk(gate.house).pause(ID)
        (reason,) = await gate.house.store.ledger.begin([(mail, decide((), "first"))])
        assert reason is not None
        assert (reason.code, reason.stage) == (Code.CAMPAIGN_PAUSED, "begin")


async def test_pause_resume_and_cancel_answer_how_many_mails_they_are_about(
    campaign: Path, opened: Open, anna: Row, bo: Row
) -> None:
    async with opened() as gate:
        desk = CampaignDesk(gate.house)
        assert not await desk.pause(ID)  # no send ever took it up
        assert (await gate.send(campaign, [anna, bo], wait=0)).decisions == {("hold", "CAMPAIGN_PAUSED"): 2}
        assert await desk.resume(ID) == 2
        assert await desk.pause(ID)
        assert await desk.cancel(ID) == 2
        report = await gate.send(campaign, [anna, bo], wait=0)
        assert report.decisions == {("hold", "CAMPAIGN_PAUSED"): 2}
        assert [row.mails for row in await desk.rows()] == [{"cancelled": 2}]
        for act in (desk.pause(ID), desk.resume(ID), desk.cancel(ID), desk.approve(ID, "A. Lind")):
            with pytest.raises(penstock.InvalidInput, match="is cancelled"):
                await act


async def test_a_cancelled_mail_stays_given_up_although_its_row_comes_again(
    campaign: Path, opened: Open, anna: Row, bo: Row
) -> None:
    async with opened() as gate:
        desk = CampaignDesk(gate.house)
        await desk.pause(ID)
        await gate.send(campaign, [anna], wait=0)
        await desk.cancel(ID)
        lines: list[dict[str, Any]] = []
        await gate.send(campaign, [anna, bo], wait=0, emit=lines.append)
        assert [(line["verdict"], line["code"], line["outcome"]) for line in lines] == [
            ("hold", "CAMPAIGN_PAUSED", None),
            ("hold", "CAMPAIGN_PAUSED", None),
        ]
        assert lines[0]["earlier"] == "cancelled"


async def test_a_campaign_that_sent_nothing_within_a_week_is_held_and_one_that_began_goes_on(
    campaign: Path, opened: Open, person: Person
) -> None:
    anna, bo = (person(name, notice_given_at="2026-11-12") for name in ("anna", "bo"))
    week = datetime.fromisoformat("2026-11-27T08:00:00Z")
    async with opened(week) as gate:
        assert await codes(gate, campaign, anna) == [None]
    async with opened(week + timedelta(seconds=1)) as gate:
        report = await gate.send(campaign, [anna, bo], wait=0)
        assert report.decisions == {("hold", "CAMPAIGN_STALE"): 2}
    async with opened(week) as gate:
        assert (await gate.send(campaign, [anna], wait=0)).outcomes["accepted"] == 1
    async with opened(week + timedelta(days=14)) as gate:
        assert (await gate.send(campaign, [bo], wait=0)).outcomes["accepted"] == 1
        (row,) = await CampaignDesk(gate.house).rows()
        assert row.first_sent_at == week
