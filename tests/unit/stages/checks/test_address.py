from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.mailboxes import Mailboxes
from penstock.model.campaign import COMMERCIAL, Stream
from penstock.model.codes import Code
from penstock.model.contact import Consent, Contact, Flag, Mechanism, RecipientKind
from penstock.model.mail import Mail
from penstock.model.safety import Safety
from penstock.model.verdict import Reason, Verdict, strictest
from penstock.ports import ALL_STREAMS, Capabilities, Check, Services
from penstock.stages.checks.address import AddressCheck, AddressOptions

Make = Callable[..., Mail]
MakeServices = Callable[..., Services]
Judge = Callable[..., Any]

SEND = (Verdict.SEND, None)
PROVIDER = "mail-for-all.example"
PROVEN = Consent(
    channel="email",
    controller="Nordlicht Software AB",
    given_at=datetime(2026, 10, 1, tzinfo=UTC),
    mechanism=Mechanism.DOUBLE_OPT_IN,
    evidence="sha256:00",
)


class OneProvider:
    """Knows one public mail provider; role accounts are as shipped."""

    def __init__(self) -> None:
        self.role_of = Mailboxes.load().role_of

    def is_provider(self, domain: str) -> bool:
        return domain == PROVIDER


@pytest.fixture(scope="session")
def judge(make_mail: Make, make_services: MakeServices) -> Judge:
    check: Check = AddressCheck(AddressOptions(), make_services(), cast("Mailboxes", OneProvider()))

    async def judged(contact: Contact | str | None, **mail: Any) -> list[Reason]:
        (reasons,) = await check.judge([make_mail(contact=contact, **mail)])
        assert reasons
        assert all(reason.why and reason.rule for reason in reasons)
        return list(reasons)

    return judged


def said(reasons: list[Reason]) -> list[tuple[Verdict, Code | None]]:
    return [(reason.verdict, reason.code) for reason in reasons]


@pytest.mark.parametrize("stream", list(Stream))
async def test_a_professional_address_passes_on_every_stream(judge: Judge, stream: Stream) -> None:
    assert said(await judge("anna.keller@muster-werk.example", stream=stream)) == [SEND]


@pytest.mark.parametrize("stream", list(Stream))
async def test_a_mail_to_somebody_unknown_is_held_when_it_is_advertising(judge: Judge, stream: Stream) -> None:
    expected = (Verdict.HOLD, Code.CONTACT_UNKNOWN) if stream in COMMERCIAL else SEND
    assert said(await judge(None, stream=stream)) == [expected]


@pytest.mark.parametrize("stream", list(Stream))
async def test_what_is_no_address_is_rejected(judge: Judge, stream: Stream) -> None:
    reasons = await judge(f"{'a' * 65}@firm.example", stream=stream)
    assert said(reasons) == [(Verdict.REJECT, Code.INVALID_ADDRESS)]
    assert "65 octets" in reasons[0].why


@pytest.mark.parametrize("stream", list(Stream))
@pytest.mark.parametrize("local", ["postmaster", "abuse", "noreply", "hostmaster", "mailer-daemon", "NoReply"])
async def test_a_technical_mailbox_gets_no_advertising(judge: Judge, local: str, stream: Stream) -> None:
    expected = (Verdict.BLOCK, Code.ROLE_ADDRESS_TECHNICAL) if stream in COMMERCIAL else SEND
    assert said(await judge(f"{local}@firm.example", stream=stream)) == [expected]


async def test_the_shipped_list_of_providers_is_used_where_no_other_is_given(
    make_mail: Make, make_services: MakeServices
) -> None:
    check = AddressCheck(AddressOptions(), make_services())
    answers = await check.judge([make_mail(contact=Contact(f"anna@{name}")) for name in ("gmail.com", "firm.example")])
    assert [each[0].code for each in answers] == [Code.NOT_PROFESSIONAL, None]


