"""`penstock demo`: the first thing a newcomer runs, and the mails it leaves."""

from __future__ import annotations

import csv
import email
import email.policy
import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import getaddresses, parseaddr
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Contents = Callable[[Path], dict[str, bytes]]

ONCE = ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "List-Unsubscribe", "List-Unsubscribe-Post",
        "List-Id", "Feedback-ID", "Reply-To")  # fmt: skip
ALL_BLOCKS = ["identity", "reason", "source", "rights", "objection", "optout", "contact"]
FOR_ANYBODY = ["identity", "reason", "optout", "contact"]


@pytest.fixture(scope="module")
def lines(records: Records, demo: Path) -> list[dict[str, Any]]:
    """The decisions of the demo's contacts by a check that knows nothing of the demo's store."""
    alone = demo.parent / "alone"
    shutil.copytree(demo, alone, ignore=shutil.ignore_patterns("penstock.db*", "outbox", "rejects"))
    return records("check", "campaigns/purchasing.toml", "--contacts", "contacts.csv", cwd=alone)


@pytest.fixture(scope="module")
def mails(demo: Path) -> dict[str, EmailMessage]:
    """The finished mails of the main campaign by id, parsed."""
    return of_campaign(demo, "purchasing-2026")


def of_campaign(demo: Path, campaign: str) -> dict[str, EmailMessage]:
    parsed = {
        file.stem: email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        for file in sorted((demo / "outbox").iterdir())
    }
    return {name: mail for name, mail in parsed.items() if f"<{campaign}." in mail["List-Id"]}


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def faults(mail: EmailMessage) -> Iterator[Any]:
    for part in mail.walk():
        yield from part.defects
        for value in part.values():
            yield from value.defects


def test_it_decides_at_least_200_contacts_of_8_countries(lines: list[dict[str, Any]], demo: Path) -> None:
    assert len(lines) >= 200
    with (demo / "contacts.csv").open(encoding="utf-8", newline="") as file:
        countries = {row["country"] for row in csv.DictReader(file)}
    assert countries >= {"FR", "SE", "GB", "IE", "FI", "DE", "NL", "ES"}


def test_every_verdict_occurs(lines: list[dict[str, Any]]) -> None:
    assert {line["verdict"] for line in lines} == {"send", "defer", "hold", "block", "reject"}


FAMILIES = {
    1: {"SUPPRESSED_PERSON", "SUPPRESSED_COMPANY", "CONSENT_WITHDRAWN", "RESTRICTED", "EXTERNAL_REGISTER",
        "HARD_BOUNCED", "COMPLAINED"},
    2: {"INVALID_ADDRESS", "SMTPUTF8_UNSUPPORTED", "NOT_PROFESSIONAL", "ROLE_ADDRESS_TECHNICAL", "MINOR",
        "SPECIAL_CATEGORY"},
    3: {"COUNTRY_UNKNOWN", "LEGAL_FORM_UNKNOWN", "CONSENT_REQUIRED", "CONSENT_CHANNEL", "CONSENT_CONTROLLER",
        "CONSENT_PURPOSE", "CONSENT_UNPROVEN", "CONSENT_EXPIRED", "SOFT_OPTIN_FAILED", "IMPLIED_CONSENT_EXPIRED"},
    4: {"NO_LEGAL_BASIS", "DPIA_MISSING", "NOT_RELEVANT", "REASON_MISSING", "SOURCE_MISSING", "SOURCE_FORBIDDEN",
        "ART14_OVERDUE", "LANGUAGE_MISSING"},
    5: {"STALE", "UNVERIFIED", "FREQUENCY_CAP", "DUPLICATE"},
    6: {"RENDER_FAILED", "PLACEHOLDER_LEFT"},
    7: {"RATE_BACKOFF"},
    9: {"IMPORT_UNRESOLVED"},
}  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_of_codes_is_in_the_report(demo: Path, family: int) -> None:
    report = (demo / "report.html").read_text(encoding="utf-8")
    missing = {code for code in FAMILIES[family] if f"<code>{code}</code>" not in report}
    assert missing == set()


def test_customers_are_mailed_at_the_pace_of_their_own_way_out(penstock: Run, demo: Path) -> None:
    """Sixteen may go, twelve a day do; a listed Austrian and customers without the exception's evidence do not."""
    to = {parseaddr(mail["To"])[1] for mail in of_campaign(demo, "supplier-module-2026").values()}
    assert len(to) == 12
    assert "franziska.obertauern@gletscherbach-pumpen.example" not in to
    assert "4 wait in the queue" in penstock("demo", "--out", "out", cwd=demo.parent, now=None).stdout


