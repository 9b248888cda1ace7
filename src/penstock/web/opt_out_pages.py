"""What people see at an opt-out link: one page in each language, without script, cookie or anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from starlette.responses import HTMLResponse

from penstock.compose.language import direction
from penstock.errors import ConfigError
from penstock.model.campaign import Controller

if TYPE_CHECKING:
    from starlette.responses import Response

__all__ = ["MARK", "OptOutPages", "PageKind", "wanted_language"]

PageKind = Literal["ask", "done", "away"]
MARK = "opt-out"
"""Stands in `data-penstock`, by which programs know the page from a proxy's own; `opt-out-test` for that of a test."""

_FALLBACK = "en"
_MOST_PAGES = 1_000
_MOST_RANGES = 20
_STATUS: Mapping[PageKind, int] = {"ask": 200, "done": 200, "away": 503}
_AGAIN_SECONDS = "60"
_WORDS = {
    "language", "company", "title", "ask", "effect", "button", "done_title", "done", "stored", "contact", "reach",
    "email", "phone", "privacy", "test", "away_title", "away",
}  # fmt: skip


class OptOutPages:
    """Made once; a page hangs on language, controller and kind alone, so each is written once."""

    def __init__(self, templates: Path) -> None:
        """`templates` is the folder of the shipped ones. Raises ConfigError where a page or a word is missing."""
        from jinja2 import Environment, StrictUndefined

        folder = templates / "pages"
        try:
            source = (folder / "opt_out.html.j2").read_text(encoding="utf-8")
            self._style = (folder / "opt_out.css").read_text(encoding="utf-8")
            found = [_words(file) for file in sorted(folder.glob("*/opt_out.toml"))]
        except OSError as fault:
            raise ConfigError(
                "the opt-out page is missing", where=str(folder), mend="install penstock again"
            ) from fault
        self._template = Environment(autoescape=True, undefined=StrictUndefined).from_string(source)
        self._languages = {words["language"]: words for words in found}
        self._headers = _headers(self._style)
        self._written: dict[tuple[object, ...], bytes] = {}

    @property
    def languages(self) -> tuple[str, ...]:
        """Those there is a page in, in alphabetical order."""
        return tuple(self._languages)

    def page(
        self,
        kind: PageKind,
        controller: Controller | None = None,
        *,
        language: str | None = None,
        accepted: str = "",
        test: bool = False,
    ) -> Response:
        """`ask`: what would happen, and the button; `done`: it has (both 200); `away`: nothing was saved (503).

        In `language` where there is a page in it, else as `accepted` (Accept-Language) wants it, else in English.
        Nothing of the person stands in it.
        """
        known = (language or "").partition("-")[0].lower()
        chosen = known if known in self._languages else wanted_language(accepted, self.languages)
        key = kind, controller, chosen, test
        body = self._written.get(key)
        if body is None:
            if len(self._written) >= _MOST_PAGES:
                self._written.clear()
            body = self._written[key] = self._write(kind, controller, self._languages[chosen], test=test)
        again = {"Retry-After": _AGAIN_SECONDS} if kind == "away" else {}
        headers = {**self._headers, "Content-Language": chosen, **again}
        return HTMLResponse(body, status_code=_STATUS[kind], headers=headers)

    def _write(self, kind: PageKind, controller: Controller | None, words: Mapping[str, str], *, test: bool) -> bytes:
        from markupsafe import Markup

        company = controller.legal_name if controller is not None else words["company"]
        said = {name: text.replace("{company}", company) for name, text in words.items()}
        match kind:
            case "ask":
                title, paragraphs = said["title"], [said["ask"], said["effect"]]
            case "done":
                title, paragraphs = said["done_title"], [said["done"], said["stored"]]
            case "away":
                title, paragraphs = said["away_title"], [said["away"]]
        page = self._template.render(
            words=said,
            title=title,
            # A test was not obeyed, and must not say so.
            paragraphs=[] if test and kind == "done" else paragraphs,
            ask=kind == "ask",
            test=test,
            mark=f"{MARK}-test" if test else MARK,
            dir=direction(words["language"]),
            style=Markup(self._style),  # noqa: S704 — a shipped file
            controller=controller,
            contact=said["contact"],
            phone=_dialled(controller.phone) if controller is not None else "",
        )
        return page.encode()


def wanted_language(accepted: str, offered: tuple[str, ...]) -> str:
    """The one that Accept-Language (RFC 9110 section 12.5.4) likes best of those offered, else English.

    Whatever the field holds, the answer is one of them.
    """
    best, liking = _FALLBACK, 0.0
    for each in accepted.split(",")[:_MOST_RANGES]:
        tag, _, weight = each.partition(";")
        language = tag.strip().partition("-")[0].lower()
        if language in offered and (quality := _quality(weight)) > liking:
            best, liking = language, quality
    return best


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if not name:
        return 1.0
    digits = value.strip()
    if name.strip().lower() != "q" or not digits.replace(".", "", 1).isdecimal():
        return 0.0
    return min(float(digits), 1.0)


def _words(file: Path) -> Mapping[str, str]:
    words = tomllib.loads(file.read_text(encoding="utf-8"))
    if words.keys() != _WORDS:
        wrong = ", ".join(sorted(words.keys() ^ _WORDS))
        raise ConfigError(f"words that are missing or unknown: {wrong}", where=str(file), mend="install penstock again")
    return words


def _dialled(phone: str) -> str:
    """As a `tel:` address wants it (RFC 3966): digits, after a plus sign where there is one."""
    return "+" * phone.strip().startswith("+") + "".join(each for each in phone if each in "0123456789")


def _headers(style: str) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",  # the address is a key
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }
