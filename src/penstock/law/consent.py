"""Whether a recorded consent covers a mail, and what is amiss with one that does not (GDPR Art. 4(11), 7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from penstock.law.clocks import months_after
from penstock.model.campaign import Campaign, Controller
from penstock.model.codes import Code
from penstock.model.contact import Consent, Mechanism

__all__ = [
    "GDPR_APPLIES",
    "NO_CONSENT",
    "ConsentScope",
    "ConsentsFound",
    "accepted_mechanisms",
    "consents_found",
    "plain",
    "within_months",
]

GDPR_APPLIES = datetime(2018, 5, 25, tzinfo=UTC)
"""An older consent must be proven again (GDPR Art. 99(2), Recital 171)."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_ANY_PROVEN = "any_proven"
_PROVABLE = frozenset(Mechanism) - {Mechanism.PRE_TICKED}


def plain(text: str | None) -> str:
    """A name or purpose for comparing: without case, runs of white space as one space; empty for None."""
    return " ".join(text.casefold().split()) if text else ""


def within_months(since: datetime | None, months: int, now: datetime) -> bool:
    """Whether `since` lies in the past and not more than so many months ago; the last day counts. UTC days."""
    return since is not None and since <= now and now.date() <= months_after(since.date(), months)


@dataclass(frozen=True, slots=True)
class ConsentScope:
    """What a consent must name to cover a mail; every text as `plain` gives it.

    `controllers` are the names of the one controller, `purposes` what the campaign calls its purpose and its product.
    """

    channel: str
    controllers: frozenset[str]
    purposes: frozenset[str]

    @classmethod
    def of(cls, campaign: Campaign, controller: Controller | None) -> Self:
        """The scope of a campaign; without a known controller only its name in the campaign counts."""
        names = (campaign.controller,) if controller is None else (controller.id, controller.legal_name)
        return cls(plain(campaign.channel), _texts(names), _texts((campaign.purpose, campaign.product)))

    def is_controller(self, name: str | None) -> bool:
        """Whether the name is the controller's id or legal name."""
        return plain(name) in self.controllers


@dataclass(frozen=True, slots=True)
class ConsentsFound:
    """What a contact's consents come to; the numbers are places in `Contact.consents`.

    `valid`: the latest that covers the mail. `nearest`: where none does, the one with the fewest `defects`, the latest
    of several. `withdrawn`: the latest withdrawal that binds this mail and that no later valid consent lifts.
    """

    valid: int | None = None
    nearest: int | None = None
    defects: tuple[Code, ...] = ()
    withdrawn: int | None = None


NO_CONSENT = ConsentsFound()


def accepted_mechanisms(proofs: Iterable[tuple[str, ...]]) -> frozenset[Mechanism]:
    """The mechanisms that every country's row takes for proof: `any_proven` all but a pre-ticked box.

    A word that is no mechanism is none.
    """
    taken = _PROVABLE
    for proof in proofs:
        if _ANY_PROVEN not in proof:
            taken &= {mechanism for mechanism in _PROVABLE if mechanism.value in proof}
    return taken


def consents_found(
    consents: Sequence[Consent],
    scope: ConsentScope,
    mechanisms: frozenset[Mechanism],
    *,
    used_at: datetime | None,
    now: datetime,
    months: int,
) -> ConsentsFound:
    """Judge all consents of one contact.

    A consent lasts `months` from the day it was given or, if later, from `used_at`, the last sign of life that came
    from the person; neither counts when it is dated after `now`.
    """
    if not consents:
        return NO_CONSENT
    used = used_at if used_at is not None and used_at <= now else None
    judged = [_defects(each, scope, mechanisms, used, now, months) for each in consents]
    valid = _latest(consents, [place for place, defects in enumerate(judged) if not defects])
    withdrawn = _withdrawn(consents, scope, None if valid is None else consents[valid].given_at, now)
    if valid is not None:
        return ConsentsFound(valid=valid, withdrawn=withdrawn)
    fewest = min(map(len, judged))
    nearest = _latest(consents, [place for place, defects in enumerate(judged) if len(defects) == fewest])
    assert nearest is not None
    return ConsentsFound(nearest=nearest, defects=judged[nearest], withdrawn=withdrawn)


def _defects(
    consent: Consent,
    scope: ConsentScope,
    mechanisms: frozenset[Mechanism],
    used: datetime | None,
    now: datetime,
    months: int,
) -> tuple[Code, ...]:
    """In order of precedence; CONSENT_WITHDRAWN for any withdrawal, of whatever date."""
    given = consent.given_at
    found = []
    if consent.withdrawn_at is not None:
        found.append(Code.CONSENT_WITHDRAWN)
    if plain(consent.channel) != scope.channel:
        found.append(Code.CONSENT_CHANNEL)
    if plain(consent.controller) not in scope.controllers:
        found.append(Code.CONSENT_CONTROLLER)
    if plain(consent.purpose) not in scope.purposes:
        found.append(Code.CONSENT_PURPOSE)
    recorded = _filled(consent.wording) and _filled(consent.evidence) and consent.mechanism in mechanisms
    if not recorded or given is None or given < GDPR_APPLIES:
        found.append(Code.CONSENT_UNPROVEN)
    if given is not None and (given > now or not within_months(max(given, used or given), months, now)):
        found.append(Code.CONSENT_EXPIRED)
    return tuple(found)


def _withdrawn(
    consents: Sequence[Consent], scope: ConsentScope, given_again: datetime | None, now: datetime
) -> int | None:
    """The latest binding withdrawal, one dated after `now` only where there is no other.

    What the record leaves unstated counts as ours: a refusal is read widely.
    """
    binding: dict[int, tuple[bool, datetime]] = {}
    for place, each in enumerate(consents):
        at = each.withdrawn_at
        if at is None or (given_again is not None and given_again > at):
            continue
        ours = plain(each.channel) in ("", scope.channel) and plain(each.controller) in ("", *scope.controllers)
        if ours and plain(each.purpose) in ("", *scope.purposes):
            binding[place] = (at <= now, at)
    return max(binding, key=lambda place: binding[place], default=None)


def _latest(consents: Sequence[Consent], places: Sequence[int]) -> int | None:
    return max(places, key=lambda place: consents[place].given_at or _NEVER, default=None)


def _filled(text: str | None) -> bool:
    return text is not None and not text.isspace() and text != ""


def _texts(names: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(None, map(plain, names)))
