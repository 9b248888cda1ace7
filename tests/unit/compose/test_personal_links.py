"""Addresses in a finished letter that tell who opens them."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

import pytest

from penstock.compose.personal_links import personal_links
from penstock.model.contact import Contact
from penstock.model.mail import Letter, Mail
from penstock.model.tokens import SignedTokens
from penstock.testing.samples import a_keyring, a_mail

ADDRESS = "Anna.Keller@muster-werk.example"
OURS = ("https://mail.nordlicht.example/u/", "https://mail.nordlicht.example/p/")
TOKENS = SignedTokens(a_keyring())
MAIL: Mail = replace(a_mail(), contact=Contact(ADDRESS), contact_id="contact-4711")


def carried(words: str) -> list[str]:
    letter = Letter((), words, None, "en", "t")
    return [what for _, what in personal_links(MAIL, letter, OURS, TOKENS.read)]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"https://a.example/?u={ADDRESS.lower()}", "the recipient's address"),
        ("https://a.example/?u=anna.keller%40muster-werk.example", "the recipient's address"),
        ("https://a.example/?u=anna.keller&#64;muster-werk.example", "the recipient's address"),
        (f"https://a.example/{base64.b64encode(ADDRESS.encode()).decode()}", "the recipient's address"),
        (
            f"https://a.example/é/{base64.urlsafe_b64encode(ADDRESS.lower().encode()).decode()}",
            "the recipient's address",
        ),
        (f"https://a.example/{hashlib.md5(ADDRESS.encode()).hexdigest()}", "a digest of the recipient's address"),
        (f"//a.example/é?{hashlib.sha256(ADDRESS.encode()).hexdigest()}", "a digest of the recipient's address"),
        (f"https://a.example/{MAIL.id}", "the id of the mail or the contact"),
        ("https://a.example/?c=CONTACT-4711", "the id of the mail or the contact"),
        (f"https://a.example/{TOKENS.sign('body', MAIL.id)}", "a token of this mail"),
        (f"{OURS[0]}t//a.example/?u={ADDRESS}", "the recipient's address"),
        (f"https://a.example/?to=https://b.example/{MAIL.id}", "the id of the mail or the contact"),
    ],
)
def test_what_an_address_carries_is_found(url: str, expected: str) -> None:
    assert carried(f"Words https://a.example/page and\n{url}\nmore words") == [expected]


@pytest.mark.parametrize(
    "words",
    [
        "No address at all",
        f"Words to {ADDRESS} beside https://a.example/page",
        f"{OURS[0]}{TOKENS.sign('body', MAIL.id)} and {OURS[1]}{TOKENS.sign('page', MAIL.id)}",
        f"https://a.example/{hashlib.md5(b'b@other.example').hexdigest()}",
        f"https://a.example/{TOKENS.sign('body', 'f' * 32)}",
        f"https://a.example/{'x' * 100} // ////",
        f'<a href="https://a.example/page">{ADDRESS}</a>',
    ],
)
def test_other_addresses_and_other_words_tell_nobody(words: str) -> None:
    assert carried(words) == []
