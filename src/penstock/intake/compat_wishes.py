"""What a request to a compatible door says to Penstock itself, and which header fields go with its letter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.compose.headers import HeaderFault, field_line
from penstock.intake.http_fields import extra_headers
from penstock.intake.http_problem import RequestError, nearest
from penstock.model.mail import Header

__all__ = ["Wishes", "letter_headers"]

_OURS = "x-penstock-"
_OUR_ARGUMENTS = "penstock_"
_WORDS = ("stream", "campaign", "controller", "tag")
_MOST_CHARACTERS = 200
_OF_LISTS = frozenset({"list-unsubscribe", "list-unsubscribe-post", "list-id", "feedback-id"})
"""What letters to lists bring and Penstock replaces where it sets its own, as in mail that comes by SMTP."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Stream, campaign, controller and tag, each empty where nothing was said."""

    stream: str = ""
    campaign: str = ""
    controller: str = ""
    tag: str = ""

    @classmethod
    def of(cls, headers: Mapping[str, str], arguments: Mapping[str, str], tag: str = "") -> Wishes:
        """From `X-Penstock-…` header fields, else from arguments called `penstock_…`, whatever their case.

        Raises RequestError 422 for any other of these names: a misspelt wish must not send anything.
        """
        said: dict[str, str] = {"tag": tag} if tag else {}
        for prefix, given in ((_OUR_ARGUMENTS, arguments), (_OURS, headers)):
            for name, value in given.items():
                lowered = name.lower()
                if not lowered.startswith(prefix):
                    continue
                word = lowered.removeprefix(prefix)
                if word not in _WORDS:
                    shown = name[:60] if name.isprintable() else "?"
                    raise RequestError(422, "is nothing that can be asked", where=shown, mend=nearest(word, _WORDS))
                said[word] = value.strip()
        for word, value in said.items():
            if len(value) > _MOST_CHARACTERS or not (value.isprintable() or not value):
                raise RequestError(422, "is too long or holds a control character", where=f"penstock_{word}")
        return cls(**said)


def letter_headers(given: Mapping[str, str]) -> list[Header]:
    """The fields that go with the letter, in their order; those said to Penstock are left out.

    Raises RequestError 422 for those that other fields of the request say, or that servers on the way set.
    """
    found: list[Header] = []
    others: dict[str, str] = {}
    for name, value in given.items():
        lowered = name.lower()
        if lowered.startswith(_OURS):
            continue
        if lowered not in _OF_LISTS:
            others[name] = value
            continue
        if any(lowered == there.lower() for there, _ in found):
            raise RequestError(422, "stands there twice", where=f"headers.{name}")
        if isinstance(fault := field_line(name, value), HeaderFault):
            raise RequestError(422, fault.what, where=f"headers.{name}")
        found.append((name, value))
    return [*extra_headers(others), *found]
