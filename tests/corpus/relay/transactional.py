"""Letters that no advertising rule looks at: orders, invoices, notices."""

from __future__ import annotations

from tests.corpus.relay.letter import FROM, Case, Fields, encoded, letter, multipart, part

__all__ = ["TRANSACTIONAL"]

_PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452") + bytes(range(64))
_TEXT = "text/plain; charset=utf-8"
_HTML = "text/html; charset=utf-8"
_PAGE = "<html lang=en><body><h1>Your order</h1><p>It left our house today.</p></body></html>\r\n"
_INVOICE = part("application/pdf", encoded(b"%PDF-1.4 " + bytes(range(256))), Content_Transfer_Encoding="base64",
                Content_Disposition='attachment; filename="invoice.pdf"')  # fmt: skip
_BIG = part("application/zip", encoded(bytes(range(256)) * 3400), Content_Transfer_Encoding="base64")
_PGP = part("application/pgp-signature", "-----BEGIN PGP SIGNATURE-----\r\n\r\niQ==\r\n-----END PGP SIGNATURE-----\r\n")
_BOTH = multipart("alt", part(_TEXT, "It left.\r\n"), part(_HTML, _PAGE))
_FOLDED = "Your order\r\n of three machines\r\n\tand a spare part"

_MESSAGES: dict[str, tuple[Fields, str | bytes]] = {
    "plain": ({}, "Your order left our house today.\r\n"),
    "without-mime": ({"MIME-Version": None}, "Plain old text.\r\n"),
    "html-only": ({"Content-Type": _HTML}, _PAGE),
    "alternative": ({"Content-Type": "multipart/alternative; boundary=alt"}, _BOTH),
    "related-images": (
        {"Content-Type": 'multipart/related; type="text/html"; boundary="rel 1"'},
        multipart("rel 1", part(_HTML, "<p>Look: <img src='cid:plant@nordlicht'></p>"),
                  part("image/png", encoded(_PNG), Content_ID="<plant@nordlicht>", Content_Transfer_Encoding="base64")),
    ),
    "attachment": (
        {"Content-Type": "multipart/mixed; boundary=mix"}, multipart("mix", part(_TEXT, "Enclosed.\r\n"), _INVOICE)
    ),
    "large": ({"Content-Type": "multipart/mixed; boundary=mix"}, multipart("mix", part(_TEXT, "Enclosed.\r\n"), _BIG)),
    "eight-bit": (
        {"Content-Type": _TEXT, "Content-Transfer-Encoding": "8bit"}, "Größe, Ærø, Κύπρος, 発注書\r\n"
    ),
    "base64": ({"Content-Type": _TEXT, "Content-Transfer-Encoding": "base64"}, encoded("Größe\r\n".encode() * 40)),
    "quoted-printable": (
        {"Content-Type": _TEXT, "Content-Transfer-Encoding": "quoted-printable"},
        "Gr=C3=B6=C3=9Fe und ein langer Satz, der weitergeht=\r\n und weiter =3D=20\r\n",
    ),
    "flowed": ({"Content-Type": f"{_TEXT}; format=flowed; delsp=yes"}, "It left \r\nour house \r\ntoday.\r\n> yes\r\n"),
    "latin-1": (
        {"Content-Type": "text/plain; charset=iso-8859-1", "Content-Transfer-Encoding": "8bit"},
        "Größe\r\n".encode("latin-1"),
    ),
    "windows-1252": ({"Content-Type": 'text/plain; charset="Windows-1252"'}, "\u201eGröße\u201c\r\n".encode("cp1252")),
    "iso-2022-jp": ({"Content-Type": "text/plain; charset=iso-2022-jp"}, "発注書\r\n".encode("iso2022_jp")),
    "utf-16": (
        {"Content-Type": "text/plain; charset=utf-16", "Content-Transfer-Encoding": "base64"},
        encoded("Größe\r\n".encode("utf-16")),
    ),
    "charset-unknown": ({"Content-Type": "text/plain; charset=x-nobody"}, b"Gr\xf6\xdfe\r\n"),
    "long-header": ({"X-Trace": "a" * 989}, "text\r\n"),
    "folded-headers": ({"Subject": _FOLDED, "References": "<1@crm.example>\r\n <2@crm.example>"}, "text\r\n"),
    "subject-encoded": ({"Subject": "=?utf-8?q?Gr=C3=B6=C3=9Fe?= =?iso-8859-1?b?5A==?="}, "text\r\n"),
    "subject-utf-8": ({"Subject": "Größe der Bestellung"}, "text\r\n"),
    "no-subject": ({"Subject": None}, "text\r\n"),
    "empty-subject": ({"Subject": ""}, "text\r\n"),
    "no-date-no-id": ({"Date": None, "Message-ID": None}, "text\r\n"),
    "received-and-return-path": (
        {"Return-Path": "<eva.berg@nordlicht.example>", "Received": "from a.example by b.example; x"}, "text\r\n"
    ),
    "smime-signed": (
        {"Content-Type": 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary=sig'},
        multipart("sig", part(_TEXT, "Signed.\r\n"), part("application/pkcs7-signature", encoded(b"\x30\x82" * 99),
                                                          Content_Transfer_Encoding="base64")),
    ),
    "smime-enveloped": (
        {"Content-Type": "application/pkcs7-mime; smime-type=enveloped-data", "Content-Transfer-Encoding": "base64"},
        encoded(b"\x30\x82" * 99),
    ),
    "pgp-signed": (
        {"Content-Type": 'multipart/signed; protocol="application/pgp-signature"; boundary=sig'},
        multipart("sig", part(_TEXT, "Signed.\r\n"), _PGP),
    ),
    "pgp-encrypted": (
        {"Content-Type": 'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=enc'},
        multipart("enc", part("application/pgp-encrypted", "Version: 1\r\n"), part("application/octet-stream", "-")),
    ),
    "dkim-of-others": ({"DKIM-Signature": "v=1; a=rsa-sha256; d=crm.example;\r\n b=abc"}, "text\r\n"),
    "list-headers": (
        {"List-Id": "<orders.crm.example>", "List-Post": "NO", "Precedence": "list"}, "text\r\n"
    ),
    "own-list-unsubscribe": ({"List-Unsubscribe": "<https://crm.example/u/1>"}, "text\r\n"),
    "placeholder-left": ({}, "Dear {{ given_name }}, *|FNAME|*\r\n"),
    "dots": ({}, ".\x20\r\n..\r\n.hidden\r\nend.\r\n..."),
    "no-last-line-end": ({}, "no line end"),
    "empty-body": ({}, ""),
    "boundary-never-closed": (
        {"Content-Type": "multipart/mixed; boundary=mix"}, multipart("mix", part(_TEXT, "open\r\n"), end=False)
    ),
    "boundary-missing": ({"Content-Type": "multipart/mixed"}, "what now\r\n"),
    "forwarded": (
        {"Content-Type": "multipart/mixed; boundary=fwd"},
        multipart("fwd", part(_TEXT, "see below\r\n"), part("message/rfc822", letter({"To": "x@y.example"}))),
    ),
    "report": (
        {"Content-Type": "multipart/report; report-type=delivery-status; boundary=rep"},
        multipart("rep", part(_TEXT, "failed\r\n"), part("message/delivery-status", "Reporting-MTA: dns; a.test\r\n")),
    ),
    "calendar": (
        {"Content-Type": "text/calendar; method=REQUEST; charset=utf-8"}, "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
    ),
    "notice-stream": ({"X-Penstock-Stream": "notice"}, "We answer your request.\r\n"),
    "stream-spelled-oddly": ({"X-Penstock-Stream": "  TransActional  "}, "text\r\n"),
    "stream-folded": ({"X-Penstock-Stream": "\r\n transactional"}, "text\r\n"),
    "stream-encoded": ({"X-Penstock-Stream": "=?us-ascii?q?transactional?="}, "text\r\n"),
    "stream-unknown": ({"X-Penstock-Stream": "bulk"}, "text\r\n"),
    "stream-not-said": ({"X-Penstock-Stream": None}, "text\r\n"),
    "stream-twice": ({"X-Penstock-Stream": "transactional", "x-penstock-stream": "notice"}, "text\r\n"),
    "own-fields-go": (
        {"X-Penstock-Tag": "shop-7", "X-PENSTOCK-Mail-ID": "mine", "X-Penstock-Nothing": "x"}, "text\r\n"
    ),
    "controller-named": ({"X-Penstock-Controller": "nordlicht software ab"}, "text\r\n"),
    "controller-unknown": ({"X-Penstock-Controller": "Sydljus"}, "text\r\n"),
    "campaign-beside-transactional": ({"X-Penstock-Campaign": "letters"}, "text\r\n"),
    "no-from": ({"From": None}, "text\r\n"),
    "two-authors": ({"From": f"{FROM}, ole@nordlicht.example"}, "text\r\n"),
    "from-twice": ({"From": FROM, "FROM": "ole@nordlicht.example"}, "text\r\n"),
    "subject-twice": ({"Subject": "one", "subject": "two"}, "text\r\n"),
    "field-that-is-none": ({"Bad Name": "x"}, "text\r\n"),
    "went-through-too-many": ({"Received": "\r\nReceived: ".join(["by a.example; x"] * 51)}, "text\r\n"),
    "bare-lf": ({}, "one\ntwo\r\n"),
    "bare-cr": ({}, "one\rtwo\r\n"),
    "smuggled": ({}, "one\n.\r\nMAIL FROM:<x@y.example>\r\n"),
    "nul": ({}, "one\0two\r\n"),
    "long-line": ({}, "x" * 1200 + "\r\n"),
}  # fmt: skip


def _to(name: str, fields: Fields, *to: str) -> Case:
    return Case(name, letter(fields), to)


TRANSACTIONAL = (
    *(
        Case(name, letter({"To": f"{name}@kund.example", **fields}, body), (f"{name}@kund.example",))
        for name, (fields, body) in _MESSAGES.items()
    ),
    _to("three-in-to", {"To": "a3@kund.example, B <b3@kund.example>,\r\n c3@kund.example"},
        "a3@kund.example", "b3@kund.example", "c3@kund.example"),
    _to("one-twice-in-to", {"To": "a4@kund.example, A <a4@kund.example>"}, "a4@kund.example"),
    _to("cc-and-bcc", {"To": "a5@kund.example", "Cc": "b5@kund.example", "Bcc": "c5@kund.example,\r\n d5@kund.example"},
        "a5@kund.example", "b5@kund.example", "c5@kund.example", "d5@kund.example"),
    _to("only-bcc", {"To": None, "Bcc": "a6@kund.example"}, "a6@kund.example"),
    _to("group-in-to", {"To": "Team: a7@kund.example, b7@kund.example;"}, "a7@kund.example", "b7@kund.example"),
    _to("comma-in-name", {"To": '"Ek, Bo" <a8@kund.example>'}, "a8@kund.example"),
    _to("utf-8-address", {"To": "jörg@kund.example"}, "jörg@kund.example"),
    _to("utf-8-domain", {"To": "jorg@bücher.example"}, "jorg@bücher.example"),
    Case("dead-address", letter({"To": "dead@kund.example"}), ("dead@kund.example",), None, ("--reason", "bounce")),
    Case("objected", letter({"To": "no@kund.example"}), ("no@kund.example",), None, ("--reason", "objection")),
    Case("handed-in-twice", letter({"To": "twice@kund.example"}), ("twice@kund.example",), times=2),
)  # fmt: skip
