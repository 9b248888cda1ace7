"""AWS's keys and the signature that each request carries (Signature Version 4), by botocore."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from penstock.errors import AdapterUnavailable, ConfigError
from penstock.ports import AdapterAddress

__all__ = ["Signature", "aws_session", "credentials_for", "host_of", "region_for"]

SERVICE = "ses"
"""SES's name in signatures, for both versions of its interface."""


_REGION = re.compile(r"[a-z0-9-]{1,40}")
_DOMAINS: Mapping[str, str] = {
    "aws": "amazonaws.com",
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-us-gov": "amazonaws.com",
}
"""AWS's parts that have nothing to do with one another → where their hosts are (botocore's list of endpoints)."""


class Signature:
    """Signs requests to one endpoint.

    The time in a signature is the machine's, as botocore reads it, whatever clock rules go by: AWS compares it with its
    own and takes a few minutes' difference, and keys of a role run out by it.
    """

    def __init__(self, credentials: Any, region: str, endpoint: str) -> None:
        """`credentials` are botocore's: fixed ones, or such as are renewed."""
        from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
        from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]

        self._credentials = credentials
        self._region = region
        self._endpoint = endpoint.rstrip("/")
        self._signer, self._asked = SigV4Auth, AWSRequest
        self._frozen: Any = None

    async def renew(self) -> None:
        """Fetch the keys where they are missing or run out soon. Raises AdapterUnavailable where none can be had."""
        due = getattr(self._credentials, "refresh_needed", None)
        if self._frozen is not None and (due is None or not due()):
            return
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

        try:
            self._frozen = await asyncio.to_thread(self._credentials.get_frozen_credentials)
        except (BotoCoreError, ClientError, OSError, RuntimeError) as fault:
            # Names only: messages of the library may quote account numbers and roles.
            raise AdapterUnavailable(f"AWS gives no credentials: {type(fault).__name__}") from None

    def headers(self, method: str, path: str, body: bytes) -> Mapping[str, str]:
        """The headers of the request, its signature among them. `renew` comes first."""
        asked = self._asked(method, self._endpoint + path, {"Content-Type": "application/json"} if body else {}, body)
        self._signer(self._frozen, SERVICE, self._region).add_auth(asked)
        return dict(asked.headers.items())


def aws_session(address: AdapterAddress) -> Any:
    """botocore's session, by the profile that the address names. Raises ConfigError for one that is not there."""
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session  # type: ignore[import-untyped]

    session = Session(profile=address.options.get("profile"))
    try:
        session.get_scoped_config()
    except BotoCoreError as fault:
        why = f"the AWS configuration cannot be used: {type(fault).__name__}"
        raise ConfigError(why, where=f"adapters.{address.name}.url") from None
    return session


def region_for(address: AdapterAddress, session: Any) -> str:
    """The region that the address names, else the session's. Raises ConfigError where there is none."""
    region = str(address.place or session.get_config_variable("region") or "")
    if _REGION.fullmatch(region):
        return region
    why = "this is no region of AWS" if region else "no region is named"
    raise ConfigError(why, where=f"adapters.{address.name}.url", mend='for example "ses:eu-west-1"')


def host_of(region: str, session: Any, where: str) -> str:
    """SES's address in a region. Raises ConfigError for one that no part of AWS has."""
    from botocore.exceptions import BotoCoreError

    try:
        domain = _DOMAINS.get(session.get_partition_for_region(region))
    except BotoCoreError:
        raise ConfigError("AWS has no such region", where=where, mend='for example "ses:eu-west-1"') from None
    if domain is None:
        raise ConfigError("SES's host in this part of AWS is not known here", where=where, mend="name the endpoint")
    return f"https://email.{region}.{domain}"


def credentials_for(address: AdapterAddress, session: Any) -> Any:
    """Key id and secret from the config, else what botocore finds (environment, profile, role).

    Raises ConfigError where there are none. Keys that are rented are not fetched yet.
    """
    from botocore.credentials import Credentials  # type: ignore[import-untyped]
    from botocore.exceptions import BotoCoreError

    where = f"adapters.{address.name}"
    key, secret = address.api_key(), address.password()
    if key or secret:
        if not (key and secret):
            name, other = ("password", "secret") if key else ("api_key", "id")
            mend = "api_key is the access key's id, password its secret"
            raise ConfigError(f"the access key has no {other}", where=f"{where}.{name}", mend=mend)
        if "profile" in address.options:
            raise ConfigError("profile: there is an access key already", where=f"{where}.url")
        if not all(each.isascii() and each.isprintable() and " " not in each for each in (key, secret)):
            raise ConfigError("the access key holds characters that no key has", where=f"{where}.api_key")
        return Credentials(key, secret)
    try:
        found = session.get_credentials()
    except (BotoCoreError, OSError) as fault:
        why = f"AWS's credentials cannot be read: {type(fault).__name__}"
        raise ConfigError(why, where=f"{where}.api_key") from None
    if found is None:
        mend = "set api_key and password, or let AWS find them: environment, profile or role"
        raise ConfigError("no AWS credentials are found", where=f"{where}.api_key", mend=mend)
    return found
