from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from penstock.law.jurisdictions import Table
from penstock.model.codes import Code
from penstock.model.contact import Contact, RecipientKind
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, NoOptions, Services
from penstock.stages.checks.external_register import ExternalRegister

Make = Callable[..., Mail]
Judge = Callable[..., Any]
Said = list[tuple[Verdict, Code | None]]

SEND: Said = [(Verdict.SEND, None)]
LISTED: Said = [(Verdict.BLOCK, Code.EXTERNAL_REGISTER)]
UNKNOWN: Said = [(Verdict.HOLD, Code.EXTERNAL_REGISTER)]
BY_CONSENT = Reason("legal_basis", Verdict.SEND, facts=Facts(records=("consent:0", "basis:consent")))


class FakeRegisters:
    """What each register says of every address; `calls` keeps what it was asked."""

    def __init__(self, **said: bool | None) -> None:
        self._said = {name.replace("_", "-"): answer for name, answer in said.items()}
        self.calls: list[tuple[str, list[str]]] = []

    async def listed(self, register: str, addresses: Sequence[str], /) -> Sequence[bool | None]:
        self.calls.append((register, list(addresses)))
        return [self._said.get(register)] * len(addresses)


@pytest.fixture(scope="session")
def check_of(make_services: Callable[..., Services]) -> Callable[[FakeRegisters], ExternalRegister]:
    table = Table.load()
    return lambda registers: ExternalRegister(NoOptions(), make_services(registers=registers, jurisdictions=table))


@pytest.fixture(scope="session")
def judge(make_mail: Make, check_of: Callable[[FakeRegisters], ExternalRegister]) -> Judge:
    async def judged(country: str | None, registers: FakeRegisters, workplace: str | None = None, **mail: Any) -> Said:
        contact = Contact("a@firm.example", country=country, workplace_country=workplace)
        (reasons,) = await check_of(registers).judge([make_mail(contact=contact, **mail)])
        assert all(reason.why and reason.rule and reason.facts.fields for reason in reasons)
        return [(reason.verdict, reason.code) for reason in reasons]

    return judged


async def test_only_advertising_is_asked() -> None:
    assert ExternalRegister.streams == COMMERCIAL_STREAMS


async def test_where_the_country_has_no_register_none_is_asked(judge: Judge) -> None:
    for country in ("FR", "GB", None, "nowhere at all"):
        registers = FakeRegisters()
        assert await judge(country, registers) == SEND
        assert registers.calls == []


async def test_an_unknown_contact_is_held(
    make_mail: Make, check_of: Callable[[FakeRegisters], ExternalRegister]
) -> None:
    registers = FakeRegisters()
    ((reason,),) = await check_of(registers).judge([make_mail(contact=None)])
    assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.CONTACT_UNKNOWN)
    assert registers.calls == []


@pytest.mark.parametrize(
    ("country", "name", "kind"),
    [
        ("AT", "ECG", RecipientKind.NAMED),
        ("AT", "ECG", RecipientKind.GENERIC),
        ("AT", "ECG", RecipientKind.SOLE_TRADER),
        ("BG", "KZP", RecipientKind.NAMED),
        ("BG", "KZP", RecipientKind.GENERIC),
        ("PT", "DGC", RecipientKind.GENERIC),
        ("LI", "LI_ECG", RecipientKind.PRIVATE),
        ("Austria", "ECG", RecipientKind.NAMED),
    ],
)
async def test_a_listed_address_is_blocked_and_a_register_not_at_hand_holds(
    judge: Judge, country: str, name: str, kind: RecipientKind
) -> None:
    assert await judge(country, FakeRegisters(**{name: True}), kind=kind) == LISTED
    assert await judge(country, FakeRegisters(**{name: None}), kind=kind) == UNKNOWN
    assert await judge(country, FakeRegisters(**{name: False}), kind=kind) == SEND


@pytest.mark.parametrize("kind", [RecipientKind.NAMED, RecipientKind.SOLE_TRADER, RecipientKind.PRIVATE])
async def test_the_portuguese_list_protects_legal_persons_only(judge: Judge, kind: RecipientKind) -> None:
    registers = FakeRegisters(DGC=True)
    assert await judge("PT", registers, kind=kind) == SEND
    assert registers.calls == []


async def test_the_register_of_the_place_of_work_counts_too(judge: Judge) -> None:
    assert await judge("DE", FakeRegisters(ECG=True), workplace="AT") == LISTED
    assert await judge("AT", FakeRegisters(ECG=None, KZP=False), workplace="BG") == UNKNOWN + SEND
    assert await judge("AT", FakeRegisters(ECG=True, KZP=True), workplace="BG") == LISTED + LISTED


async def test_ones_own_consent_goes_before_the_austrian_list_and_no_other(judge: Judge) -> None:
    for answer in (True, None):
        assert await judge("AT", FakeRegisters(ECG=answer), reasons=(BY_CONSENT,)) == SEND
        assert await judge("BG", FakeRegisters(KZP=answer), reasons=(BY_CONSENT,)) != SEND
        refused = replace(BY_CONSENT, verdict=Verdict.BLOCK)
        other = Reason("legal_basis", Verdict.SEND, facts=Facts(records=("basis:legitimate_interest",)))
        assert await judge("AT", FakeRegisters(ECG=answer), reasons=(refused, other)) != SEND


async def test_each_register_is_asked_once_for_the_batch(
    make_mail: Make, check_of: Callable[[FakeRegisters], ExternalRegister]
) -> None:
    registers = FakeRegisters(ECG=False, KZP=True)
    countries = ["AT", "FR", "BG", "AT", None]
    mails = [make_mail(n, contact=Contact(f"p{n}@firm.example", country=cc)) for n, cc in enumerate(countries)]
    said = await check_of(registers).judge(mails)
    assert registers.calls == [("ECG", ["p0@firm.example", "p3@firm.example"]), ("KZP", ["p2@firm.example"])]
    assert [reasons[0].verdict for reasons in said] == ["send", "send", "block", "send", "send"]
    assert said[0] is said[3]
    assert said[1] is said[4]


async def test_a_register_that_only_the_house_names_protects_everybody(
    make_mail: Make, make_services: Callable[..., Services]
) -> None:
    shipped = Table.load()
    rows = [replace(row, rule=replace(row.rule, ext_register="OWN")) for row in shipped.rows]
    services = make_services(registers=FakeRegisters(), jurisdictions=Table(shipped.version, rows))
    mail = make_mail(contact=Contact("a@firm.example", country="FR"), reasons=(BY_CONSENT,))
    ((reason,),) = await ExternalRegister(NoOptions(), services).judge([mail])
    assert (reason.verdict, reason.facts.records) == (Verdict.HOLD, ("register:OWN",))
    assert reason.rule == "Directive 2000/31/EC Art. 7(2); registers.OWN"
