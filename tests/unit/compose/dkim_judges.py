"""Who verifies a signature besides us: dkimpy, opendkim, and for Ed25519 dkimpy's hash under a verifier of its own."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dkim  # type: ignore[import-untyped]
import dkim.canonicalization  # type: ignore[import-untyped]
import dkim.util  # type: ignore[import-untyped]
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

Records = Mapping[str, str]
"""DNS name without a dot at the end, to the text of its record."""


def record_of(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    """The public half as DNS shows it."""
    public: Any = key.public_key()
    if isinstance(key, RSAPrivateKey):
        octets = public.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(octets).decode()}"
    octets = public.public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={base64.b64encode(octets).decode()}"


def dkimpy_accepts(data: bytes, records: Records) -> bool:
    """By dkimpy, the first signature; its clock is the machine's."""

    def txt(name: bytes, timeout: int = 5) -> bytes | None:
        found = records.get(name.decode().removesuffix("."))
        return None if found is None else found.encode()

    return bool(dkim.verify(data, dnsfunc=txt))


def dkimpy_accepts_at_any_time(data: bytes, records: Records) -> bool:
    """By dkimpy without its look at `t=` and `x=`, for mail that was made at a time of its own."""
    judge = dkim.DKIM(data)
    (field,) = (each for each in judge.headers if each[0].lower() == b"dkim-signature")
    sig = dkim.util.parse_tag_value(field[1])
    names = [each.lower() for each in re.split(rb"\s*:\s*", sig[b"h"])]
    record = records[f"{sig[b's'].decode()}._domainkey.{sig[b'd'].decode()}"]
    try:
        return bool(judge.verify_sig(sig, names, field, lambda name, timeout=5: record.encode()))
    except dkim.ValidationError:  # so it says that the body was changed
        return False


def ed25519_holds(data: bytes, records: Records) -> bool:
    """The Ed25519 signature of a message, over what dkimpy hashes (RFC 8463 section 3)."""
    judge = dkim.DKIM(data)
    policy = dkim.canonicalization.CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
    for field in judge.headers:
        if field[0].lower() != b"dkim-signature" or b"ed25519" not in field[1]:
            continue
        sig = dkim.util.parse_tag_value(field[1])
        public = records[f"{sig[b's'].decode()}._domainkey.{sig[b'd'].decode()}"].partition("p=")[2]
        if hashlib.sha256(policy.canonicalize_body(judge.body)).digest() != base64.b64decode(sig[b"bh"]):
            return False
        names = [each.lower() for each in re.split(rb"\s*:\s*", sig[b"h"])]
        hasher = hashlib.sha256()
        dkim.hash_headers(hasher, policy, policy.canonicalize_headers(judge.headers), names, field, sig)
        try:
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public))
            key.verify(base64.b64decode(re.sub(rb"\s", b"", sig[b"b"])), hasher.digest())
        except InvalidSignature:
            return False
        return True
    return False


def opendkim_says(messages: Sequence[bytes], records: Records, folder: Path) -> list[list[str]]:
    """What opendkim's test mode says of each message: `pass` or another word for each signature."""
    keys = folder / "keys"
    keys.write_text("".join(f"{name} {text}\n" for name, text in records.items()))
    config = folder / "opendkim.conf"
    config.write_text(f"Mode v\nTestPublicKeys {keys}\n")
    files = [folder / f"{number}.eml" for number in range(len(messages))]
    for file, data in zip(files, messages, strict=True):
        file.write_bytes(data)
    said = subprocess.run(
        ["opendkim", "-vv", "-x", str(config), "-t", ",".join(map(str, files))],
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
    )
    assert said.returncode == 0, said.stderr
    results = said.stdout.split("### INSHEADER")[1:]
    assert len(results) == len(messages), said.stdout + said.stderr
    return [re.findall(r"\bdkim=(\w+)", result) for result in results]
