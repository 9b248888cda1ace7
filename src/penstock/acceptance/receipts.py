"""What the store is given of a submission, and what its client is told then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from penstock.acceptance.drafts import Draft
from penstock.acceptance.submission_rules import refused
from penstock.assembly import new_mail
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Stream
from penstock.model.mail import Mail
from penstock.ports import Client, Receipt, Recipient, Refusal, RefusalKind, Submission, Taken
from penstock.store.handing_in import Against, Handed
from penstock.store.mails import HandedIn
from penstock.store.placing import NewMail, Placed

__all__ = ["CONFLICT", "answer_of", "handed_of", "repeat_of"]

CONFLICT = refused(RefusalKind.CONFLICT, "something else was handed in under this key before")
_ERASED = refused(RefusalKind.BLOCKED, "this person's data were erased", "ERASED_TOMBSTONE")
_GIVEN_UP = {
    "done:cancelled": "this mail of the campaign was cancelled and does not go",
    "done:failed": "this mail of the campaign could not be delivered and is not tried again",
}
_HAS_ONE = "this campaign has a mail to this person already"


def handed_of(draft: Draft, way_of: Callable[[Mail], str], due: datetime, digest: bytes | None, call: int) -> Handed:
    """As the store takes it in. `digest` is the SHA-256 of its message, None where it has none."""
    submission, new = draft.submission, []
    for mail, said, address in zip(draft.mails, submission.recipients, draft.admitted.recipients, strict=True):
        made = new_mail(mail, way_of(mail), due, _note(draft, said), digest)
        # Under [safety] redirect_all_to only the envelope is turned: whom it is meant for stays on record.
        new.append(_meant(made, str(address), turned=mail.envelope.recipient))
    client, people = submission.client.name, draft.people
    return Handed(new, client, submission.key, submission.request, people.brought, people.refuses, call)


def answer_of(draft: Draft, found: Sequence[Placed] | Against) -> Receipt | Refusal:
    """A refusal where nothing of it was taken, or each of its mails is one that does not go again."""
    if isinstance(found, Against):
        return CONFLICT if found is Against.CONFLICT else _ERASED
    if found and all(each.refused for each in found):
        why = _HAS_ONE if found[0].changed else _GIVEN_UP.get(found[0].answer, _HAS_ONE)
        return refused(RefusalKind.BLOCKED, why, "DUPLICATE")
    taken = tuple(
        Taken(each.mail_id, str(address), each.answer == "repeated" or each.answer.startswith("done:"))
        for each, address in zip(found, draft.admitted.recipients, strict=True)
    )
    return Receipt(taken, draft.admitted.stream, any(each.answer == "repeated" for each in found))


def repeat_of(submission: Submission, ids: Sequence[str], stream: str) -> Receipt:
    """The answer of its first time, to a submission that comes again under its key."""
    taken = tuple(
        Taken(mail_id, _exact(said.address), repeated=True)
        for mail_id, said in zip(ids, submission.recipients, strict=True)
    )
    return Receipt(taken, Stream(stream), repeated=True)


def _exact(text: str) -> str:
    address = parse_address(text)
    return str(address) if isinstance(address, Address) else text


def _note(draft: Draft, said: Recipient) -> HandedIn:
    submission = draft.submission
    return HandedIn(
        client=submission.client.name,
        sender=submission.sender,
        tag=draft.admitted.tag,
        notify=",".join(sorted(_wanted(submission.client, said))),
        orcpt=said.orcpt,
        envelope_id=submission.envelope_id,
        returned=submission.returned,
    )


def _wanted(client: Client, said: Recipient) -> frozenset[str]:
    """What the sender is told of: as it asked, else as the config has it (RFC 3461 section 4.1)."""
    if client.dsn == "never" or "NEVER" in said.notify:
        return frozenset()
    if said.notify or client.dsn == "asked":
        return said.notify
    return frozenset({"FAILURE"})


def _meant(mail: NewMail, recipient: str, *, turned: str) -> NewMail:
    return mail if mail.recipient is None or turned == recipient else replace(mail, recipient=recipient)
