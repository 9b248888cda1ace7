"""Whether the reason to write to somebody says anything about that person."""

from __future__ import annotations

from penstock.law.folding import folded

__all__ = ["SHORTEST_REASON", "is_specific"]

SHORTEST_REASON = 12
"""Characters; nothing about one person can be said in fewer."""

# Phrases that fit everybody, without capitals, accents and punctuation. Shorter ones are too short anyway.
_STOCK_PHRASES = frozenset(
    {
        "berechtigtes interesse",
        "business contact",
        "business opportunity",
        "client potentiel",
        "cliente potencial",
        "cliente potenziale",
        "geschaftskontakt",
        "interesse legitimo",
        "interested in our offer",
        "interested in our product",
        "interested in our products",
        "interested person",
        "interet legitime",
        "legitimate interest",
        "might be interested",
        "mogelijke klant",
        "moglicher kunde",
        "possible customer",
        "potencjalny klient",
        "potential client",
        "potential customer",
        "potentiele klant",
        "potentiell kund",
        "potentieller kunde",
        "potenziale cliente",
        "potenzieller kunde",
        "prospective customer",
        "sales prospect",
        "target audience",
        "vielleicht interessiert",
    }
)
_LONGEST = max(map(len, _STOCK_PHRASES)) + 20  # with room for punctuation


def is_specific(reason: str) -> bool:
    """At least `SHORTEST_REASON` characters without outer and double space, and no phrase that fits everybody.

    Capitals, accents and punctuation do not count.
    """
    words = " ".join(reason.split())
    if len(words) > _LONGEST:
        return True
    if len(words) < SHORTEST_REASON:
        return False
    return " ".join("".join(c if c.isalnum() else " " for c in folded(words)).split()) not in _STOCK_PHRASES
