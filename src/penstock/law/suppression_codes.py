"""Which codes an entry of the suppression list means for a mail of a stream (contract section 3)."""

from __future__ import annotations

from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.suppression import Hit, SuppressionKind, SuppressionReason

__all__ = ["binding_codes"]

_PERSON_CODES: dict[SuppressionReason, tuple[Code, ...]] = {
    SuppressionReason.OBJECTION: (Code.SUPPRESSED_PERSON,),
    SuppressionReason.UNSUBSCRIBE: (Code.SUPPRESSED_PERSON,),
    SuppressionReason.PHONE: (Code.SUPPRESSED_PERSON,),
    SuppressionReason.OTHER: (Code.SUPPRESSED_PERSON,),
    SuppressionReason.COMPLAINT: (Code.COMPLAINED, Code.SUPPRESSED_PERSON),
    SuppressionReason.BOUNCE: (Code.HARD_BOUNCED,),
    SuppressionReason.ERASURE: (Code.ERASED_TOMBSTONE,),
}


def binding_codes(hit: Hit, stream: Stream) -> tuple[Code, ...]:
    """Empty where the entry does not bind the stream; its scope is judged apart.

    Advertising is bound by every entry, transactional mail by dead addresses and erasures, notices by dead addresses.
    """
    if stream.commercial:
        return _PERSON_CODES[hit.reason] if hit.kind is SuppressionKind.PERSON else (Code.SUPPRESSED_COMPANY,)
    match hit.reason:
        case SuppressionReason.BOUNCE:
            return (Code.HARD_BOUNCED,)
        case SuppressionReason.ERASURE if stream is Stream.TRANSACTIONAL:
            return (Code.ERASED_TOMBSTONE,)
        case _:
            return ()
