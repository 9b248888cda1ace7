"""What an address says by itself: a public mail provider's domain, a mailbox of a function instead of a person."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Final, Literal, Self

from penstock.law.folding import folded

__all__ = ["Mailboxes", "Role"]

Role = Literal["technical", "generic"]

_KINDS: Final[Mapping[str, Role]] = {"technical": "technical", "generic": "generic"}
_SEPARATORS = re.compile(r"[._-]+")
_NUMBER = re.compile(r"-?[0-9]+$")
# Languages, countries and regions that firms with several mailboxes put behind the function. Two letters that are
# none of these are taken for a person's initials.
# fmt: off
_PLACES = frozenset({
    "at", "au", "be", "bg", "br", "by", "ca", "ch", "cn", "cs", "cy", "cz", "da", "de", "dk", "ee", "el",
    "en", "es", "et", "eu", "fi", "fr", "ga", "gb", "gr", "hr", "hu", "ie", "in", "is", "it", "jp", "lt",
    "lu", "lv", "mt", "mx", "nb", "nl", "nn", "no", "nz", "pl", "pt", "ro", "rs", "ru", "se", "si", "sk",
    "sl", "sr", "sv", "tr", "ua", "uk", "us", "za", "apac", "baltics", "benelux", "dach", "emea", "eng",
    "export", "ger", "intl", "int", "international", "nordic", "nordics", "scandinavia", "usa",
})
# fmt: on


class Mailboxes:
    """The lists of mail providers and of role accounts.

    `providers` are domains in lower-case A-labels. `roles` gives the kind of each local part; accents, capitals and
    separators in it do not count, and one with a separator stands for its joined form, too (`no-reply`, `noreply`).
    """

    __slots__ = ("_providers", "_roles")

    def __init__(self, providers: Iterable[str], roles: Mapping[str, Role]) -> None:
        self._providers = frozenset(providers)
        spelled = {_spelling(local): kind for local, kind in roles.items()}
        self._roles = {local.replace("-", ""): kind for local, kind in spelled.items()} | spelled

    @classmethod
    def load(cls) -> Self:
        """With the lists that are shipped."""
        return cls(_read("mail_providers.txt").split(), dict(_role_accounts()))

    def is_provider(self, domain: str) -> bool:
        """Whether anybody can have a mailbox there: the domain (A-labels, any case) or one above it is listed."""
        rest = domain.lower().rstrip(".")
        while rest:
            if rest in self._providers:
                return True
            rest = rest.partition(".")[2]
        return False

    def role_of(self, local: str) -> Role | None:
        """What a local part stands for: `technical` (RFC 2142, machines), `generic` (a department), None (a person).

        Sub-address, capitals, accents, the kind of separator, a number and one language, country or region at the end
        do not count: `No_Reply`, `info-fr`, `sales2`. All the rest must be the role: `info.anna` is a person.
        """
        name = _spelling(local.partition("+")[0])
        for reading in _readings(name):
            if (role := self._roles.get(reading)) is not None:
                return role
        return None


def _spelling(local: str) -> str:
    return _SEPARATORS.sub("-", folded(local)).strip("-")


def _readings(name: str) -> Iterator[str]:
    """The name, without its number, without its place, and without both in either order."""
    yield name
    bare = _NUMBER.sub("", name)
    if bare != name:
        yield bare
    head, _, tail = bare.rpartition("-")
    if tail in _PLACES:
        yield head
        yield _NUMBER.sub("", head)


def _role_accounts() -> Iterator[tuple[str, Role]]:
    rows = csv.reader(_read("role_accounts.csv").splitlines())
    next(rows)
    for local, kind in rows:
        yield local, _KINDS[kind]


def _read(file: str) -> str:
    return (files("penstock.law") / "data" / file).read_text("utf-8")
