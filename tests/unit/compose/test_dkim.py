"""Signatures: whatever we sign two others accept, and whatever is changed afterwards they refuse."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.compose.dkim_judges import dkimpy_accepts, ed25519_holds, opendkim_says, record_of

from penstock.compose.dkim import GOOD_FOR, DkimKey, DkimSigner
from penstock.compose.mime import serialise
from penstock.model.mail import Letter

DOMAIN = "nordlicht.example"
NOW = datetime.now(UTC)
SCRIPTS = (
    "Förfrågningar om inköp", "Größe und Maß", "Réponse à l’été", "Закупки без таблиц", "Προμήθειες χωρίς φύλλα",
    "רכש ללא גיליונות", "مشتريات بدون جداول", "स्प्रेडशीट के बिना", "স্প্রেডশিট ছাড়া", "ஒரு கோரிக்கை", "ಖರೀದಿ", "വാങ്ങൽ",
    "ඉල්ලීම", "การจัดซื้อ", "ການຈັດຊື້", "ဝယ်ယူရေး", "ការទិញ", "გთხოვთ", "Գնումներ", "購買の表なし", "구매 요청", "采购无表格",
    "ᎣᏏᏲ", "ግዢ", "ⵜⴰⵎⴰⵣⵉⵖⵜ", "ཉོ་སྒྲུབ", "ܫܠܡܐ", "ދިވެހި", "e\u0301toile", "👩‍👩‍👧‍👦 🏳️‍🌈",
)  # fmt: skip
HEADERS = (
    ("Date", "Fri, 20 Nov 2026 08:00:00 +0000"),
    ("From", "Eva Berg, Nordlicht Software AB <eva.berg@nordlicht.example>"),
    ("To", "Anna Keller <anna.keller@muster-werk.example>"),
    ("Message-ID", "<0123456789abcdef.a1b2c3d4e5f6@nordlicht.example>"),
    ("Reply-To", "eva.berg@nordlicht.example"),
    ("List-Unsubscribe", f"<https://mail.nordlicht.example/u/{'t' * 56}>, <mailto:unsub+{'t' * 56}@reply.n.example>"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ("List-Id", "purchasing software <purchasing-2026.list.nordlicht.example>"),
    ("Feedback-ID", "0123456789ab:prospecting::ps0123456789"),
    ("MIME-Version", "1.0"),
)
PLAIN = (
    b"From: Eva Berg <eva.berg@nordlicht.example>\r\nTo: anna@muster-werk.example\r\nSubject: offer\r\n"
    b"Date: Fri, 20 Nov 2026 08:00:00 +0000\r\n\r\nHello.\r\n"
)


@pytest.fixture(scope="module")
def rsa() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def ed25519() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def records(rsa: RSAPrivateKey, ed25519: Ed25519PrivateKey) -> dict[str, str]:
    return {f"s1._domainkey.{DOMAIN}": record_of(rsa), f"e1._domainkey.{DOMAIN}": record_of(ed25519)}


@pytest.fixture(scope="module")
def sign(rsa: RSAPrivateKey) -> Callable[[bytes], bytes]:
    """The message with the signature by RSA before it."""
    signer = DkimSigner(DOMAIN, [DkimKey("s1", rsa)])
    return lambda data: signer.signature(data, NOW) + data


@pytest.fixture(scope="module")
def sign_twice(rsa: RSAPrivateKey, ed25519: Ed25519PrivateKey) -> Callable[[bytes], bytes]:
    """The message with both signatures before it."""
    signer = DkimSigner(DOMAIN, [DkimKey("s1", rsa), DkimKey("e1", ed25519)])
    return lambda data: signer.signature(data, NOW) + data


def letter(words: str) -> bytes:
    """A mail as we write it, with all headers of a commercial one."""
    text = f"{words},\n\n  an indented line, a\ttab and a line end  \n{words * 40}\n\n\n"
    html = f"<html><body>\n  <p>{words}</p>\n{'<p>x</p>' * 200}</body></html>\n"
    data = serialise(
        Letter((*HEADERS, ("Subject", words)), text, html, "en", "t1"), boundary="=_0123456789abcdef01234567"
    )
    assert isinstance(data, bytes)
    return data


HEAD = PLAIN.partition(b"\r\n\r\n")[0]
NASTY = {
    "empty body": HEAD + b"\r\n\r\n",
    "no body at all": HEAD + b"\r\n",
    "one empty line": HEAD + b"\r\n\r\n\r\n",
    "blank lines at the end": PLAIN + b"\r\n" * 50,
    "blank lines with spaces at the end": PLAIN + b" \r\n\t\r\n" * 5,
    "white space everywhere": HEAD + b"\r\n\r\n  a \t b  \r\n\t\r\n c\td \r\n",
    "folded headers": b"Subject: a\r\n very\r\n\t  long \r\n   subject\r\n" + PLAIN.replace(b"Subject: offer\r\n", b""),
    "capitals and spaces": PLAIN.replace(b"Subject: offer", b"SUBJECT:  \t offer  "),
    "empty subject": PLAIN.replace(b"Subject: offer", b"Subject:"),
    "eight bits": HEAD + "\r\nList-Id: Größe <a.b>\r\n\r\nGröße £ \xff\r\n".encode("latin-1"),
    "UTF-8 in headers": "Subject: Größe\r\n".encode() + PLAIN.replace(b"Subject: offer\r\n", b""),
    "lines of 998 octets": HEAD + b"\r\n\r\n" + (b"x" * 998 + b"\r\n") * 3,
    "longer lines still": HEAD + b"\r\n\r\n" + b"y" * 20_000 + b"\r\n",
    "dots": HEAD + b"\r\n\r\n.\r\n..\r\n.x\r\n",
    "several of one name": b"References: <a@b>\r\nReferences: <c@d>\r\nCc: x@y.example\r\n" + PLAIN,
    "headers nobody signs": b"Received: from x\r\nX-Any: 1\r\nReturn-Path: <a@b.example>\r\n" + PLAIN,
}


@pytest.mark.parametrize("words", SCRIPTS)
def test_a_letter_in_any_script_verifies(words: str, sign: Callable[[bytes], bytes], records: dict[str, str]) -> None:
    assert dkimpy_accepts(sign(letter(words)), records)


@pytest.mark.parametrize("data", NASTY.values(), ids=NASTY)
def test_a_message_of_any_making_verifies(
    data: bytes, sign_twice: Callable[[bytes], bytes], records: dict[str, str]
) -> None:
    signed = sign_twice(data)
    assert dkimpy_accepts(signed, records)
    assert ed25519_holds(signed, records)


@pytest.mark.needs("opendkim")
def test_opendkim_takes_both_signatures_of_all_of_them(
    sign_twice: Callable[[bytes], bytes], records: dict[str, str], tmp_path: Path
) -> None:
    messages = [sign_twice(data) for data in (*map(letter, SCRIPTS), *NASTY.values())]
    assert opendkim_says(messages, records, tmp_path) == [["pass", "pass"]] * len(messages)
    changed = [
        messages[0].replace(b"\r\n\r\n", b"\r\n\r\nmore\r\n", 1),
        messages[1].replace(b'"Eva Berg', b'"Eve Berg', 1),
    ]
    assert all("pass" not in said for said in opendkim_says(changed, records, tmp_path))


WORD = st.binary(min_size=1, max_size=12).map(lambda octets: re.sub(rb"[\r\n\x00\x0b\x0c]", b"", octets) or b"x")
SPACE = st.sampled_from([b" ", b"  ", b"\t", b"\r\n ", b"\r\n\t ", b" \r\n  "])
NAME = st.sampled_from(
    [b"Subject", b"SUBJECT", b"reply-to", b"References", b"In-Reply-To", b"List-Id", b"CFBL-Address", b"X-Any", b"Cc"]
)


@st.composite
def fields(draw: st.DrawFn) -> bytes:
    """A header block of folded fields, From among them."""
    found = [b"From: Eva <eva@nordlicht.example>\r\n"]
    for name in draw(st.lists(NAME, max_size=6)):
        pieces = draw(st.lists(st.tuples(SPACE, WORD), max_size=4))
        found.append(name + b":" + b"".join(space + word for space, word in pieces) + b"\r\n")
    return b"".join(draw(st.permutations(found)))


BODY = st.lists(
    st.one_of(st.sampled_from([b"", b" ", b"a  b", b"\t", b"x "]), WORD, st.lists(WORD, max_size=5).map(b" ".join)),
    max_size=8,
).map(lambda lines: b"".join(line + b"\r\n" for line in lines))


@given(head=fields(), body=BODY)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_signed_dkimpy_accepts(
    head: bytes, body: bytes, sign_twice: Callable[[bytes], bytes], records: dict[str, str]
) -> None:
    signed = sign_twice(head + b"\r\n" + body)
    assert dkimpy_accepts(signed, records)
    assert ed25519_holds(signed, records)


SIGNED = (
    b"Date", b"From", b"To", b"Subject", b"Message-ID", b"Reply-To", b"List-Unsubscribe", b"List-Unsubscribe-Post",
    b"List-Id", b"Feedback-ID", b"MIME-Version", b"Content-Type",
)  # fmt: skip


@pytest.mark.parametrize("name", SIGNED)
def test_a_signed_header_that_is_changed_or_taken_away_is_noticed(
    name: bytes, sign_twice: Callable[[bytes], bytes], records: dict[str, str]
) -> None:
    signed = sign_twice(letter("offer"))
    assert dkimpy_accepts(signed, records)
    field = re.compile(rb"^%b: [^\r]*(\r\n [^\r]*)*\r\n" % re.escape(name), re.MULTILINE)
    changed, number = field.subn(b"%b: another@else.example\r\n" % name, signed, count=1)
    assert number == 1
    for forged in (changed, field.sub(b"", signed, count=1)):
        assert not dkimpy_accepts(forged, records)
        assert not ed25519_holds(forged, records)


@pytest.mark.parametrize(
    "name", [b"From", b"To", b"Subject", b"Reply-To", b"List-Unsubscribe", b"List-Unsubscribe-Post"]
)
@pytest.mark.parametrize("data", [letter("offer"), PLAIN], ids=["commercial", "plain"])
def test_nobody_can_add_another_of_these(
    name: bytes, data: bytes, sign_twice: Callable[[bytes], bytes], records: dict[str, str]
) -> None:
    signed, added = sign_twice(data), b"%b: else@else.example\r\n" % name
    forgeries = (added + signed, signed.replace(b"\r\n\r\n", b"\r\n" + added + b"\r\n", 1))
    assert dkimpy_accepts(signed, records)
    for forged in forgeries:
        assert not dkimpy_accepts(forged, records)
        assert not ed25519_holds(forged, records)


def test_a_body_that_is_changed_cut_or_continued_is_noticed(
    sign: Callable[[bytes], bytes], records: dict[str, str]
) -> None:
    signed = sign(PLAIN)
    assert dkimpy_accepts(signed + b"\r\n\r\n", records)  # empty lines at the end may come and go
    for forged in (signed.replace(b"Hello", b"Hallo"), signed[:-8], signed + b"and more\r\n"):
        assert not dkimpy_accepts(forged, records)


def tags(signature: bytes) -> dict[str, str]:
    name, _, value = signature.decode("ascii").partition(": ")
    assert name == "DKIM-Signature"
    unfolded = value.replace("\r\n", "")
    return {tag: told for tag, _, told in (each.strip().partition("=") for each in unfolded.split(";"))}


def test_the_signature_says_what_the_rules_ask_for(rsa: RSAPrivateKey) -> None:
    signature = DkimSigner(DOMAIN, [DkimKey("s1", rsa)]).signature(letter("offer"), NOW)
    found = tags(signature)
    assert found.keys() == {"v", "a", "c", "d", "s", "t", "x", "h", "bh", "b"}  # no l=, no i=
    assert (found["a"], found["c"], found["d"], found["s"]) == ("rsa-sha256", "relaxed/relaxed", DOMAIN, "s1")
    assert int(found["t"]) == int(NOW.timestamp())
    assert int(found["x"]) - int(found["t"]) == GOOD_FOR >= timedelta(days=7).total_seconds()
    assert found["h"].replace(" ", "").split(":") == [
        "from", "from", "to", "to", "subject", "subject", "date", "message-id", "reply-to", "reply-to", "mime-version",
        "content-type", "list-id", "list-unsubscribe", "list-unsubscribe", "list-unsubscribe-post",
        "list-unsubscribe-post", "feedback-id",
    ]  # fmt: skip
    lines = signature.split(b"\r\n")
    assert lines.pop() == b""
    assert max(map(len, lines)) <= 78
    assert all(line.startswith(b" ") for line in lines[1:])


def test_the_same_message_at_the_same_time_gets_the_same_signature(
    rsa: RSAPrivateKey, ed25519: Ed25519PrivateKey
) -> None:
    keys = [DkimKey("s1", rsa), DkimKey("e1", ed25519)]
    one, other = DkimSigner(DOMAIN, keys), DkimSigner(DOMAIN, keys)
    assert one.signature(PLAIN, NOW) == one.signature(PLAIN, NOW) == other.signature(PLAIN, NOW)
    assert one.signature(PLAIN, NOW) != one.signature(PLAIN, NOW + timedelta(seconds=1))


def test_headers_that_a_way_out_rewrites_are_left_out_but_never_from(
    rsa: RSAPrivateKey, records: dict[str, str]
) -> None:
    data = letter("offer")
    kept = frozenset({"subject", "to", "mime-version"})
    signature = DkimSigner(DOMAIN, [DkimKey("s1", rsa)]).signature(data, NOW, kept)
    assert set(tags(signature)["h"].replace(" ", "").split(":")) == {"from", "subject", "to", "mime-version"}
    rewritten = data.replace(b"Message-ID: <0", b"Message-ID: <another")
    assert rewritten != data
    assert dkimpy_accepts(signature + b"List-Unsubscribe: <https://esp.example>\r\n" + rewritten, records)


def test_a_long_domain_and_selector_stand_on_lines_of_their_own(rsa: RSAPrivateKey) -> None:
    domain = ".".join(["a" * 60] * 3 + ["example"])
    signature = DkimSigner(domain, [DkimKey("s" * 60, rsa)]).signature(PLAIN, NOW)
    long = [line for line in signature.split(b"\r\n") if len(line) > 78]
    assert long == [f" d={domain};".encode()]
    assert dkimpy_accepts(signature + PLAIN, {f"{'s' * 60}._domainkey.{domain}": record_of(rsa)})


def test_another_signature_that_is_there_already_stays_good(
    sign: Callable[[bytes], bytes], records: dict[str, str]
) -> None:
    theirs = generate_private_key(65537, 2048)
    relayed = DkimSigner("other.example", [DkimKey("k", theirs)]).signature(PLAIN, NOW) + PLAIN
    both = sign(relayed)
    assert both.endswith(relayed)
    assert dkimpy_accepts(both, records)
    assert dkimpy_accepts(both.removeprefix(both[: -len(relayed)]), {"k._domainkey.other.example": record_of(theirs)})


def test_a_message_without_from_and_a_key_that_is_too_short_are_refused(rsa: RSAPrivateKey) -> None:
    with pytest.raises(ValueError, match="From"):
        DkimSigner(DOMAIN, [DkimKey("s1", rsa)]).signature(b"To: x@y.example\r\n\r\n", NOW)
    with pytest.raises(ValueError, match="1023 bits"):
        DkimKey("s1", cast("Any", SimpleNamespace(key_size=1023)))


def test_a_key_does_not_show_itself(rsa: RSAPrivateKey) -> None:
    assert repr(DkimKey("s1", rsa)) == "DkimKey('s1', rsa-sha256)"