async def test_a_generic_mailbox_is_no_technical_one(judge: Judge) -> None:
    assert said(await judge("info@firm.example", kind=RecipientKind.GENERIC)) == [SEND]


@pytest.mark.parametrize("stream", list(Stream))
async def test_an_address_at_a_mail_provider_needs_consent_for_advertising(judge: Judge, stream: Stream) -> None:
    expected = (Verdict.BLOCK, Code.NOT_PROFESSIONAL) if stream in COMMERCIAL else SEND
    assert said(await judge(f"anna@{PROVIDER}", stream=stream)) == [expected]


async def test_a_private_person_at_an_own_domain_needs_consent_too(judge: Judge) -> None:
    contact = Contact("anna@keller.example")
    assert said(await judge(contact, kind=RecipientKind.PRIVATE)) == [(Verdict.BLOCK, Code.NOT_PROFESSIONAL)]
    assert said(await judge(replace(contact, consents=(PROVEN,)), kind=RecipientKind.PRIVATE)) == [SEND]


@pytest.mark.parametrize("controller", ["Nordlicht Software AB", "nordlicht"])
@pytest.mark.parametrize("mechanism", [each for each in Mechanism if each is not Mechanism.PRE_TICKED])
async def test_a_proven_consent_opens_a_private_address(judge: Judge, controller: str, mechanism: Mechanism) -> None:
    consent = replace(PROVEN, controller=controller, mechanism=mechanism)
    assert said(await judge(Contact(f"anna@{PROVIDER}", consents=(Consent(), consent)))) == [SEND]


@pytest.mark.parametrize(
    "fault",
    [
        {"channel": "phone"},
        {"channel": None},
        {"controller": "Somebody Else Ltd"},
        {"controller": None},
        {"withdrawn_at": datetime(2026, 10, 2, tzinfo=UTC)},
        {"mechanism": Mechanism.PRE_TICKED},
        {"mechanism": None},
        {"evidence": None},
        {"evidence": ""},
        {"given_at": None},
        {"given_at": datetime(2026, 11, 20, 9, 0, 1, tzinfo=UTC)},
    ],
)
async def test_a_consent_with_a_fault_opens_nothing(judge: Judge, fault: dict[str, Any]) -> None:
    contact = Contact(f"anna@{PROVIDER}", consents=(replace(PROVEN, **fault),))
    assert said(await judge(contact)) == [(Verdict.BLOCK, Code.NOT_PROFESSIONAL)]


async def test_consent_does_not_open_a_technical_mailbox(judge: Judge) -> None:
    contact = Contact(f"postmaster@{PROVIDER}", consents=(PROVEN,))
    assert said(await judge(contact)) == [(Verdict.BLOCK, Code.ROLE_ADDRESS_TECHNICAL)]


@pytest.mark.parametrize("stream", list(Stream))
async def test_letters_outside_ascii_wait_for_an_adapter_that_carries_them(
    judge: Judge, make_mail: Make, make_services: MakeServices, stream: Stream
) -> None:
    contact = Contact("анна@firm.example")
    against = Verdict.HOLD if stream.commercial else Verdict.BLOCK
    assert said(await judge(contact, stream=stream)) == [(against, Code.SMTPUTF8_UNSUPPORTED)]
    check = AddressCheck(AddressOptions(), make_services(routes={"default": "modern"}))
    ((reason,),) = await check.judge([make_mail(contact=contact, stream=stream)])
    assert said([reason]) == [SEND]


async def test_an_adapter_nobody_knows_carries_ascii_only(make_mail: Make, make_services: MakeServices) -> None:
    check = AddressCheck(AddressOptions(), make_services(routes={}))
    ((reason,),) = await check.judge([make_mail(contact=Contact("анна@firm.example"))])
    assert reason.code is Code.SMTPUTF8_UNSUPPORTED


async def test_a_domain_outside_ascii_needs_nothing_of_the_adapter(judge: Judge) -> None:
    assert said(await judge("anna@xn--mller-kva.example")) == [SEND]