def test_the_second_company_waits_for_its_import_and_the_first_does_not(records: Records, demo: Path) -> None:
    found = records("check", "campaigns/service.toml", "--contacts", "service.csv", cwd=demo)
    assert [line["code"] for line in found] == ["SUPPRESSED_PERSON", "IMPORT_UNRESOLVED", "IMPORT_UNRESOLVED"]


def test_the_demos_config_is_the_sample_config_and_more(sample: Path, demo: Path) -> None:
    small, large = (tomllib.loads((each / "config.toml").read_text("utf-8")) for each in (sample, demo))
    for table, values in small.items():
        assert values.items() <= large[table].items(), table


def test_exactly_what_the_ledger_calls_accepted_lies_in_the_outbox(
    penstock: Run, demo: Path, mails: dict[str, EmailMessage]
) -> None:
    done = penstock("ledger", "export", cwd=demo)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    accepted = sorted(row["mail"] for row in rows if row.get("outcome") == "accepted")
    assert accepted == sorted(file.stem for file in (demo / "outbox").iterdir())
    assert len(mails) >= 200


def test_the_mails_are_well_formed(mails: dict[str, EmailMessage]) -> None:
    assert {name: list(map(str, faults(mail))) for name, mail in mails.items() if list(faults(mail))} == {}
    for mail in mails.values():
        assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_the_lines_of_the_mails_are_of_legal_length_and_end(demo: Path) -> None:
    for file in (demo / "outbox").iterdir():
        data = file.read_bytes()
        assert max(map(len, data.split(b"\r\n"))) <= 998
        assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data)


def test_every_header_is_there_once_and_none_too_many(mails: dict[str, EmailMessage]) -> None:
    for mail in mails.values():
        assert sorted(name.lower() for name in mail.keys()) == sorted(  # noqa: SIM118 — a message repeats its keys
            name.lower() for name in (*ONCE, "Content-Type")
        )


def test_the_headers_say_exactly_what_was_promised(mails: dict[str, EmailMessage]) -> None:
    for name, mail in mails.items():
        assert parseaddr(mail["From"]) == ("Eva Berg, Nordlicht Software AB", "eva.berg@nordlicht.example")
        assert mail["Reply-To"] == "eva.berg@nordlicht.example"
        assert len(getaddresses([mail["To"]])) == 1
        assert mail["Date"].datetime == datetime(2026, 11, 23, 9, tzinfo=UTC)
        assert re.fullmatch(rf"<{name}\.[0-9a-f]+@nordlicht\.example>", mail["Message-ID"])
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        web, mailto = re.findall(r"<([^>]*)>", mail["List-Unsubscribe"])
        assert re.fullmatch(r"https://mail\.nordlicht\.example/u/[A-Za-z0-9_-]{40,80}", web)
        assert re.fullmatch(r"mailto:[a-z]+\+[A-Za-z0-9_-]+@reply\.nordlicht\.example(\?subject=\w+)?", mailto)
        assert mail["List-Id"].endswith("<purchasing-2026.list.nordlicht.example>")
        assert re.fullmatch(r"[\w-]*:[\w-]*:[\w-]*:[\w-]{5,15}", mail["Feedback-ID"])


def test_no_header_tells_who_the_recipient_is_but_to_and_subject(mails: dict[str, EmailMessage]) -> None:
    for mail in mails.values():
        address = parseaddr(mail["To"])[1]
        local, _, domain = address.partition("@")
        for header, value in mail.items():
            if header not in ("To", "Subject"):
                assert local not in value
                assert domain not in value


def test_each_link_of_a_mail_has_a_token_of_its_own(mails: dict[str, EmailMessage]) -> None:
    seen: set[str] = set()
    for mail in mails.values():
        header = re.findall(r"/u/([\w-]+)|unsub\+([\w-]+)@", mail["List-Unsubscribe"])
        tokens = {token for pair in header for token in pair if token}
        text = set(re.findall(r"/u/([\w-]+)", body(mail, "plain")))
        assert text == set(re.findall(r"/u/([\w-]+)", body(mail, "html")))
        assert len(text) == 1
        assert len(tokens | text) == 3
        assert not seen & (tokens | text)
        seen |= tokens | text


