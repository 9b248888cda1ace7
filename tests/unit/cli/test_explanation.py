"""The screen of explain: stages, values with where they came from, and the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from penstock.cli.data_used import DataUsed, shown
from penstock.cli.explanation import explained, record
from penstock.cli.one_contact import DecidedOne
from penstock.model.codes import Code
from penstock.model.contact import Consent, Contact, Mechanism, Relationship
from penstock.model.mail import History, Message
from penstock.model.moment import as_moment
from penstock.model.verdict import Facts, Reason, Verdict, decide
from penstock.ports import COMMERCIAL_STREAMS, ContactRow, NoOptions, Phase, Stage
from penstock.testing import a_contact, a_letter, a_mail, some_services


def one(*reasons: Reason, contact: Contact | None = None, row: Contact | None = None, **mail: Any) -> DecidedOne:
    """A decided mail to the contact, read from line 7 of people.csv as `row`."""
    contact = contact or a_contact()
    made = a_mail(contact, reasons=reasons, **mail)
    return DecidedOne(made, decide(reasons, made.variant), ContactRow(7, row or contact), Path("in/people.csv"))


def stage(name: str, phase: Phase = Phase.JUDGE) -> Stage:
    class Silent:
        Options: ClassVar[type] = NoOptions
        streams = COMMERCIAL_STREAMS
        reads: tuple[str, ...] = ()
        needs: tuple[str, ...] = ()

        def __init__(self) -> None:
            self.name, self.phase = name, phase

    return Silent()


def screen(told: DecidedOne, *stages: Stage) -> str:
    return "\n".join(explained(told, stages, some_services(), 140))


LATER = (stage("compose", Phase.COMPOSE), stage("verify", Phase.VERIFY))
FORM = Reason("legal_basis", Verdict.HOLD, Code.LEGAL_FORM_UNKNOWN, "the form is not known", Facts(
    ("country", "company.legal_form"), ("jurisdiction:GB", "basis:legitimate_interest")), "GB PECR 2003")  # fmt: skip


def test_a_stopped_mail_shows_reason_rule_values_and_what_nothing_states() -> None:
    contact = a_contact(country="GB", company=replace(a_contact().company, legal_form=None))
    text = screen(one(FORM, contact=contact), stage("legal_basis"), *LATER)
    assert text.startswith("⏸ HOLD  LEGAL_FORM_UNKNOWN   anna.keller@muster-werk.example\n")
    assert "⏸ legal_basis         LEGAL_FORM_UNKNOWN: The form is not known. [GB PECR 2003]" in text
    assert (
        "the contact file: country GB; the table of law 2026-11: row GB not signed off; not stated: company.legal_form"
        in text
    )
    assert "record    people.csv, line 7; obtained on 2026-11-10 by e.berg: own site, https://muster-werk" in text
    assert "– compose, verify: not looked at, as the mail stops before." in text
    assert "holds release" in text
    assert text.endswith("1 reason stands against it, decided by table 2026-11. This is not legal advice.")


def test_a_mail_that_may_go_names_the_table_and_the_finished_mail() -> None:
    done = Reason("relevance", Verdict.SEND, why="works in purchasing", facts=Facts(("function", "seniority")))
    text = screen(one(done, content=Message(b"x" * 9, a_letter())), stage("relevance"), *LATER)
    assert "  ✓ relevance           Works in purchasing." in text
    assert "the contact file: function purchasing" in text
    assert "seniority" not in text
    assert "✓ compose, verify: they made the mail (language en, 9 octets)." in text
    assert text.endswith("No rule of table 2026-11 forbids this mail. This is not legal advice.")


def test_a_value_that_the_row_does_not_have_came_from_the_store() -> None:
    stored = a_contact(title="Buyer")
    used = DataUsed(one(contact=stored, row=replace(stored, title=None, function=None)), some_services())
    told = {each.field: each for each in used.of(Reason("x", Verdict.SEND, facts=Facts(("title", "function", "born"))))}
    assert (told["title"].value, told["title"].origin) == ("Buyer", "the store")
    assert (told["born"].value, told["born"].origin) == (None, "")


def test_groups_show_what_they_state_and_parts_of_the_mail_show_nothing() -> None:
    contact = a_contact(relationship=Relationship(last_purchase_at=as_moment("2026-02-03"), similar_goods=True))
    used = DataUsed(one(contact=contact), some_services())
    found = used.of(Reason("x", Verdict.SEND, facts=Facts(("relationship", "published", "message", "List-Id"))))
    assert [(each.field, each.value) for each in found] == [
        ("relationship.last_purchase_at", "2026-02-03"),
        ("relationship.similar_goods", "yes"),
        ("published", None),
    ]


def test_the_stores_part_is_told_for_the_stages_that_ask_it() -> None:
    sent = History(sent_at=as_moment("2026-11-20"))
    used = DataUsed(one(history=sent), some_services())
    (mailed,) = used.of(Reason("duplicate", Verdict.BLOCK, Code.DUPLICATE))
    assert (mailed.value, mailed.origin) == ("went on 2026-11-20", "the store")
    (entry,) = used.of(Reason("suppression", Verdict.BLOCK, Code.SUPPRESSED_PERSON, facts=Facts((), ("e1",))))
    assert entry.value == "entry e1"


def test_values_are_shown_in_words() -> None:
    consent = Consent("email", "Nordlicht", "tools", as_moment("2026-09-01"), "v3", Mechanism.PRE_TICKED, None)
    cases: dict[Callable[[], object], str | None] = {
        lambda: consent: "given on 2026-09-01 for email to Nordlicht for “tools”, a pre-ticked box, no evidence",
        lambda: (): None,
        lambda: "": None,
        lambda: False: "no",
        lambda: "two words": "“two words”",
        lambda: as_moment("2026-09-01T08:30:00Z"): "2026-09-01 08:30 UTC",
    }
    assert {shown(value()) == text for value, text in cases.items()} == {True}
    assert len(shown("x" * 500) or "") < 100


def test_the_record_adds_keys_to_the_decision_line() -> None:
    told = record(one(FORM), some_services())
    assert told["verdict"] == "hold"
    assert told["record"] == {
        "from": "in/people.csv",
        "line": 7,
        "method": "own_site",
        "reference": "https://muster-werk.example/team",
        "collected_at": "2026-11-10T00:00:00Z",
    }
    assert {"stage": "legal_basis", "code": "LEGAL_FORM_UNKNOWN", "field": "country", "value": "FR",
            "from": "the contact file"} in told["data"]  # fmt: skip
    assert told["to_send"][0]["code"] == "LEGAL_FORM_UNKNOWN"
