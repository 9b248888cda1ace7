from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from penstock.delivery.portions import OCTETS_AT_ONCE, at_once, portions
from penstock.model.campaign import Campaign, Enclosure
from penstock.model.mail import Mail, Message
from penstock.ports import Ticket
from penstock.testing import a_campaign
from penstock.testing.samples import a_mail

MEGABYTE = 1024 * 1024


def with_files(octets: int) -> Campaign:
    campaign = a_campaign()
    files = (Enclosure("", "a.bin", "application/octet-stream", "0", bytes(octets)),) if octets else ()
    return replace(campaign, message=replace(campaign.message, enclosures=files))


def pairs(mails: Sequence[Mail]) -> list[tuple[Ticket, Mail]]:
    return [(Ticket(n, mail.id, "main/x.example", 1), mail) for n, mail in enumerate(mails)]


CAMPAIGNS = [with_files(octets) for octets in (0, 1_000, MEGABYTE, 9 * MEGABYTE)]
MAILS = [a_mail(campaign=campaign) for campaign in CAMPAIGNS]
MAILS.append(a_mail(content=Message(bytes(40 * MEGABYTE))))


@given(st.lists(st.sampled_from(MAILS), max_size=60))
def test_every_mail_is_in_one_portion_in_order_and_portions_fit(mails: list[Mail]) -> None:
    cut = [*portions(pairs(mails))]
    assert [pair for portion in cut for pair in portion] == pairs(mails)
    assert all(cut)
    for portion in cut:
        octets = sum(octets_of(mail) for _, mail in portion)
        assert octets <= OCTETS_AT_ONCE * 1.1 or len([m for _, m in portion if octets_of(m)]) == 1


def octets_of(mail: Mail) -> int:
    if isinstance(mail.content, Message):
        return len(mail.content.data)
    return sum(len(each.data) for each in mail.campaign.message.enclosures) * 4 // 3 if mail.campaign else 0


def test_letters_alone_stay_one_batch() -> None:
    assert [len(portion) for portion in portions(pairs(MAILS[:1] * 500))] == [500]
    assert [*portions([])] == []


def test_mails_with_nine_megabytes_go_two_at_a_time() -> None:
    assert [len(portion) for portion in portions(pairs(MAILS[3:4] * 5))] == [2, 2, 1]
    assert [at_once(campaign, 500) for campaign in CAMPAIGNS] == [500, 500, 23, 2]
