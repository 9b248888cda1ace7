"""What makes a subject deceive: it claims a conversation or a transaction, or has nothing to do with the letter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from penstock.law.folding import folded
from penstock.model.campaign import Campaign, Stream

__all__ = ["beside_the_topic", "is_blank", "poses_as_business", "topic_stems"]

# Only what opens mails about something that the reader has already ordered, owes or owns, and only where nothing
# follows that makes it the name of a product ("order confirmation software"). Without accents: it is compared folded.
_BUSINESS = """
    (?:your\\s+)?order\\s+confirmation | your\\s+order | payment\\s+(?:reminder|overdue|failed)
    | overdue\\s+invoice | invoice
    | (?:your\\s+)?account\\s+(?:suspended|locked|on\\s+hold) | security\\s+alert | delivery\\s+(?:failed|attempt)
    | (?:ihre\\s+)?(?:bestell|auftrags)bestatigung | ihre\\s+bestellung | zahlungserinnerung | mahnung | rechnung
    | (?:votre\\s+)?confirmation\\s+de\\s+commande | votre\\s+commande | rappel\\s+de\\s+paiement
    | mise\\s+en\\s+demeure | facture
    | orderbekraftelse | din\\s+bestallning | betalningspaminnelse | faktura
    | confirmacion\\s+de(?:l)?\\s+pedido | (?:su|tu)\\s+pedido | recordatorio\\s+de\\s+pago | factura
    | conferma\\s+(?:d.|dell.)ordine | il\\s+(?:suo|tuo)\\s+ordine | sollecito\\s+di\\s+pagamento | fattura
    | orderbevestiging | uw\\s+bestelling | betalingsherinnering | factuur
    | potwierdzenie\\s+zamowienia | twoje\\s+zamowienie | przypomnienie\\s+o\\s+platnosci
    | ordrebekraeftelse | din\\s+ordre | betalingspamindelse
    | tilausvahvistus | tilauksesi | maksumuistutus | lasku
    | confirmacao\\s+d[ae]\\s+encomenda | a\\s+sua\\s+encomenda | lembrete\\s+de\\s+pagamento | fatura
    | potvrzeni\\s+objednavky | vase\\s+objednavka | upominka
"""
_LONE = re.compile(rf"(?:[^:]{{1,60}}:\s*)?(?P<claim>{_BUSINESS})\s*[.!]?\s*\Z", re.VERBOSE)
_NUMBERED = re.compile(
    rf"(?:[^:]{{1,60}}:\s*)?(?P<claim>{_BUSINESS})\s*(?:[:,-]\s*)?"
    r"(?:(?:(?:nr|n\.?o|nro|num|n|c)\b\.?|[#\u00b0\u2116]|n\s?\u00b0)\s*[\w/-]*\d|[\w/-]*\d{3})",
    re.VERBOSE,
)
_STARTS = """
    order overd payme invoi accou secur deliv beste bestä auftr zahlu mahnu rechn comma paiem demeu factu bekrä betal
    fakt faktu pedid pago ordin d'ord dell' solle pagam fattu zamów zamow płatn platn ordre tilau maksu lasku encom
    fatur objed upomí upomi d’ord dell’
"""
_HINTS = frozenset(_STARTS.split())
"""The first letters, five at most, of a word in each of these; whatever holds none of them is none of them."""
_WORD = re.compile(r"\w+")
_LEAST = 4
_ENDING = 3
"""Letters at the end of a word that other forms of it may change."""


def is_blank(subject: str) -> bool:
    """Whether a subject shows nothing: spaces, and signs that have no shape."""
    if subject.isascii() or subject[0].isalnum():
        return not subject.strip()
    return all(unicodedata.category(sign) in {"Zs", "Cf", "Mn", "Cc", "Zl", "Zp"} for sign in subject)


def poses_as_business(subject: str, stream: Stream, topic: Sequence[str] = ()) -> bool:
    """Whether advertising claims to be about an order, a bill or an account that the reader has.

    Judged for prospecting and newsletters: customers do have orders. A word of the topic is no claim.
    """
    if stream not in {Stream.PROSPECTING, Stream.NEWSLETTER}:
        return False
    if _HINTS.isdisjoint([word[:5] for word in subject.lower().replace(":", " ").split()]):
        return False
    words = folded(subject.strip())
    found = _LONE.match(words) or _NUMBERED.match(words)
    return found is not None and not any(stem in found["claim"] for stem in _stems(topic))


def topic_stems(campaign: Campaign, language: str, default: str) -> frozenset[str]:
    """What a letter in that language names its topic by: folded words of all languages without their endings.

    Empty where the campaign does not tell words of that language: neither is it the `default` one, in which the topic
    is taken to be, nor is a word of the topic translated into it.
    """
    table = campaign.translations.get(language, {})
    translated = [table[word] for word in campaign.topic if table.get(word)]
    if language != default and not translated:
        return frozenset()
    return _stems((*campaign.topic, *translated))


def beside_the_topic(subject: str, text: str, stems: frozenset[str]) -> bool:
    """Whether neither the subject nor the letter's own text holds any of the stems; False where there are none."""
    if not stems or _holds(subject.lower(), stems) or _holds(folded(subject), stems):
        return False
    return not _holds(folded(text), stems)


def _holds(words: str, stems: frozenset[str]) -> bool:
    return any(stem in words for stem in stems)


def _stems(words: Sequence[str]) -> frozenset[str]:
    """Of several words each of four letters counts, of one the whole: in doubt a letter names its topic."""
    found: set[str] = set()
    for word in words:
        parts = _WORD.findall(folded(word))
        found |= {part[: max(_LEAST, len(part) - _ENDING)] for part in parts if len(part) >= _LEAST or len(parts) == 1}
    return frozenset(found)
