"""Letters that advertise, each to a person of its own; what the contact record says decides most of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.corpus.relay.letter import Case, Fields, encoded, letter, multipart, part

__all__ = ["ADVERTISING", "CAMPAIGNS"]

CAMPAIGNS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "letters": (),
    "news": (
        ('stream = "prospecting"', 'stream = "newsletter"'),
        ('basis = "legitimate_interest"', 'basis = "consent"'),
    ),
    "early": (("starts_at = 2026-11-20", "starts_at = 2026-12-01"),),
    "late": (
        ("starts_at = 2026-11-20", "starts_at = 2026-10-20"),
        ("expires_at = 2026-12-20", "expires_at = 2026-11-01"),
    ),
}  # fmt: skip
"""What each differs in from the sample's campaign; their letters are handed in ready-made."""

_TEXT = "text/plain; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_OFFER = "Purchasing software for your plant.\r\n"
_PAGE = "<html><head></head><body><h1>Purchasing</h1><p>Software for your plant.</p>{}</body></html>\r\n"
_SIGNATURE = part("application/pgp-signature", "-----BEGIN PGP SIGNATURE-----\r\n")
_CONSENT = {
    "channel": "email", "controller": "Nordlicht Software AB", "given_at": "2026-10-01", "wording": "v3",
    "purpose": "offer of purchasing software to purchasing heads in machinery", "mechanism": "double_opt_in",
    "evidence": "sha256:00",
}  # fmt: skip

_MESSAGES: dict[str, tuple[Fields, str | bytes]] = {
    "ad-plain": ({}, _OFFER),
    "ad-html": ({"Content-Type": _HTML}, _PAGE.format("")),
    "ad-alternative": (
        {"Content-Type": "multipart/alternative; boundary=alt"},
        multipart("alt", part(_TEXT, _OFFER), part(_HTML, _PAGE.format(""))),
    ),
    "ad-attachment": (
        {"Content-Type": "multipart/mixed; boundary=mix"},
        multipart("mix", part(_TEXT, _OFFER), part("application/pdf", encoded(b"%PDF-1.4 " * 30),
                                                    Content_Transfer_Encoding="base64")),
    ),
    "ad-base64": ({"Content-Type": _TEXT, "Content-Transfer-Encoding": "base64"}, encoded("Größe\r\n".encode() * 9)),
    "ad-quoted": (
        {"Content-Type": _HTML, "Content-Transfer-Encoding": "quoted-printable"},
        "<html><body><p>Gr=C3=B6=C3=9Fe, purchasing=\r\n software</p></body></html>\r\n",
    ),
    "ad-latin-1": ({"Content-Type": "text/plain; charset=iso-8859-1"}, "Einkauf, Größe\r\n".encode("latin-1")),
    "ad-flowed": ({"Content-Type": f"{_TEXT}; format=flowed"}, "Purchasing \r\nsoftware\r\n"),
    "ad-eight-bit": ({"Content-Type": _TEXT, "Content-Transfer-Encoding": "8bit"}, "inköp på nätet\r\n"),
    "ad-own-list-headers": (
        {"List-Unsubscribe": "<https://crm.example/u/1>", "List-Id": "<x.crm.example>", "Feedback-ID": "1:2:3:crm"},
        _OFFER,
    ),
    "ad-names-others": ({"Cc": "somebody@kund.example"}, _OFFER),
    "ad-signed": (
        {"Content-Type": 'multipart/signed; protocol="application/pgp-signature"; boundary=sig'},
        multipart("sig", part(_TEXT, _OFFER), _SIGNATURE),
    ),
    "ad-enveloped": (
        {"Content-Type": "application/pkcs7-mime", "Content-Transfer-Encoding": "base64"}, encoded(b"0" * 99)
    ),
    "ad-placeholder": ({}, "Dear {{ given_name }}, purchasing software\r\n"),
    "ad-merge-field": ({"Content-Type": _HTML}, _PAGE.format("<p>Dear *|FNAME|*</p>")),
    "ad-pixel": ({"Content-Type": _HTML}, _PAGE.format("<img src='https://crm.example/o.gif' width=1 height=1>")),
    "ad-tracking-link": (
        {"Content-Type": _HTML},
        _PAGE.format("<a href='https://crm.example/?to=ad-tracking-link.berg@ad-tracking-link-maskin.example'>x</a>"),
    ),
    "ad-hides-blocks": ({"Content-Type": _HTML}, "<style>div{display:none}</style>" + _PAGE.format("")),
    "ad-no-subject": ({"Subject": None}, _OFFER),
    "ad-off-topic": ({"Subject": "Lunch on Friday?"}, "Shall we eat together?\r\n"),
    "ad-false-reply": ({"Subject": "Re: purchasing"}, _OFFER),
    "ad-no-controller-in-from": ({"From": "Eva <eva.berg@nordlicht.example>"}, _OFFER),
    "ad-broken-multipart": (
        {"Content-Type": "multipart/mixed; boundary=mix"}, multipart("mix", part(_TEXT, "x"), end=False)
    ),
    "ad-charset-unknown": ({"Content-Type": "text/plain; charset=x-nobody"}, b"purchasing \xf6\r\n"),
    "ad-no-date-no-id": ({"Date": None, "Message-ID": None, "MIME-Version": None}, _OFFER),
    "ad-stream-said": ({"X-Penstock-Stream": "prospecting"}, _OFFER),
    "ad-other-stream": ({"X-Penstock-Stream": "customer"}, _OFFER),
    "ad-campaign-unknown": ({"X-Penstock-Campaign": "nobody"}, _OFFER),
    "ad-campaign-with-letter": ({"X-Penstock-Campaign": "purchasing-2026"}, _OFFER),
    "ad-without-campaign": ({"X-Penstock-Stream": "prospecting", "X-Penstock-Campaign": None}, _OFFER),
    "ad-not-due": ({"X-Penstock-Campaign": "early"}, _OFFER),
    "ad-stale": ({"X-Penstock-Campaign": "late"}, _OFFER),
}  # fmt: skip

