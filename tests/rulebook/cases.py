"""The rulebook as a table, written from the rules and the contract alone: every case of every chapter, numbered.

A rule is cited as the catalogue numbers it ("S-092", "2 DE", "3 art. 14(3)(a)", "0 #51"); "C3" to "C9" are sections of
the outward contract.
"""

from __future__ import annotations

from tests.rulebook import campaign_cases, consent_cases, country_cases, provenance_cases, recipient_cases
from tests.rulebook.case import Case

CHAPTERS = (country_cases, consent_cases, provenance_cases, recipient_cases, campaign_cases)
CASES: tuple[Case, ...] = tuple(each for chapter in CHAPTERS for each in chapter.CASES)
