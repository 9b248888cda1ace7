"""Brevo's id of a mail, in the form in which we keep it."""

from __future__ import annotations

import re

__all__ = ["receipt_of"]

_FORM = re.compile(r"[!-;=?A-~]{1,200}")


def receipt_of(told: object) -> str:
    """What stands before the @ of Brevo's Message-ID, as the whole would be taken for an address; empty where there is
    none. Brevo writes the id with angle brackets or without.
    """
    if not isinstance(told, str):
        return ""
    found = told.strip().removeprefix("<").removesuffix(">").partition("@")[0]
    return found if _FORM.fullmatch(found) else ""
