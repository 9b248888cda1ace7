"""What an opt-out link does to a whole house, and how the public pages are tried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from penstock.config.settings import load_settings
from penstock.demo.sample import MOMENT, write_sample
from penstock.errors import StoreUnavailable
from penstock.gate import Gate, open_gate
from penstock.listening import Listening
from penstock.model.suppression import Suppression, SuppressionReason
from penstock.model.tokens import PURPOSES
from penstock.opting_out import OptingOut
from penstock.probing import Probing, pages_finding, probe
from penstock.store.probes import Probes
from penstock.suppression_list import SuppressionList
from penstock.testing import FakeClock
from penstock.web.listener import serve
from penstock.web.opt_out import OptOut

HOUSE = "https://mail.nordlicht.example"


def row(name: str, **fields: Any) -> dict[str, Any]:
    domain = f"{name}-maskin.example"
    company = {"name": f"{name.capitalize()} Maskin AB", "domains": [domain], "legal_form": "company",
               "industry": "C28", "employees": 120}  # fmt: skip
    source = {"method": "own_site", "reference": f"https://{domain}/team", "collected_at": "2026-11-10",
              "visibility": "public", "why": "head of purchasing"}  # fmt: skip
    return {"address": f"{name}.berg@{domain}", "given_name": name.capitalize(), "country": "SE",
            "function": "purchasing", "company": company, "source": source, "verified_at": "2026-11-15",
            "reason": "your site shows a new plant", **fields}  # fmt: skip


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "house"
    write_sample(folder)
    return folder


@asynccontextmanager
async def opened(sample: Path, folder: Path, **environ: str) -> AsyncIterator[tuple[Gate, FakeClock]]:
    named = {
        "PENSTOCK__STORE__URL": f"sqlite:///{folder / 'penstock.db'}",
        "PENSTOCK__KEYS__FOLDER": str(folder / "keys"),
        "PENSTOCK__ADAPTERS__MAIN__URL": f"file:{folder / 'outbox'}",
        **{f"PENSTOCK__{key}": value for key, value in environ.items()},
    }
    clock = FakeClock(MOMENT)
    async with open_gate(load_settings(sample / "config.toml", named), clock=clock) as gate:
        yield gate, clock


async def sent(gate: Gate, sample: Path, *rows: dict[str, Any]) -> list[str]:
    """The ids of the mails, in the order of the rows."""
    lines: list[Any] = []
    await gate.send(sample / "campaigns" / "purchasing.toml", list(rows), wait=0, emit=lines.append)
    states = await gate.house.store.mails.states("purchasing-2026", "", 1_000)
    assert {state.state for state in states} == {"accepted"}, lines
    return [state.mail_id for state in states]


def link(gate: Gate, purpose: str, mail_id: str) -> str:
    return gate.house.services.tokens.sign(purpose, mail_id)


async def entries(gate: Gate) -> list[Suppression]:
    return [each.entry for each in await gate.house.store.suppressions.entries("", 1_000)]


async def followed(gate: Gate, purpose: str, mail_id: str) -> OptOut:
    effect = OptingOut(gate.house)
    found = await effect.look_up(link(gate, purpose, mail_id))
    assert found is not None
    await effect.opt_out(found)
    return found


async def test_the_header_unsubscribes_and_the_letters_link_objects(sample: Path, tmp_path: Path) -> None:
    async with opened(sample, tmp_path) as (gate, _):
        before = len(await entries(gate))
        anna, bo = await sent(gate, sample, row("anna"), row("bo", language="de"))
        for _ in range(3):
            assert (await followed(gate, "header", anna)).language == "sv", "the language of her country"
            assert (await followed(gate, "body", bo)).language == "de"
        found = (await entries(gate))[before:]
        assert {each.scope for each in found} == {"controller:nordlicht"}
        assert [(each.reason, each.subject, each.origin) for each in found] == [
            (SuppressionReason.UNSUBSCRIBE, "anna.berg@anna-maskin.example", f"link:header:{anna}"),
            (SuppressionReason.OBJECTION, "bo.berg@bo-maskin.example", f"link:body:{bo}"),
        ]


async def test_the_ledger_has_it_in_the_same_transaction_and_once(sample: Path, tmp_path: Path) -> None:
    async with opened(sample, tmp_path) as (gate, _):
        (anna,) = await sent(gate, sample, row("anna"))
        for _ in range(2):
            await followed(gate, "header", anna)
        rows = await gate.house.store.ledger.rows(0, 100_000)
        told = [each.body for each in rows if each.kind == "suppressed" and each.body["reason"] == "unsubscribe"]
        assert [(each["scope"], each["protects"]) for each in told] == [("controller:nordlicht", "person")]
        assert "anna" not in str(told)
        assert not (await gate.house.store.ledger.verify()).fault


async def test_who_was_erased_is_still_obeyed(sample: Path, tmp_path: Path) -> None:
    async with opened(sample, tmp_path) as (gate, _):
        (anna,) = await sent(gate, sample, row("anna", language="fr"))
        await gate.house.store.database.write(lambda connection: connection.execute("DELETE FROM contacts").get)
        found = await followed(gate, "body", anna)
        assert found.language is None
        entry = (await entries(gate))[-1]
        assert (entry.subject, entry.reason) == (None, SuppressionReason.OBJECTION)
        hits = await SuppressionList(gate.house).check("Anna.Berg@anna-maskin.example")
        assert [hit.reason for hit in hits] == [SuppressionReason.OBJECTION]


async def test_a_genuine_link_to_a_mail_that_was_lost_is_told_and_not_confirmed(sample: Path, tmp_path: Path) -> None:
    async with opened(sample, tmp_path) as (gate, _):
        with pytest.raises(StoreUnavailable):
            await OptingOut(gate.house).look_up(link(gate, "header", "f" * 32))
        counts = {(each.adapter, each.what): each.number for each in await gate.house.store.returns.counts()}
        assert counts == {("web", "opt_out_unknown"): 1}


async def test_links_for_other_purposes_do_nothing_here(sample: Path, tmp_path: Path) -> None:
    async with opened(sample, tmp_path) as (gate, _):
        (anna,) = await sent(gate, sample, row("anna"))
        effect, before = OptingOut(gate.house), len(await entries(gate))
        for purpose in PURPOSES:
            found = await effect.look_up(link(gate, purpose, anna))
            assert (found is not None) == (purpose in {"header", "body", "test-header", "test-body"}), purpose
            if found is not None and purpose.startswith("test-"):
                assert found.test
                await effect.opt_out(found)
        assert len(await entries(gate)) == before


async def test_the_link_of_a_redirected_mail_changes_nothing_until_the_real_one_went(
    sample: Path, tmp_path: Path
) -> None:
    async with opened(sample, tmp_path, SAFETY__REDIRECT_ALL_TO="trial@nordlicht.example") as (gate, _):
        before = len(await entries(gate))
        (anna,) = await sent(gate, sample, row("anna"))
        assert (await followed(gate, "header", anna)).test
        assert len(await entries(gate)) == before
    async with opened(sample, tmp_path) as (gate, _):
        assert await sent(gate, sample, row("anna")) == [anna]
        assert not (await followed(gate, "header", anna)).test
        assert len(await entries(gate)) == before + 1


@pytest.fixture(scope="module")
async def mailed(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Gate, str]]:
    """A house and the header link of a mail it sent."""
    async with opened(sample, tmp_path_factory.mktemp("mailed")) as (gate, _):
        (anna,) = await sent(gate, sample, row("anna"))
        yield gate, link(gate, "header", anna)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
async def test_no_other_text_is_a_link(mailed: tuple[Gate, str], data: st.DataObject) -> None:
    gate, token = mailed
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(
        st.one_of(
            st.text(max_size=80),
            st.just(token[:at]),
            st.text(min_size=1, max_size=3).map(lambda text: token[:at] + text + token[at + 1 :]),
            st.text(min_size=1, max_size=3).map(lambda text: token + text),
        )
    )
    found = await OptingOut(gate.house).look_up(other)
    assert (found is not None) == (other.removesuffix("/") == token)


async def test_a_link_made_with_other_keys_is_none(sample: Path, tmp_path: Path, mailed: tuple[Gate, str]) -> None:
    async with opened(sample, tmp_path) as (gate, _):
        assert await OptingOut(gate.house).look_up(mailed[1]) is None


@asynccontextmanager
async def web(*routes: Route) -> AsyncIterator[str]:
    stop, url = asyncio.Event(), asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(routes, "127.0.0.1:0", stop, ready=url.set_result))
    try:
        yield await asyncio.wait_for(url, 5)
    finally:
        stop.set()
        await asyncio.wait_for(server, 10)


GOOD = '<main data-penstock="opt-out-test">'


def answering(*, method: str = "", kind: str = "", **answer: Any) -> Route:
    """A page that is right but for one method, or one type of body."""

    async def page(request: Request) -> Response:
        await request.body()
        odd = request.method == method and kind in request.headers.get("content-type", "")
        if not odd:
            return Response(GOOD)
        return RedirectResponse("/other") if answer.pop("moves", False) else Response(**{"content": GOOD, **answer})

    return Route("/{path:path}", page, methods=["GET", "HEAD", "POST"])


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (answering(), ""),
        (answering(method="HEAD", status_code=405), "HEAD answers 405"),
        (answering(method="GET", status_code=202), "GET answers 202"),
        (answering(method="GET", content="Welcome to nginx!"), "GET answers with a page that is not ours"),
        (answering(method="POST", moves=True), "POST (urlencoded) answers 307 (a redirect)"),
        (answering(method="POST", kind="multipart/", status_code=415), "POST (multipart) answers 415"),
        (answering(method="POST", kind="urlencoded", headers={"Set-Cookie": "a=b"}), "POST (urlencoded) sets a cookie"),
    ],
)
async def test_a_page_is_tried_as_a_mail_program_would(page: Route, why: str) -> None:
    async with web(page) as url:
        assert await probe(f"{url}/u/x") == why


async def test_nobody_there_and_no_answer_are_faults_too() -> None:
    async def dumb(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(dumb, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert await probe(f"http://127.0.0.1:{port}/u/x", seconds=0.2) == "no answer within 0.2 s"
        assert (await probe(f"https://127.0.0.1:{port}/u/x", seconds=0.2)).startswith("no ")
    assert await probe(f"http://127.0.0.1:{port}/u/x") == "no connection (ClientConnectorError)"


async def test_one_failure_of_pages_that_worked_holds_nothing_and_a_lasting_one_does(
    sample: Path, tmp_path: Path
) -> None:
    async with opened(sample, tmp_path) as (gate, clock):
        probes = Probes(gate.house.store.database, clock, HOUSE)
        assert await probes.fault() == ""
        assert (await probes.note("")).fault == ""
        assert (await probes.note("gone")).fault == ""
        clock.advance(timedelta(minutes=4))
        assert (await probes.note("gone")).fault == ""
        clock.advance(timedelta(minutes=1))
        assert (await probes.note("gone again")).fault == "gone again"
        assert await probes.fault() == "gone again"
        assert await Probes(gate.house.store.database, clock, "https://new.nordlicht.example").fault() == ""
        assert (await probes.note("")).fault == ""
        assert (await Probes(gate.house.store.database, clock, "https://b.nordlicht.example").note("no")).fault == "no"


async def test_advertising_is_held_while_nobody_could_opt_out(sample: Path, tmp_path: Path) -> None:
    async with opened(sample, tmp_path, WEB__BASE_URL="https://127.0.0.1:1") as (gate, clock):
        campaign, lines = sample / "campaigns" / "purchasing.toml", list[Any]()
        probing = Probing(gate.house)
        assert await probing.look_if_due()
        await gate.send(campaign, [row("anna")], wait=0, emit=lines.append)
        assert [(line["verdict"], line["code"]) for line in lines] == [("hold", "UNSUB_BROKEN")]
        finding = await pages_finding(gate.house)
        assert finding is not None
        assert finding[0] == "fail"
        assert "advertising is held" in finding[1]
        await Probes(gate.house.store.database, clock, "https://127.0.0.1:1").note("")
        await gate.send(campaign, [row("anna")], wait=0, emit=lines.append)
        assert lines[-1]["outcome"] == "accepted"


async def test_the_pages_are_tried_hourly_or_each_minute_while_they_fail(sample: Path, tmp_path: Path) -> None:
    works = True

    async def page(request: Request) -> Response:
        await request.body()
        return Response(GOOD, status_code=200 if works else 500)

    async with (
        web(Route("/u/{token}", page, methods=["GET", "POST"])) as url,
        opened(sample, tmp_path, WEB__BASE_URL=url) as (gate, clock),
    ):
        one, other = Probing(gate.house), Probing(gate.house)
        assert await one.look_if_due()
        assert not await other.look_if_due(), "another process has just tried them"
        clock.advance(timedelta(minutes=59))
        assert not await one.look_if_due()
        clock.advance(timedelta(minutes=1))
        works = False
        assert await other.look_if_due()
        clock.advance(timedelta(seconds=59))
        assert not await one.look_if_due()
        clock.advance(timedelta(seconds=1))
        works = True
        assert await one.look_if_due()


async def test_examples_are_never_tried_and_doctor_says_so(sample: Path, tmp_path: Path) -> None:
    async with opened(sample, tmp_path) as (gate, _):
        assert not Probing(gate.house).due_at_all
        finding = await pages_finding(gate.house)
        assert finding is not None
        assert finding[0] == "warn"
    async with opened(sample, tmp_path, WEB__BASE_URL="") as (gate, _):
        assert not Probing(gate.house).due_at_all
        assert await pages_finding(gate.house) is None


async def test_a_listener_tries_its_own_public_address_once_it_serves(sample: Path, tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()
    own = {"WEB__LISTEN": place, "WEB__BASE_URL": f"http://{place}"}
    async with opened(sample, tmp_path, **own) as (gate, clock):
        stop, ready = asyncio.Event(), asyncio.Event()
        listening = asyncio.create_task(Listening(gate.house).run(stop, ready=lambda _url: ready.set()))
        probes = Probes(gate.house.store.database, clock, f"http://{place}")
        try:
            await asyncio.wait_for(ready.wait(), 5)
            for _ in range(250):
                state = await probes.state()
                if state is not None:
                    break
                await asyncio.sleep(0.02)
            assert state is not None
            assert (state.why, state.fault) == ("", "")
            assert await pages_finding(gate.house) == ("ok", f"http://{place}/u/… takes an opt-out")
        finally:
            stop.set()
            await asyncio.wait_for(listening, 10)
