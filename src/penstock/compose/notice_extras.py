"""What single countries ask of a mail beyond its blocks: labels, acknowledgement, representative."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.compose.fault import TemplateFault
from penstock.compose.notice_text import Block, Extra, NoticeText
from penstock.law.mail_duties import MailDuties

__all__ = ["NO_EXTRAS", "Extras", "Lacking", "notice_extras"]


@dataclass(frozen=True, slots=True)
class Lacking:
    """What the law asks of the mail and the notice cannot say."""

    what: str
    rule: str | None


@dataclass(frozen=True, slots=True)
class Extras:
    """`label`: the first line of both parts. `subject`: stands before a subject that names none of `topics`.

    `tails` are put behind blocks, with the space or line end before them.
    """

    label: str = ""
    subject: str = ""
    topics: tuple[str, ...] = ()
    tails: Mapping[Block, str] = field(default_factory=dict)

    def marked(self, subject: str) -> str:
        """The subject, marked where it must be and is not."""
        if not self.subject:
            return subject
        seen = subject.casefold()
        if any(word in seen for word in (self.subject.casefold(), *self.topics)):
            return subject
        return f"{self.subject}: {subject}"


NO_EXTRAS = Extras()


def notice_extras(
    notice: NoticeText,
    duties: MailDuties,
    values: Mapping[str, Any],
    *,
    wanted: bool,
    represented: bool,
    topics: Iterable[str],
) -> Extras | Lacking | TemplateFault:
    """The extras of a notice under these duties.

    `wanted`: the recipient asked for such mails, which are therefore not unsolicited. `represented`: the controller's
    representative in the United Kingdom is named. A subject that names one of `topics` shows by itself what the mail
    is, where that is enough.
    """
    unsolicited = duties.unsolicited and not wanted
    label: Extra | None = "unsolicited" if unsolicited else "commercial" if duties.commercial else None
    subject: Extra | None = "unsolicited" if unsolicited else "commercial" if duties.plain_subject else None
    tails: dict[Block, Extra] = {}
    if represented:
        tails["identity"] = "representative_uk"
    if duties.acknowledge:
        tails["optout"] = "acknowledgement"
    asked: list[Extra] = [name for name in (label, subject, *tails.values()) if name is not None]
    said = _said(notice, asked, values, "; ".join(duties.statutes))
    if not isinstance(said, dict):
        return said
    return Extras(
        label=said[label] if label else "",
        subject=said[subject] if subject else "",
        topics=() if unsolicited else tuple(word.casefold() for word in topics if word),
        # The opt-out may end with a link, to which no sentence can be joined: it gets a line of its own.
        tails={block: ("\n" if block == "optout" else " ") + said[name] for block, name in tails.items()},
    )


def _said(
    notice: NoticeText, asked: Iterable[Extra], values: Mapping[str, Any], statutes: str
) -> dict[Extra, str] | Lacking | TemplateFault:
    said: dict[Extra, str] = {}
    for name in asked:
        found = notice.extras.get(name)
        if found is None:
            rule = statutes if name != "representative_uk" else "UK GDPR Art. 13(1)(a), 14(1)(a), 27"
            return Lacking(f"the notice in {notice.language} lacks the text {name} of [extras], asked for here", rule)
        text = found.render(values)
        if isinstance(text, TemplateFault):
            return text
        said[name] = " ".join(text.split())
    return said
