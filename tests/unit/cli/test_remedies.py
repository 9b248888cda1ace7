"""What explain says would help: a line for every code, and no command that this version does not have."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import typer

from penstock.cli.main import LATER, app
from penstock.cli.remedies import REMEDIES, Remedy, remedies
from penstock.model.codes import Code
from penstock.model.contact import Contact, Source, SourceMethod
from penstock.model.mail import History
from penstock.model.verdict import Facts, Reason, Verdict, decide
from penstock.testing import a_contact, a_mail, some_services

BLOCK, HOLD, DEFER = Verdict.BLOCK, Verdict.HOLD, Verdict.DEFER


def said(*reasons: Reason, contact: Contact | None = None, **mail: Any) -> list[Remedy]:
    return remedies(a_mail(contact, **mail), decide(reasons, "first"), some_services())


def reason(
    code: Code, verdict: Verdict = BLOCK, fields: tuple[str, ...] = (), *, stage: str = "x", **more: Any
) -> Reason:
    rule, why = more.pop("rule", None), more.pop("why", "because")
    return Reason(stage, verdict, code, why, Facts(fields, **more), rule)


def test_every_code_has_a_line() -> None:
    assert REMEDIES.keys() == set(Code)


@pytest.mark.parametrize("code", Code)
@pytest.mark.parametrize("verdict", [BLOCK, HOLD, DEFER])
def test_every_line_is_whole_and_ends(code: Code, verdict: Verdict) -> None:
    """Also where a reason rests on nothing."""
    ((told, change),) = said(reason(code, verdict))
    assert told is code
    assert change.endswith((".", "…"))
    assert not re.search(r"\{[a-z]+\}|\bNone\b", change)
    assert "lawful" not in change


def test_only_commands_of_this_version_are_named() -> None:
    command = typer.main.get_command(app)
    named = {
        tuple(found) for text in REMEDIES.values() for found in re.findall(r"penstock ([a-z]+)(?: ([a-z]+))?", text)
    }
    assert named
    for group, verb in named:
        assert group not in LATER
        found = command.commands[group]  # type: ignore[attr-defined]
        assert not hasattr(found, "commands") or verb in found.commands, (group, verb)


def test_the_headline_comes_first_and_nothing_is_said_twice() -> None:
    same = reason(Code.NOT_RELEVANT, HOLD, ("company.employees", "campaign.audience"))
    told = said(same, reason(Code.CONSENT_REQUIRED), same)
    assert [each.code for each in told] == [Code.CONSENT_REQUIRED, Code.NOT_RELEVANT]
    assert told[1].change == "Fill company.employees."


def test_what_may_go_needs_no_change() -> None:
    assert said(Reason("x", Verdict.SEND)) == []


@pytest.mark.parametrize(("country", "how"), [("DE", "double opt-in or in writing"), ("FI", "by word of mouth")])
def test_a_consent_is_asked_for_in_the_way_that_the_country_takes(country: str, how: str) -> None:
    ((_, change),) = said(reason(Code.CONSENT_REQUIRED), contact=a_contact(country=country))
    assert "Nordlicht Software AB" in change
    assert how in change


def test_one_code_with_several_causes_is_told_apart() -> None:
    nowhere = a_contact(country=None)
    places = ("country", "workplace_country")
    assert "Fill country" in said(reason(Code.COUNTRY_UNKNOWN, HOLD, places), contact=nowhere)[0].change
    assert "policies/" in said(reason(Code.COUNTRY_UNKNOWN, HOLD, places))[0].change
    assert "or the address" in said(reason(Code.COUNTRY_UNKNOWN, HOLD, ("address", *places)))[0].change
    assert "Nothing" in said(reason(Code.EXTERNAL_REGISTER))[0].change
    assert "[registers.NAME]" in said(reason(Code.EXTERNAL_REGISTER, HOLD))[0].change
    assert "verified_at" in said(reason(Code.UNVERIFIED, HOLD, ("verified_at",)))[0].change
    assert "the future" in said(reason(Code.UNVERIFIED, HOLD, ("verified_at",), why="in the future"))[0].change
    assert "supplier" in said(reason(Code.UNVERIFIED, HOLD, ("source.supplier",)))[0].change
    assert "functions" in said(reason(Code.NOT_RELEVANT, HOLD, places, stage="legal_basis"))[0].change
    assert "approve" in said(reason(Code.CAMPAIGN_PAUSED, HOLD, rule="safety.four_eyes"))[0].change
    assert "resume purchasing-2026" in said(reason(Code.CAMPAIGN_PAUSED, HOLD, rule="campaign state"))[0].change
    law = reason(Code.NO_LEGAL_BASIS, HOLD, (*places, "recipient_kind"), records=("jurisdiction:LU",))
    assert "the row of LU" in said(law)[0].change


def test_dates_are_told() -> None:
    at = datetime(2026, 12, 23, 9, tzinfo=UTC)
    assert "2026-12-23 09:00 UTC" in said(reason(Code.FREQUENCY_CAP, DEFER, until=at))[0].change
    assert "pace" in said(reason(Code.RATE_BACKOFF, DEFER, until=at))[0].change
    silent = said(reason(Code.RATE_BACKOFF, DEFER, rule="inbound.silent_after_hours", until=at))[0].change
    assert "penstock doctor" in silent
    assert "2026-12-23 09:00 UTC" in silent
    assert "went on 2026-12-23" in said(reason(Code.DUPLICATE), history=History(sent_at=at))[0].change


def test_a_braced_value_of_the_record_breaks_no_sentence() -> None:
    odd = replace(a_contact(), source=Source(method=SourceMethod.INFERRED, reference="{fields} {0}"))
    assert said(reason(Code.SOURCE_MISSING, HOLD, ("source.method",)), contact=odd)
