"""Signed and encrypted: what must not be edited, and what only looks so (RFC 1847, 3156, 4880, 8551)."""

# One case is one line, as in a table.
# fmt: off
# ruff: noqa: E501

from __future__ import annotations

from tests.corpus.eml import (
    EITHER,
    PAGE,
    PDF,
    REFUSED,
    SPLICED,
    TEXT,
    UNTOUCHABLE,
    Case,
    alternative,
    attached,
    b64,
    case,
    html,
    leaf,
    mail,
    multi,
    plain,
)

_PGP_SIGNATURE = leaf("application/pgp-signature; name=signature.asc", "-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----\n")
_P7S = leaf("application/pkcs7-signature; name=smime.p7s", b64(bytes(range(90))), "base64", "Content-Disposition: attachment; filename=smime.p7s")
_PGP = '; micalg=pgp-sha256; protocol="application/pgp-signature"'
_SMIME = '; micalg=sha-256; protocol="application/pkcs7-signature"'
_CLEAR = (
    "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello Anna\n- -- \nEva\n"
    "-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----\n"
)
_CIPHER = "-----BEGIN PGP MESSAGE-----\n\nhQEMA5ZzbGFkamZs\n=abcd\n-----END PGP MESSAGE-----\n"
_KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQENBFxyz\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n"
_ENCRYPTED = multi(
    "encrypted",
    leaf("application/pgp-encrypted", "Version: 1\n"),
    leaf("application/octet-stream; name=encrypted.asc", _CIPHER),
    boundary="enc",
    params='; protocol="application/pgp-encrypted"',
)
_SIGNED = multi("signed", plain(), _PGP_SIGNATURE, boundary="sig", params=_PGP)
_S = "RFC 1847 2.1"
_INLINE = "RFC 4880 7"
_NO = UNTOUCHABLE


def _p7m(kind: str, subtype: str = "pkcs7-mime", how: str = "") -> bytes:
    return leaf(f"application/{subtype}; {kind}name=smime.p7m", b64(bytes(range(120))), "base64", f"Content-Disposition: attachment; filename=smime.p7m{how}")


