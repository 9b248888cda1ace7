"""Whether a list has gone bad: too many dead addresses or complaints, by supplier and by campaign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, Counts, ListKey, NoOptions, Phase, Services

__all__ = ["OverSolicited"]

_NAME = "over_solicited"
_READS = ("source.supplier", "campaign.id")
_FIELDS = {"supplier": ("source.supplier",), "campaign": ("campaign.id",)}
_RULE_BOUNCED = "GDPR Art. 5(1)(d); M3AAWG Sender Best Common Practices"
_RULE_COMPLAINED = "sender requirements of Gmail and Yahoo (0.3 %)"

# Per mille, so that whole numbers are compared.
_ENOUGH = 200
_BOUNCED_ABOVE = 20
_COMPLAINED_FROM = 3
_WARNED_FROM = 1

_CLEAR = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="Neither the campaign nor the supplier's list has many dead addresses or complaints.",
        facts=Facts(_READS),
        rule=_RULE_COMPLAINED,
    ),
)


class OverSolicited:
    """Holds mails of a campaign or a supplier whose earlier mails bounced or were complained about too often.

    Judged from 200 mails on: more than 2 % dead addresses or at least 0.3 % complaints hold, 0.1 % warn.
    """

    Options: ClassVar[type] = NoOptions
    name = _NAME
    phase = Phase.JUDGE
    hears = False
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = _READS
    needs: tuple[str, ...] = ("list_stats",)

    def __init__(self, _options: NoOptions, services: Services) -> None:
        self._stats = services.list_stats

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """Each list is judged once; one look-up."""
        named = [(_supplier(mail), None if mail.campaign is None else mail.campaign.id) for mail in mails]
        pairs = dict.fromkeys(named)
        keys = list(dict.fromkeys(key for pair in pairs for key in _keys(*pair)))
        counts = await self._stats.of(keys)
        judged = {key: _judged(key, each) for key, each in zip(keys, counts, strict=True)}
        said = {pair: tuple(reason for key in _keys(*pair) for reason in judged[key]) or _CLEAR for pair in pairs}
        return [said[pair] for pair in named]


def _supplier(mail: Mail) -> str | None:
    return None if mail.contact is None else mail.contact.source.supplier


def _keys(supplier: str | None, campaign: str | None) -> list[ListKey]:
    keys = [ListKey("supplier", supplier)] if supplier else []
    return [*keys, ListKey("campaign", campaign)] if campaign else keys


def _judged(key: ListKey, counts: Counts) -> tuple[Reason, ...]:
    # A list whose addresses are all refused at once has nothing accepted, and is the worst of all.
    mails = max(counts.accepted, counts.bounced, counts.complained)
    if mails < _ENOUGH:
        return ()
    said = []
    whose = f"of the supplier {key.name}" if key.kind == "supplier" else "of this campaign"
    if counts.bounced * 1000 > _BOUNCED_ABOVE * mails:
        why = f"{_percent(counts.bounced, mails)} of the {mails} mails to addresses {whose} bounced; 2 % are the most."
        said.append(_hold(key, why, _RULE_BOUNCED))
    share = f"{_percent(counts.complained, mails)} of the {mails} mails to addresses {whose} were complained about"
    if counts.complained * 1000 >= _COMPLAINED_FROM * mails:
        said.append(_hold(key, f"{share}; 0.3 % stop it.", _RULE_COMPLAINED))
    elif counts.complained * 1000 >= _WARNED_FROM * mails:
        why = f"{share}; 0.3 % would stop it."
        said.append(Reason(_NAME, Verdict.SEND, None, why, _facts(key), _RULE_COMPLAINED))
    return tuple(said)


def _hold(key: ListKey, why: str, rule: str) -> Reason:
    return Reason(_NAME, Verdict.HOLD, Code.OVER_SOLICITED, why, _facts(key), rule)


def _facts(key: ListKey) -> Facts:
    return Facts(_FIELDS[key.kind])


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.2%}".replace("%", " %")