_PEOPLE: dict[str, dict[str, Any]] = {
    "ad-to-minor": {"flags": ["minor"]},
    "ad-to-restricted": {"flags": ["restricted"]},
    "ad-to-special-category": {"flags": ["special_category"]},
    "ad-to-child-by-birth": {"born": "2012-01-01"},
    "ad-without-source": {"source": None},
    "ad-scraped": {"source": {"method": "scraped_directory", "collected_at": "2026-11-10"}},
    "ad-without-language": {"language": None, "country": "FI"},
    "ad-abroad": {"country": "US"},
    "ad-without-country": {"country": None},
    "ad-other-function": {"function": "hr"},
    "ad-small-firm": {"company": {"employees": 3}},
    "ad-german": {"country": "DE", "language": "de"},
    "ad-private": {"recipient_kind": "private"},
    "ad-sole-trader": {"recipient_kind": "sole_trader", "company": {"legal_form": "sole_trader"}},
    "ad-stale-data": {"verified_at": "2022-01-01"},
}

_SUPPRESSED = {
    "ad-objected": ("--reason", "objection"),
    "ad-unsubscribed": ("--reason", "unsubscribe"),
    "ad-complained": ("--reason", "complaint"),
    "ad-bounced": ("--reason", "bounce"),
}


def _address(name: str) -> str:
    return f"{name}.berg@{name}-maskin.example"


def _case(name: str, fields: Fields, body: str | bytes, contact: Mapping[str, Any] | None, **more: Any) -> Case:
    usual: Fields = {
        "Subject": "Purchasing without spreadsheets", "X-Penstock-Stream": None, "X-Penstock-Campaign": "letters",
        "To": _address(name),
    }  # fmt: skip
    to = (_address(name), *([str(fields["Cc"])] if "Cc" in fields else []))
    return Case(name, letter({**usual, **fields}, body), to, contact, **more)


ADVERTISING = (
    *(_case(name, fields, body, {}) for name, (fields, body) in _MESSAGES.items()),
    *(_case(name, {}, _OFFER, fields) for name, fields in _PEOPLE.items()),
    *(_case(name, {}, _OFFER, {}, suppressed=words) for name, words in _SUPPRESSED.items()),
    _case("ad-unknown-contact", {}, _OFFER, None),
    _case("ad-news-without-consent", {"X-Penstock-Campaign": "news"}, _OFFER, {}),
    _case("ad-news-with-consent", {"X-Penstock-Campaign": "news"}, _OFFER, {"consents": [_CONSENT]}),
    _case("ad-handed-in-twice", {}, _OFFER, {}, times=2),
)