CASES: tuple[Case, ...] = (
    case("signed_pgp", "RFC 3156 5", "PGP/MIME", _NO, "", mail(_SIGNED)),
    case("signed_smime", "RFC 8551 3.5.3", "S/MIME, detached", _NO, "", mail(multi("signed", plain(), _P7S, params=_SMIME))),
    case("signed_smime_old_type", "RFC 2311 3.4.3", "application/x-pkcs7-signature", _NO, "", mail(multi("signed", plain(), leaf("application/x-pkcs7-signature", b64(bytes(9)), "base64"), params='; protocol="application/x-pkcs7-signature"; micalg=sha1'))),
    case("signed_alternative", _S, "a signed alternative", _NO, "", mail(multi("signed", alternative(), _P7S, boundary="sig", params=_SMIME))),
    case("signed_mixed_inside", _S, "a signed mixed with a file", _NO, "", mail(multi("signed", multi("mixed", plain(), PDF), _PGP_SIGNATURE, boundary="sig", params=_PGP))),
    case("signed_capitals", _S, "MULTIPART/SIGNED", _NO, "", mail(_SIGNED).replace(b"multipart/signed", b"MULTIPART/SIGNED")),
    case("signed_comment", "RFC 2045 5.1", "multipart/(x)signed hides behind a comment", REFUSED, "", mail(_SIGNED).replace(b"multipart/signed", b"(x) multipart/signed (y)")),
    case("signed_folded", "RFC 5322 2.2.3", "the type stands on the next line", _NO, "", mail(_SIGNED).replace(b"Content-Type: multipart/signed;", b"Content-Type:\r\n multipart/signed;")),
    case("signed_protocol_unknown", _S, "a protocol nobody knows", _NO, "", mail(multi("signed", plain(), leaf("application/x-seal", "x\n"), params='; protocol="application/x-seal"; micalg=x'))),
    case("signed_without_protocol", _S, "multipart/signed without its parameters", _NO, "", mail(multi("signed", plain(), _PGP_SIGNATURE))),
    case("signed_signature_missing", _S, "multipart/signed with one part", _NO, "", mail(multi("signed", plain(), params=_PGP))),
    case("signed_in_mixed", _S, "a list put a footer below a signed text", _NO, "", mail(multi("mixed", _SIGNED, plain("list footer\n")))),
    case("signed_in_mixed_after_file", _S, "a file, then the signed text: the only body", _NO, "", mail(multi("mixed", PDF, _SIGNED))),
    case("signed_in_related", _S, "a signed root", _NO, "", mail(multi("related", _SIGNED, leaf("image/png", b64(b"x"), "base64")))),
    case("signed_in_alternative", _S, "one branch is signed", _NO, "", mail(alternative(_SIGNED, html()))),
    case("signed_deep", _S, "signed in mixed in mixed", _NO, "", mail(multi("mixed", multi("mixed", _SIGNED, PDF, boundary="in"), PDF))),
    case("signed_attached_mail", "RFC 2046 5.2.1", "a signed mail attached is somebody else's", SPLICED, "1", mail(multi("mixed", plain(), leaf("message/rfc822", mail(_SIGNED))))),
    case("signed_after_text", _S, "the text stands outside of the signed part", EITHER, "1", mail(multi("mixed", plain(), multi("signed", PDF, _P7S, boundary="sig", params=_SMIME)))),
    case("signed_detached_beside", "RFC 4880 11.4", "a file and its signature as two attachments", SPLICED, "1", mail(multi("mixed", plain(), PDF, attached("application/pgp-signature", "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n", "offer.pdf.asc")))),
    case("opaque_signed", "RFC 8551 3.5.2", "application/pkcs7-mime; signed-data", _NO, "", mail(_p7m("smime-type=signed-data; "))),
    case("opaque_enveloped", "RFC 8551 3.3", "enveloped-data", _NO, "", mail(_p7m("smime-type=enveloped-data; "))),
    case("opaque_authenticated", "RFC 8551 3.4", "authEnveloped-data", _NO, "", mail(_p7m("smime-type=authEnveloped-data; "))),
    case("opaque_without_kind", "RFC 8551 3.2.2", "no smime-type", _NO, "", mail(_p7m(""))),
    case("opaque_old_type", "RFC 8551 3.2.1", "application/x-pkcs7-mime", _NO, "", mail(_p7m("smime-type=enveloped-data; ", "x-pkcs7-mime"))),
    case("opaque_compressed", "RFC 8551 3.6", "compressed-data: neither signed nor legible", REFUSED, "", mail(_p7m("smime-type=compressed-data; "))),
    case("opaque_by_name", "RFC 8551 3.10", "octet-stream named smime.p7m", REFUSED, "", mail(_p7m("", "octet-stream"))),
    case("opaque_in_mixed", "RFC 8551 3.7", "an enveloped part in a mixed with a footer", _NO, "", mail(multi("mixed", _p7m("smime-type=enveloped-data; "), plain("list footer\n")))),
    case("certs_only_attached", "RFC 8551 3.8", "certificates attached sign nothing", EITHER, "1", mail(multi("mixed", plain(), leaf("application/pkcs7-mime; smime-type=certs-only; name=smime.p7c", b64(bytes(20)), "base64", "Content-Disposition: attachment; filename=smime.p7c")))),
    case("encrypted_pgp", "RFC 3156 4", "PGP/MIME", _NO, "", mail(_ENCRYPTED)),
    case("encrypted_in_mixed", "RFC 1847 2.2", "an encrypted part in a mixed with a footer", _NO, "", mail(multi("mixed", _ENCRYPTED, plain("list footer\n")))),
    case("encrypted_damaged", "RFC 3156 4", "a server turned it into a mixed", REFUSED, "", mail(multi("mixed", leaf("application/pgp-encrypted", "Version: 1\n"), leaf("application/octet-stream; name=encrypted.asc", _CIPHER)))),
    case("inline_pgp_signed", _INLINE, "clear-signed text", _NO, "", mail(plain(_CLEAR))),
    case("inline_pgp_signed_base64", _INLINE, "clear-signed text in base64", _NO, "", mail(plain(b64(_CLEAR), "base64"))),
    case("inline_pgp_signed_qp", _INLINE, "the dashes are =2D", _NO, "", mail(plain(_CLEAR.replace("-----", "=2D----").replace("=abcd", "=3Dabcd"), "quoted-printable"))),
    case("inline_pgp_signed_in_alternative", _INLINE, "clear-signed text beside HTML", _NO, "", mail(alternative(plain(_CLEAR), html()))),
    case("inline_pgp_signed_in_mixed", _INLINE, "clear-signed text with a file", _NO, "", mail(multi("mixed", plain(_CLEAR), PDF))),
    case("inline_pgp_signed_after_words", _INLINE, "a greeting above the clear-signed text", _NO, "", mail(plain("Hello,\n\n" + _CLEAR))),
    case("inline_pgp_encrypted", "RFC 4880 6.2", "an armoured message", _NO, "", mail(plain(_CIPHER))),
    case("inline_pgp_in_html", "RFC 4880 6.2", "an armoured message between <pre> tags", EITHER, "1", mail(html(PAGE.replace("<p>Hello Anna,</p>", f"<pre>{_CIPHER}</pre>")))),
    case("inline_pgp_old_type", "RFC 3156 1", "application/pgp", REFUSED, "", mail(leaf("application/pgp; format=text; x-action=sign", _CLEAR))),
    case("inline_pgp_by_parameter", "RFC 3156 1", "text/plain; x-action=pgp-signed", _NO, "", mail(leaf("text/plain; charset=utf-8; x-action=pgp-signed", _CLEAR))),
    case("inline_pgp_public_key", "RFC 4880 6.2", "a public key in the text signs nothing", EITHER, "1", mail(plain(TEXT + _KEY))),
    case("inline_pgp_talked_about", "RFC 4880 6.2", "words about BEGIN PGP SIGNED MESSAGE inside a line", SPLICED, "1", mail(plain("Your mail had a line -----BEGIN PGP SIGNED MESSAGE----- at its start.\n"))),
    case("inline_pgp_quoted", "RFC 4880 6.2", "an answer quotes a clear-signed text", EITHER, "1", mail(plain("Yes.\n\n" + "".join(f"> {line}\n" for line in _CLEAR.splitlines())))),
    case("inline_pgp_attached", "RFC 4880 6.2", "a clear-signed text file attached", SPLICED, "1", mail(multi("mixed", plain(), attached("text/plain", _CLEAR, "signed.txt")))),
)
