"""What a notice says of where an address comes from, said once for all contacts of one source."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from penstock.compose.notice_source import NoticeSources
from penstock.compose.notice_text import NoticeShelf, NoticeText
from penstock.model.contact import Source, SourceMethod
from penstock.templates import template_folder

EVENT = Source(SourceMethod.EVENT, reference="the fair", collected_at=datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def notice() -> NoticeText:
    return NoticeShelf(template_folder() / "notices").text("en")


def test_contacts_of_one_source_get_the_same_object(notice: NoticeText) -> None:
    sources = NoticeSources()
    first = sources.of(notice, EVENT)
    again = Source(SourceMethod.EVENT, reference="the fair", collected_at=EVENT.collected_at, collected_by="somebody")
    assert first is not None
    assert sources.of(notice, again) is first


@pytest.mark.parametrize(
    "other",
    [
        Source(SourceMethod.EVENT, reference="another fair", collected_at=EVENT.collected_at),
        Source(SourceMethod.EVENT, reference="the fair"),
        Source(SourceMethod.EVENT, "the fair", EVENT.collected_at, supplier="atlas"),
        Source(SourceMethod.OWN_SITE, reference="the fair", collected_at=EVENT.collected_at),
    ],
)
def test_another_source_gets_another(notice: NoticeText, other: Source) -> None:
    sources = NoticeSources()
    first, second = sources.of(notice, EVENT), sources.of(notice, other)
    assert second is not None
    assert second is not first


def test_a_record_that_does_not_say_it_gets_none(notice: NoticeText) -> None:
    assert NoticeSources().of(notice, Source()) is None