@pytest.mark.parametrize("stream", list(Stream))
@pytest.mark.parametrize(
    "address",
    [
        "pаyments@firm.example",  # а is Cyrillic
        "αnna@firm.example",  # α is Greek
        "anna@xn--pypal-4ve.example",  # the second letter is Cyrillic
    ],
)
async def test_mixed_alphabets_are_shown_to_a_person(
    make_mail: Make, make_services: MakeServices, address: str, stream: Stream
) -> None:
    check = AddressCheck(AddressOptions(), make_services(routes={"default": "modern"}))
    ((reason,),) = await check.judge([make_mail(contact=Contact(address), stream=stream)])
    assert said([reason]) == [(Verdict.HOLD, Code.INVALID_ADDRESS)]


async def test_labels_of_different_alphabets_may_stand_side_by_side(
    make_mail: Make, make_services: MakeServices
) -> None:
    check = AddressCheck(AddressOptions(), make_services(routes={"default": "modern"}))
    ((reason,),) = await check.judge([make_mail(contact=Contact("анна@xn--80ak6aa92e.example"))])
    assert said([reason]) == [SEND]


@pytest.mark.parametrize("stream", list(Stream))
async def test_flags_bind_advertising_only(judge: Judge, stream: Stream) -> None:
    contact = Contact("anna@firm.example", flags=(Flag.MINOR, Flag.SPECIAL_CATEGORY))
    expected = [(Verdict.BLOCK, Code.MINOR), (Verdict.HOLD, Code.SPECIAL_CATEGORY)]
    assert said(await judge(contact, stream=stream)) == (expected if stream in COMMERCIAL else [SEND])


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        (date(2008, 11, 19), SEND),
        (date(2008, 11, 20), SEND),
        (date(2008, 11, 21), (Verdict.BLOCK, Code.MINOR)),
        (date(2026, 11, 20), (Verdict.BLOCK, Code.MINOR)),
        (date(2026, 11, 21), (Verdict.HOLD, Code.MINOR)),
        (date(1900, 1, 1), SEND),
        (date(1899, 12, 31), (Verdict.HOLD, Code.MINOR)),
    ],
)
async def test_who_is_eighteen_today_is_of_age(judge: Judge, born: date, expected: tuple[Verdict, Code]) -> None:
    assert said(await judge(Contact("anna@firm.example", born=born))) == [expected]


async def test_who_was_born_on_the_29th_of_february_is_of_age_on_the_1st_of_march(
    make_mail: Make, make_services: MakeServices, now: datetime
) -> None:
    class Day:
        def __init__(self, day: datetime) -> None:
            self.day = day

        def now(self) -> datetime:
            return self.day

        def machine(self) -> float:
            return 0.0

    mail = make_mail(contact=Contact("anna@firm.example", born=date(2008, 2, 29)))
    found = []
    for day in (datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)):
        check = AddressCheck(AddressOptions(), make_services(clock=Day(day)))
        found.append([strictest(each) for each in await check.judge([mail])])
    assert found == [[Verdict.BLOCK], [Verdict.SEND]]


async def test_the_age_of_majority_is_a_setting(make_mail: Make, make_services: MakeServices) -> None:
    check = AddressCheck(AddressOptions(minor_under=21), make_services())
    ((reason,),) = await check.judge([make_mail(contact=Contact("anna@firm.example", born=date(2006, 1, 1)))])
    assert reason.code is Code.MINOR


async def test_all_that_stands_against_a_mail_is_said(judge: Judge) -> None:
    contact = Contact(f"postmaster@{PROVIDER}", born=date(2020, 1, 1), flags=(Flag.SPECIAL_CATEGORY,))
    assert {code for _, code in said(await judge(contact))} == {
        Code.MINOR,
        Code.SPECIAL_CATEGORY,
        Code.ROLE_ADDRESS_TECHNICAL,
        Code.NOT_PROFESSIONAL,
    }


