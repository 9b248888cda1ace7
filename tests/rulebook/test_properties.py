"""What holds for every contact: refusals only stop, lost evidence never frees, and neither order nor batch decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.rulebook.case import CUSTOMER, GENERIC, MOMENT, PUBLISHED, SOLE, case, consent
from tests.rulebook.house import CAMPAIGN, House, changed, contact, toml

import penstock

Answer = tuple[str, tuple[str, ...]]
STRICTNESS = ["send", "defer", "hold", "block", "reject"]
STOPPED = {"SUPPRESSED_PERSON", "SUPPRESSED_COMPANY", "HARD_BOUNCED"}
REASONS = ["objection", "unsubscribe", "complaint", "bounce", "phone", "other"]
KINDS = ["nobody refused", "the person did", "the company did"]
"""Whom somebody spoke for, by the number of the row modulo three."""
REFUSED = (
    *[f"{who}@muster-werk-{number:04}.example,,,{REASONS[number // 3 % len(REASONS)]},all"
      for number in range(1, 30, len(KINDS)) for who in ("anna.keller", "info")],
    *[f",muster-werk-{number:04}.example,,objection,all" for number in range(2, 30, len(KINDS))],
)  # fmt: skip
AT = datetime.fromisoformat(MOMENT)
CAMPAIGNS: dict[str, dict[str, Any]] = {
    "legitimate_interest": {},
    "consent": {"campaign.basis": "consent"},
    "customer": {"campaign.basis": "customer", "campaign.stream": "customer"},
}
EVIDENCE = (
    "consents", "source", "source.reference", "source.collected_at", "verified_at", "reason", "relationship",
    "published.url",
)  # fmt: skip
# Without the phase that explains a failure, which takes longer than finding it.
light = settings(max_examples=40, deadline=None, phases=(Phase.reuse, Phase.generate, Phase.shrink))


def optional(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([*values, None])


days = st.sampled_from(["2026-11-01", "2025-06-01", "2022-01-10", "2026-12-24"])
consents = st.fixed_dictionaries(
    {},
    optional={
        "channel": st.sampled_from(["phone", "email"]),
        "controller": st.sampled_from(["Seine Logiciels SA", "Nordlicht Software AB"]),
        "purpose": optional("another purpose"),
        "given_at": days,
        "mechanism": st.sampled_from(["double_opt_in", "single_opt_in", "oral", "written", "pre_ticked"]),
        "evidence": optional("sha256:5e"),
        "withdrawn_at": optional(),
    },
).map(lambda changes: consent(**changes))
recipients = st.sampled_from([{}, {}, GENERIC, SOLE])
extras = st.sampled_from([{}, {}, CUSTOMER, PUBLISHED])
changes = st.fixed_dictionaries(
    {"country": optional("FR", "FR", "SE", "GB", "DE", "AT", "NL", "SK", "HU", "CA", "US", "IE", "BG", "BR")},
    optional={
        "consents": st.lists(consents, max_size=2),
        "company.legal_form": optional("company", "partnership", "sole_trader"),
        "company.industry": optional("C28.1", "C10"),
        "function": optional("purchasing", "hr"),
        "flags": st.lists(st.sampled_from(["minor", "special_category", "restricted"]), max_size=1),
        "source.method": st.sampled_from(["public_profile", "inferred", "scraped_directory", "supplier", "web_form"]),
        "source.collected_at": days,
        "verified_at": optional("2026-11-01", "2026-01-01"),
        "reason": optional("a new plant"),
        "notice_given_at": optional("2026-10-01"),
        "last_contact_from_person_at": optional("2026-10-01"),
    },
)  # fmt: skip
people = st.tuples(recipients, extras, changes).map(lambda parts: {**parts[0], **parts[1], **parts[2]})


rows = st.lists(people, min_size=1, max_size=6).map(
    lambda each: [contact(person, number) for number, person in enumerate(each)]
)
bases = st.sampled_from(list(CAMPAIGNS))


@dataclass(frozen=True, slots=True)
class Desk:
    """An open gate and the folder of its campaigns."""

    gate: penstock.Gate
    folder: Path

    async def decide(self, basis: str, rows: list[dict[str, Any]]) -> list[Answer]:
        """Verdict and codes of each row, in their order; a row that is no contact is rejected."""
        async with asyncio.timeout(60):
            decided = await self.gate.check(self.folder / f"{basis}.toml", rows)
        found = [each.decision for each in decided]
        return [("reject", ()) if each is None else (str(each.verdict), tuple(map(str, each.codes))) for each in found]


def furnished(folder: Path, suppressed: tuple[str, ...]) -> Path:
    """A folder with every campaign and, if anybody refused, a store that knows it."""
    house = House(folder, [(0, case("properties", "everybody", "send", suppressed=suppressed))])
    house.build()
    for basis, said in CAMPAIGNS.items():
        (folder / f"{basis}.toml").write_text(toml(changed(CAMPAIGN, said)), encoding="utf-8")
    if suppressed:
        done = house.run("suppress", "import", "suppressions.csv", "--strict")
        assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
async def desks(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Desk, Desk]]:
    """One without a store, where nobody refused, and one where many did; nothing is written to either."""
    folder = tmp_path_factory.mktemp("properties")
    folders = furnished(folder / "free", ()), furnished(folder / "refused", REFUSED)
    async with AsyncExitStack() as stack:
        free, refused = [
            Desk(await stack.enter_async_context(penstock.open(each / "config.toml", now=AT, read_only=True)), each)
            for each in folders
        ]
        yield free, refused


def bereft(row: Mapping[str, Any], lost: Iterable[str]) -> dict[str, Any]:
    """The row without this evidence; a withdrawn consent stays, for a refusal is no evidence in our favour."""
    kept = [each for each in row["consents"] if each["withdrawn_at"] is not None]
    return changed(row, {name: kept if name == "consents" else None for name in sorted(lost, reverse=True)})


@light
@given(basis=bases, rows=rows)
async def test_a_refusal_never_makes_a_decision_milder(
    desks: tuple[Desk, Desk], basis: str, rows: list[dict[str, Any]]
) -> None:
    free, refused = desks
    before, after = await free.decide(basis, rows), await refused.decide(basis, rows)
    for number, ((milder, _), (stricter, codes)) in enumerate(zip(before, after, strict=True)):
        assert STRICTNESS.index(stricter) >= STRICTNESS.index(milder)
        if number % len(KINDS) and stricter != "reject":
            assert stricter == "block"
            assert STOPPED & set(codes)


@light
@given(basis=bases, rows=rows, lost=st.lists(st.sampled_from(EVIDENCE), min_size=1, max_size=3, unique=True))
async def test_evidence_that_is_lost_never_frees_a_mail_that_was_stopped(
    desks: tuple[Desk, Desk], basis: str, rows: list[dict[str, Any]], lost: list[str]
) -> None:
    free, _ = desks
    before = await free.decide(basis, rows)
    after = await free.decide(basis, [bereft(row, lost) for row in rows])
    freed = [pair for pair in zip(before, after, strict=True) if pair[0][0] != "send" and pair[1][0] == "send"]
    assert freed == []


@light
@given(basis=bases, rows=rows, chosen=st.data())
async def test_decisions_do_not_depend_on_the_order_of_the_rows(
    desks: tuple[Desk, Desk], basis: str, rows: list[dict[str, Any]], chosen: st.DataObject
) -> None:
    for desk in desks:
        order = chosen.draw(st.permutations(range(len(rows))))
        straight = await desk.decide(basis, rows)
        mixed = await desk.decide(basis, [rows[place] for place in order])
        assert mixed == [straight[place] for place in order]


@light
@given(basis=bases, rows=rows, size=st.integers(1, 5))
async def test_decisions_do_not_depend_on_how_many_are_made_at_once(
    desks: tuple[Desk, Desk], basis: str, rows: list[dict[str, Any]], size: int
) -> None:
    for desk in desks:
        together = await desk.decide(basis, rows)
        apart = [await desk.decide(basis, rows[start : start + size]) for start in range(0, len(rows), size)]
        assert together == [each for part in apart for each in part]
