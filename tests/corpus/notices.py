"""What is spliced in: one notice in ASCII and one in the letters of several languages."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["ENGLISH", "LONG", "NOTICES", "POLISH", "Notice"]

_DASHES = "-" * 40
_FRAME = '<div lang="{lang}" dir="ltr" style="max-width:600px;margin:24px auto 0 auto;color:#444444;font-size:0.85em">'
_LINK = "https://mail.nordlicht.example/u/AQGx7-_kqZ4t0dWm2sV9yPbR3nLcHf"
_ROOM = 990
_DROP = frozenset({"x-penstock-*", "bcc"})


@dataclass(frozen=True, slots=True)
class Notice:
    """The same four things that the splicer is given, and how the judge reads them."""

    headers: tuple[tuple[str, str], ...]
    drop: frozenset[str]
    text: str
    html: str

    def drops(self, name: str) -> bool:
        """Whether a field of that lower-case name has to go."""
        return any(name.startswith(each[:-1]) if each.endswith("*") else name == each for each in self.drop)

    def says(self, text: str) -> bool:
        """Whether a text is this notice; only a notice with lines that no mail holds may come wrapped."""
        if text.strip() == self.text.strip():
            return True
        if all(len(line.encode()) <= _ROOM for line in self.text.splitlines()):
            return False
        return _words(text) == _words(self.text)


def _words(text: str) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text.strip())]


def _headers(campaign: str) -> tuple[tuple[str, str], ...]:
    return (
        ("List-Unsubscribe", f"<{_LINK}>, <mailto:optout+AQGx7@reply.nordlicht.example?subject=unsubscribe>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("List-Id", f"Purchasing software <{campaign}.lists.nordlicht.example>"),
        ("Feedback-ID", f"{campaign}:prospecting:nordlicht:PSTK01"),
    )


def _notice(lang: str, campaign: str, paragraphs: tuple[tuple[str, str], ...]) -> Notice:
    blocks = (
        f'<p data-penstock="{mark}" lang="{lang}" style="margin:0 0 10px 0">{_marked_up(text)}</p>'
        for mark, text in paragraphs
    )
    text = "\n\n".join((_DASHES, *(text for _, text in paragraphs)))
    return Notice(_headers(campaign), _DROP, text + "\n", _FRAME.format(lang=lang) + "".join(blocks) + "</div>")


def _marked_up(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")
    return escaped.replace(_LINK, f'<a href="{_LINK}" style="color:#1a4f8b">{_LINK}</a>')


ENGLISH = _notice(
    "en",
    "purchasing",
    (
        (
            "identity",
            "Nordlicht Software AB, Storgatan 1, 111 22 Stockholm, Sweden. Registered: 556000-0000 (Bolagsverket).",
        ),
        (
            "reason",
            "From your role as purchasing head in machinery we conclude that a tool for purchasing is of use to you.",
        ),
        ("source", "Your address was taken from https://www.muster-werk.example/team?page=2&lang=en on 3 June 2026."),
        ("rights", "You may ask for access, correction & erasure = all rights of Articles 15 to 22 GDPR."),
        ("objection", "Your right to object\nYou may object to this use at any time, without giving reasons."),
        ("optout", f'No more mails from us: {_LINK} or answer with "unsubscribe".'),
        ("contact", "privacy@nordlicht.example, +46 8 000 00 00"),
    ),
)
"""Every block, all ASCII; its HTML is one line of more than 998 octets, as the shipped notices are."""

POLISH = _notice(
    "pl",
    "zakupy",
    (
        (
            "identity",
            "Nordlicht Software AB, Storgatan 1, Sztokholm, Szwecja. Przedstawiciel: Łódź, ul. Żeńców 5 – „Zakup”.",
        ),
        ("reason", "Piszemy, ponieważ kieruje Pani zakupami w dziale maszyn (≥ 100 000 € rocznie)."),
        ("optout", f"Żadnych więcej wiadomości: {_LINK} albo odpowiedź „rezygnuję”."),
        ("contact", "Größe, Ærø, naïve, Ελλάδα, София, 東京: privacy@nordlicht.example"),
    ),
)
"""Letters that no eight-bit charset holds together."""

LONG = _notice(
    "de",
    "lang",
    (
        ("identity", "Nordlicht Software AB, Storgatan 1, Stockholm."),
        ("source", " ".join(["Die Anschrift stammt aus dem öffentlichen Verzeichnis der Aussteller."] * 40)),
        ("optout", f"Keine weiteren Mails: {_LINK}"),
    ),
)
"""A paragraph of 2,800 characters in one line, which no 8bit part can hold as it is."""

NOTICES = {"english": ENGLISH, "polish": POLISH}