def test_every_stream_is_looked_at() -> None:
    assert AddressCheck.streams == ALL_STREAMS


@given(
    born=st.none() | st.dates(),
    flags=st.lists(st.sampled_from(Flag), max_size=2).map(tuple),
    domain=st.sampled_from(["firm.example", PROVIDER]),
    local=st.sampled_from(["anna", "abuse", "анна", "pаy"]),
    more=st.sampled_from([*Flag, None]),
)
async def test_one_more_flag_never_lets_a_mail_go(
    judge: Judge, born: date | None, flags: tuple[Flag, ...], domain: str, local: str, more: Flag | None
) -> None:
    contact = Contact(f"{local}@{domain}", born=born, flags=flags)
    before = strictest(await judge(contact))
    after = strictest(await judge(replace(contact, flags=(*flags, *([more] if more else [])))))
    assert after.rank >= before.rank


async def test_a_full_batch_keeps_its_order(make_mail: Make, make_services: MakeServices) -> None:
    check = AddressCheck(AddressOptions(), make_services())
    contacts = [Contact(f"p{n}@firm.example", born=date(2020, 1, 1) if n % 3 == 0 else None) for n in range(500)]
    answers = await check.judge([make_mail(n, contact=contact) for n, contact in enumerate(contacts)])
    assert [strictest(each) is Verdict.BLOCK for each in answers] == [n % 3 == 0 for n in range(500)]


@pytest.mark.parametrize("stream", list(Stream))
@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("Anna@Firm.example", True),
        ("bo@firm.example", False),
        ("carl@other.example", True),
        ("dora@sub.other.example", False),
        ("e@notother.example", False),
    ],
)
async def test_the_brake_holds_mail_of_every_stream_to_all_but_those_who_are_allowed(
    make_mail: Make, make_services: MakeServices, stream: Stream, address: str, allowed: bool
) -> None:
    safety = Safety(allow=("anna@firm.example", "other.example"))
    check = AddressCheck(AddressOptions(), make_services(safety=safety))
    (reasons,) = await check.judge([make_mail(contact=Contact(address), stream=stream)])
    assert said(list(reasons)) == [SEND if allowed else (Verdict.HOLD, Code.SAFETY_BRAKE)]


async def test_the_brake_looks_at_where_a_redirected_mail_goes(make_mail: Make, make_services: MakeServices) -> None:
    safety = Safety(redirect_to="me@nordlicht.example", allow=("nordlicht.example",))
    check = AddressCheck(AddressOptions(), make_services(safety=safety))
    mail = make_mail(contact=Contact("anna@firm.example"), recipient="me@nordlicht.example")
    assert [said(list(each)) for each in await check.judge([mail])] == [[SEND]]


async def test_what_the_adapter_learns_of_the_server_counts_at_once(
    make_mail: Make, make_services: MakeServices
) -> None:
    """With smtputf8=auto the capability changes while the stage lives."""
    capabilities = {"main": Capabilities(smtputf8=False)}
    check = AddressCheck(AddressOptions(), make_services(capabilities=capabilities))
    mail = make_mail(contact=Contact("jörg@firm.example"))
    ((before,),) = await check.judge([mail])
    capabilities["main"] = Capabilities(smtputf8=True)
    ((after,),) = await check.judge([mail])
    assert [each.code for each in (before, after)] == [Code.SMTPUTF8_UNSUPPORTED, None]


async def test_what_is_not_known_yet_of_the_way_out_defers_mail_that_nobody_would_mend(
    make_mail: Make, make_services: MakeServices
) -> None:
    check = AddressCheck(AddressOptions(), make_services(capabilities={"main": Capabilities(smtputf8=None)}))
    ((reason,),) = await check.judge([make_mail(contact=Contact("jörg@firm.example"), stream=Stream.TRANSACTIONAL)])
    assert (reason.verdict, reason.code) == (Verdict.DEFER, Code.SMTPUTF8_UNSUPPORTED)
    assert reason.facts.until is not None
