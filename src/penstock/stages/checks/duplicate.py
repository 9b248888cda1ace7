"""One mail per campaign and person, ever: repeats and the same person under another form are stopped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict, strictest
from penstock.ports import COMMERCIAL_STREAMS, NoOptions, Phase, Services

__all__ = ["Duplicate"]

_NAME = "duplicate"
_RULE = "GDPR Art. 5(1)(d); one mail per campaign and person"
_FIELDS = ("address", "campaign.id")
_CLEAR = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="This campaign has not mailed the person before.",
        facts=Facts(_FIELDS),
        rule=_RULE,
    ),
)


class Duplicate:
    """Blocks a mail whose person the campaign has already mailed or mails earlier in the same batch.

    The first row of a person wins, unless it was unusable (`reject`): then it counts for nothing.
    """

    Options: ClassVar[type] = NoOptions
    name = _NAME
    phase = Phase.JUDGE
    hears = True
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = _FIELDS
    needs: tuple[str, ...] = ()

    def __init__(self, _options: NoOptions, _services: Services) -> None:
        pass

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """The past comes with the mail's history; no store call."""
        ids: set[str] = set()
        people: dict[str, dict[bytes, str]] = {}
        answers: list[tuple[Reason, ...]] = []
        for mail in mails:
            step = None if mail.campaign is None else people.setdefault(mail.campaign.id, {})
            earlier = mail.id if mail.id in ids else _earlier(mail, step)
            answers.append(_reasons(mail, earlier))
            if mail.reasons and strictest(mail.reasons) is Verdict.REJECT:
                continue
            ids.add(mail.id)
            if step is not None:
                for key in (mail.identity.person, *mail.identity.person_keys):
                    step.setdefault(key, mail.id)
        return answers


def _earlier(mail: Mail, step: dict[bytes, str] | None) -> str | None:
    """The mail id under which a person of this batch's step is already known by any key."""
    if not step:
        return None
    if mail.identity.person in step:
        return step[mail.identity.person]
    return next((step[key] for key in mail.identity.person_keys if key in step), None)


def _reasons(mail: Mail, earlier: str | None) -> tuple[Reason, ...]:
    history = mail.history
    if history.twin is None and history.sent_at is None and earlier is None:
        return _CLEAR
    against = []
    if history.sent_at is not None:
        day = f"{history.sent_at:%Y-%m-%d}"
        against.append(_block(f"This campaign already mailed this person on {day}.", mail.id))
    if history.twin is not None:
        against.append(_block("This campaign reaches the person under another form of the address.", history.twin))
    if earlier is not None:
        against.append(_block("The same person stands further up in this list.", earlier))
    return tuple(against)


def _block(why: str, record: str) -> Reason:
    return Reason(_NAME, Verdict.BLOCK, Code.DUPLICATE, why, Facts(_FIELDS, (record,)), _RULE)
