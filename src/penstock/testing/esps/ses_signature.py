"""Whether a request to AWS is signed as AWS asks (Signature Version 4, from the IAM guide's description)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from penstock.ports import Clock

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["Keys"]

_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    _ALGORITHM + r" Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/([^/,\s]+),\s*"
    r"SignedHeaders=([a-z0-9;-]+),\s*Signature=([0-9a-f]{64})"
)
_SKEW = timedelta(minutes=5)
_UNRESERVED = "-_.~"
_INVALID = "UnrecognizedClientException: The security token included in the request is invalid."
_MISMATCH = (
    "SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class Keys:
    """Who may ask. Empty: `access_key` and `region` are any; `token`: there is none; `clock` None: at any time."""

    secret: str
    access_key: str = ""
    region: str = ""
    token: str = ""
    clock: Clock | None = None

    def fault(self, request: web.Request, body: bytes) -> str:
        """What is wrong with the signature, as `Type: message`; empty where nothing is."""
        given = request.headers.get("Authorization")
        if given is None:
            return "MissingAuthenticationTokenException: Missing Authentication Token"
        match = _AUTHORIZATION.fullmatch(given)
        stamp = request.headers.get("X-Amz-Date", "")
        if match is None or not re.fullmatch(r"\d{8}T\d{6}Z", stamp):
            return "IncompleteSignatureException: Authorization header requires its three parts and 'X-Amz-Date'."
        access_key, day, region, service, end, signed, signature = match.groups()
        if self.access_key not in {"", access_key} or request.headers.get("X-Amz-Security-Token", "") != self.token:
            return _INVALID
        if (day, service, end) != (stamp[:8], "ses", "aws4_request") or self.region not in {"", region}:
            return f"SignatureDoesNotMatch: Credential should be scoped to a valid region and service, not {region}."
        if unsigned := _unsigned(request, signed.split(";")):
            return f"SignatureDoesNotMatch: '{unsigned}' must be a 'SignedHeader' in the AWS Authorization."
        if self._late(stamp):
            return f"SignatureDoesNotMatch: Signature expired or not yet valid: {stamp} is more than 5 min. away."
        digest = hashlib.sha256(body).hexdigest()
        canonical = _canonical(request, signed, digest)
        scope = f"{day}/{region}/{service}/{end}"
        text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        wanted = hmac.new(self._signing_key(scope), text.encode(), hashlib.sha256).hexdigest()
        return "" if hmac.compare_digest(wanted, signature) else _MISMATCH

    def _late(self, stamp: str) -> bool:
        if self.clock is None:
            return False
        said = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return abs(self.clock.now() - said) > _SKEW

    def _signing_key(self, scope: str) -> bytes:
        key = f"AWS4{self.secret}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key


def _unsigned(request: web.Request, signed: list[str]) -> str:
    """A header that must be signed and is not: Host, and all that begin with X-Amz-."""
    needed = {"host"} | {name.lower() for name in request.headers if name.lower().startswith("x-amz-")}
    return min(needed - set(signed), default="")


def _canonical(request: web.Request, signed: str, digest: str) -> str:
    """The canonical request. The path is encoded once more than it was sent, as everywhere but in S3."""
    path, _, query = request.raw_path.partition("?")
    headers: Mapping[str, str] = {
        name: " ".join(",".join(request.headers.getall(name, [])).split()) for name in signed.split(";")
    }
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    encoded = "/".join(quote(part, safe=_UNRESERVED) for part in path.split("/"))
    return "\n".join((request.method, encoded, _query(query), lines, signed, digest))


def _query(query: str) -> str:
    pairs = [part.partition("=") for part in query.split("&") if part]
    encoded = [(quote(unquote(a), safe=_UNRESERVED), quote(unquote(b), safe=_UNRESERVED)) for a, _, b in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))