def test_a_first_contact_carries_all_seven_blocks_and_a_company_mailbox_four(
    mails: dict[str, EmailMessage], lines: list[dict[str, Any]]
) -> None:
    variants = {line["address"]: line["variant"] for line in lines}
    counted = {"first": 0, "regular": 0}
    for mail in mails.values():
        variant = variants[parseaddr(mail["To"])[1]]
        counted[variant] += 1
        wanted = ALL_BLOCKS if variant == "first" else FOR_ANYBODY
        assert re.findall(r'data-penstock="(\w+)"', body(mail, "html")) == wanted
        _, rule, tail = body(mail, "plain").replace("\r\n", "\n").rpartition("\n" + "-" * 20)
        assert rule
        blocks = [block for block in tail.lstrip("-").strip().split("\n\n") if block.strip()]
        assert len(blocks) == len(wanted)
        assert "Nordlicht Software AB" in blocks[0]
        assert "/u/" in blocks[wanted.index("optout")]
    assert min(counted.values()) > 0


def test_language_and_direction_stand_on_the_page_and_on_each_block(mails: dict[str, EmailMessage]) -> None:
    languages = set()
    for mail in mails.values():
        html = body(mail, "html")
        root = re.search(r'<html[^>]*\blang="(\w+)"[^>]*\bdir="(\w+)"', html)
        assert root is not None
        languages.add(root[1])
        marked = re.findall(r"<[^>]*data-penstock=[^>]*>", html)
        assert all(f'lang="{root[1]}"' in tag and 'dir="ltr"' in tag for tag in marked)
    assert languages >= {"en", "fr", "de", "sv"}


def test_the_notice_names_offer_and_purpose_in_the_readers_language(mails: dict[str, EmailMessage]) -> None:
    """The campaign translates both; a Swedish letter must not explain itself in English."""
    swedish = next(mail for mail in mails.values() if 'lang="sv"' in body(mail, "html"))
    notice = body(swedish, "plain").rpartition("-" * 20)[2]
    assert "inköpssystem" in notice
    assert "purchasing software" not in notice


def test_nothing_is_left_of_the_templates(mails: dict[str, EmailMessage]) -> None:
    for mail in mails.values():
        for text in (mail["Subject"], body(mail, "plain"), body(mail, "html")):
            assert not re.search(r"\{\{|\}\}|\{%|%\}|\bNone\b", text)


def test_it_touches_nothing_outside_its_folder(finished_demo: Path, contents: Contents) -> None:
    """Its home was there, too."""
    outside = {name for name in contents(finished_demo.parent) if not name.startswith("out/")}
    assert outside == {"mine.txt"}


def test_it_needs_no_network_and_may_be_run_again_in_its_folder(penstock: Run, tmp_path: Path) -> None:
    """Proxies that lead nowhere change nothing; without a folder it takes a new one and says which."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://192.0.2.1:9")
    done = penstock("demo", cwd=tmp_path, env={**nowhere, "TMPDIR": str(tmp_path)}, now=None)
    assert done.returncode == 0, done.stderr
    (folder,) = tmp_path.iterdir()
    assert str(folder) in done.stdout
    mails = len(list((folder / "outbox").iterdir()))
    again = penstock("demo", "--out", folder, cwd=tmp_path, now=None)
    assert again.returncode == 0, again.stderr
    assert len(list((folder / "outbox").iterdir())) == mails


def test_it_refuses_a_folder_that_holds_something_else(refusal: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("do not touch")
    assert "out" in refusal("demo", "--out", "out", cwd=tmp_path, now=None)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "do not touch"
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["thesis.txt"]


def test_the_report_names_every_code_that_occurred(demo: Path, lines: list[dict[str, Any]]) -> None:
    report = (demo / "report.html").read_text(encoding="utf-8")
    for code in {line["code"] for line in lines if line["code"]}:
        assert code in report


def chromium(folder: Path, *args: str) -> str:
    """Standard output of a headless Chromium with a profile of its own."""
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}", *args],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("width", [320, 1100])
def test_the_report_fits_the_screen(demo: Path, tmp_path: Path, width: int) -> None:
    """The page stands in a frame of that width; a script writes down how large it wants to be."""
    report = (demo / "report.html").as_uri()
    measure = 'const d=f.contentDocument.documentElement;document.title=d.scrollWidth+" "+d.scrollHeight'
    frame = tmp_path / "frame.html"
    frame.write_text(
        f'<!doctype html><body><iframe id="f" width="{width}" height="900" style="border:0" src="{report}"></iframe>'
        f"<script>onload=()=>{{{measure}}}</script>"
    )
    page = chromium(tmp_path, "--allow-file-access-from-files", "--window-size=1200,1000", "--dump-dom", frame.as_uri())
    found = re.search(r"<title>(\d+) (\d+)</title>", page)
    assert found is not None
    assert int(found[1]) <= width
    assert int(found[2]) > 900
    picture = tmp_path / "report.png"
    chromium(tmp_path, f"--window-size={width},900", f"--screenshot={picture}", report)
    assert picture.stat().st_size > 10_000
