"""The notices in Dutch, Danish, Finnish, Polish, Czech, German and English, read as their readers get them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from babel.dates import format_date
from lxml.html import fragment_fromstring

from penstock.compose.notice_blocks import OPTOUT_MARK, PREFERENCES_MARK, NoticeForm, Written, notice_form
from penstock.compose.notice_text import BLOCKS, EXTRAS, Block, NoticeShelf
from penstock.compose.sandbox import Nest
from penstock.model.contact import Function, SourceMethod
from penstock.model.verdict import Variant

SHELF = NoticeShelf(Path(__file__).parents[3] / "templates" / "notices")
OPTOUT = "https://mail.nordlicht.example/u/Abc-123"
PAGE = "https://mail.nordlicht.example/p/Abc-123"
DAY = date(2026, 11, 10)

Told = dict[Block, str]
FORMS: tuple[tuple[Variant, int], ...] = (("first", 0), ("regular", 0), ("regular", 1), ("regular", 2))
"""The variants with the number of the wording."""


@dataclass(frozen=True)
class Words:
    """Words that lawyers of a language look for. `rights` and `objection`: as the Regulation calls them there.

    `advertising`: one of them each mail calls itself. `refusal`: what each opt-out block says. `rectify` and `erase`
    are patterns of what a person can ask for.
    """

    reply: str
    rights: str
    objection: str
    advertising: str
    refusal: str
    rectify: str
    erase: str


WORDS = {
    "nl": Words(
        "“Nee, bedankt”",
        "inzage|rectificatie|wissing|beperking van de verwerking|overdraagbaarheid|klacht|intrekken",
        "bezwaar|direct marketing|profilering|kosteloos",
        "commerciële e-mail|reclame",
        "kosteloos|zonder in te loggen",
        "corrigeren",
        "wis",
    ),
    "da": Words(
        "”Nej tak”",
        "indsigt|berigtiget|slettet|behandlingen begrænset|dataportabilitet|klage|trække det tilbage",
        "indsigelse|direkte markedsføring|profilering|gratis",
        "reklame|markedsføringsmail",
        "gratis|uden login",
        "rett",
        "slett",
    ),
    "fi": Words(
        "”Ei kiitos”",
        "pääsy|oikaisemista|poistamista|käsittelyn rajoittamista|järjestelmästä toiseen|valituksen",
        "vastustaa|suoramarkkinointia|profilointia|maksutta",
        "mainosviesti|mainoksen|markkinointiviesti",
        "maksutta|kirjautum",
        "oikais",
        "poist",
    ),
    "pl": Words(
        "„Nie, dziękuję”",
        "dostępu|sprostowania|usunięcia|ograniczenia przetwarzania|przenoszenia danych|skargę|wycofać",
        "sprzeciw|marketingu bezpośredniego|profilowania|bezpłatnie",
        "informację handlową|informacji handlowej|informacją handlową",
        "bez logowania",
        "sprost",
        "usun[ią]",
    ),
    "cs": Words(
        "„Ne, děkuji“",
        "přístup|opravu|výmaz|omezení zpracování|přenositelnost údajů|stížnost|odvolat",
        "vznést námitku|přímého marketingu|profilování|bezplatně",
        "obchodní sdělení|obchodního sdělení",
        "bez přihlašování",
        "oprav",
        "v[yý]ma",
    ),
    "de": Words(
        "„Nein, danke“",
        "Auskunft|Berichtigung|Löschung|Einschränkung der Verarbeitung|Datenübertragbarkeit|widerrufen",
        "widersprechen|Direktwerbung|Profiling|kostenlos",
        "Werbe-E-Mail|Werbung",
        "jederzeit|Basistarif|ohne Anmeldung|iderspr",  # UWG § 7(3) no. 4 asks for the first two in each mail
        "[Bb]erichtig",
        "[Ll]ösch",
    ),
    "en": Words(
        "“No, thanks”",
        "access|corrected|erased|restricted|take them with you|complain|withdraw",
        "object|direct marketing|profiling|free of charge",
        "commercial|marketing message",
        "free|login",
        "correct",
        "delete",
    ),
}
each_language = pytest.mark.parametrize("language", WORDS)
FULL: Mapping[str, Any] = {
    "legal_name": "Nordlicht Software AB",
    "address": "Storgatan 1, 111 22 Stockholm, Sweden",
    "registration": "556000-0000",
    "contact": "privacy@nordlicht.example",
    "phone": "+46 8 000 00 00",
    "privacy_url": "https://nordlicht.example/privacy",
    "eu_representative": "Muster s.r.o., Praha",
    "uk_representative": "Sample Limited, Leeds",
    "storage_locations": ("EU",),
    "recipients": ("Muster Post GmbH", "Hosting sp. z o.o."),
}
BARE: Mapping[str, Any] = {
    key: () if isinstance(value, tuple) else "Muster s.r.o." if key == "legal_name" else ""
    for key, value in FULL.items()
}


@dataclass(frozen=True)
class Case:
    """What is known when a notice is written."""

    controller: Mapping[str, Any]
    authority: tuple[str, str] = ("Muster-Amt", "https://authority.example")
    function: Function | None = Function.PURCHASING
    industry: str = "C28"
    reason: str = "Foo bar baz."
    product: str = "Qux quux"
    method: SourceMethod = SourceMethod.OWN_SITE
    reference: str = "https://muster-werk.example/team"
    dated: bool = True
    supplier: str = ""
    reply: bool = True
    page: bool = True
    basis: str = "legitimate_interest"


KNOWN = Case(FULL)
UNKNOWN = Case(BARE, ("", ""), None, "", "", "", SourceMethod.SUPPLIER, "", False, "", False, False)
MAILBOX = Case(FULL, ("Muster-Amt", ""), None, reply=False, page=False)
PAGELESS = Case({**FULL, "contact": ""}, product="", reference="order 12", supplier="Dodavatel a.s.", page=False)
CASES = (
    KNOWN,
    UNKNOWN,
    MAILBOX,
    Case({**BARE, "contact": "privacy@nordlicht.example"}, industry="", reason="", method=SourceMethod.INFERRED),
    PAGELESS,
    Case({**BARE, "address": "Via 1, Torino.", "phone": "+46 8 1"}, function=None, industry="", reference="7 B."),
    *(Case(FULL, method=each, supplier="Muster sp. z o.o.") for each in SourceMethod),
    *(Case(BARE, function=each, reply=False) for each in Function),
    Case(FULL, basis="consent"),
)


def spelled(language: str) -> str:
    return format_date(DAY, "long", locale="en_GB" if language == "en" else language)


@cache
def form_of(language: str, variant: Variant, *, told: int) -> NoticeForm:
    case, notice = CASES[told], SHELF.text(language)
    constants = {
        "controller": Nest("controller", case.controller),
        "authority": Nest("authority", {"name": case.authority[0], "url": case.authority[1]}),
        "purpose": "Lorem ipsum",
        "product": case.product,
        "optout_url": OPTOUT_MARK,
        "preferences_url": PREFERENCES_MARK if case.page else "",
        "basis": case.basis,
        "reply_phrase": notice.reply_phrase,
        "reply_possible": case.reply,
    }
    form = notice_form(notice, variant, constants)
    assert isinstance(form, NoticeForm), form
    return form


def written(language: str, variant: Variant, case: Case, wording: int = 0) -> Written:
    """The notice, with the wording of that number in every block that has several."""
    notice = SHELF.text(language)
    day = spelled(language) if case.dated else ""
    source = {"reference": case.reference, "collected_at": day, "supplier": case.supplier}
    phrase = notice.sources[case.method]
    if case.method is SourceMethod.INFERRED:
        phrase = notice.extras["derived"]
    said = {
        "function": notice.functions[case.function] if case.function else "",
        "industry": case.industry,
        "reason": case.reason,
        "source": Nest("source", {**source, "phrase": phrase.render({"source": Nest("source", source)})}),
    }
    number, place = 0, 1
    for block in BLOCKS[variant]:
        count = len(notice.blocks[variant, block])
        number, place = number + place * (wording % count), place * count
    made = form_of(language, variant, told=CASES.index(case)).written(said, OPTOUT, PAGE, number)
    assert isinstance(made, Written), made
    return made


def told(language: str, variant: Variant, case: Case, wording: int = 0) -> Told:
    """The paragraphs of the text part."""
    _, *paragraphs = written(language, variant, case, wording).text.removesuffix("\n").split("\n\n")
    return dict(zip(BLOCKS[variant], paragraphs, strict=True))


@cache
def everything(language: str) -> tuple[tuple[Block, str], ...]:
    """Every block in every wording in every case."""
    found = [told(language, variant, case, number) for case in CASES for variant, number in FORMS]
    return tuple(item for blocks in found for item in blocks.items())


def wordings(language: str, block: Block, case: Case = KNOWN) -> list[str]:
    return [told(language, "regular", case, number)[block] for number in range(3)]


@each_language
def test_every_block_is_clean_and_ends_whatever_is_known(language: str) -> None:
    for block, text in everything(language):
        for bad in ("{", "}", "  ", " .", " ,", "..", "()", "( ", " )", ":.", ",,", ", .", "None", ".invalid"):
            assert bad not in text, (block, bad, text)
        assert re.search(r"[.?]$|: https://\S+[^.]$", text), (block, text)
        assert text[0].isupper(), (block, text)


@each_language
def test_sentences_begin_as_sentences_do(language: str) -> None:
    for block, text in everything(language):
        for sentence in re.split(r"(?<=[a-zäöüåæøéíóěščřžýáůúąćęłńśźż)][.?]) ", text.partition("\n")[2] or text):
            abbreviated = re.match(r"r\.|z o\.o\.|o\.o\.", sentence)
            assert abbreviated or not sentence[0].islower(), (block, sentence)


def own_words(text: str) -> str:
    """Without what was filled in."""
    for value in (*FULL.values(), OPTOUT, PAGE):
        text = text.replace(value, "") if isinstance(value, str) else text
    return text


@each_language
@pytest.mark.parametrize("block", ["identity", "reason", "optout", "contact"])
def test_three_wordings_share_no_sentence_of_their_own(language: str, block: Block) -> None:
    assert len(SHELF.text(language).blocks["regular", block]) == 3
    for case in (KNOWN, UNKNOWN, MAILBOX):
        said = [set(re.split(r"(?<=[.?:]) |[()]", own_words(text))) for text in wordings(language, block, case)]
        for one, other in combinations(said, 2):
            assert not [part for part in one & other if len(part) > 25]


@each_language
def test_each_identity_names_the_company_and_what_the_mail_is(language: str) -> None:
    texts = [told(language, "first", KNOWN)["identity"], *wordings(language, "identity")]
    for text in texts:
        for key in ("legal_name", "address", "registration", "eu_representative"):
            assert FULL[key] in text
        assert re.search(WORDS[language].advertising, text, re.IGNORECASE)
    for text in wordings(language, "identity", UNKNOWN):
        assert text.endswith("Muster s.r.o.")


@each_language
def test_each_reason_says_why_how_and_what_for(language: str) -> None:
    function = SHELF.text(language).functions["purchasing"]
    for text in (told(language, "first", KNOWN)["reason"], *wordings(language, "reason")):
        for words in (function, ": Foo bar baz.", ": Qux quux.", ": Lorem ipsum."):
            assert text.count(words) == 1
    for number in range(3):
        plain = told(language, "regular", MAILBOX, number)["reason"]
        assert plain != told(language, "regular", KNOWN, number)["reason"]
        assert ": Lorem ipsum." in plain
        assert ": Lorem ipsum." in told(language, "regular", UNKNOWN, number)["reason"]


@each_language
def test_a_role_is_compared_only_where_one_is_known(language: str) -> None:
    with_role, without = (told(language, "first", case)["reason"] for case in (KNOWN, MAILBOX))
    for label in SHELF.text(language).functions.values():
        assert not re.search(rf"\b{re.escape(label)}\b", without), label
    last = [text.split(": Lorem ipsum.")[1] for text in (with_role, without)]
    assert len(last[0]) > len(last[1])


@each_language
def test_each_opt_out_has_the_link_once_and_says_that_it_is_free(language: str) -> None:
    notice = SHELF.text(language)
    for variant, number in FORMS:
        made = written(language, variant, KNOWN, number)
        text = told(language, variant, KNOWN, number)["optout"]
        assert text.count(f": {OPTOUT} (") == 1
        assert text.endswith(f": {PAGE}")
        for word in WORDS[language].refusal.split("|"):
            assert word in text, (word, text)
        [link, page] = fragment_fromstring(made.html["optout"]).xpath("//a")
        assert (link.get("href"), link.text) == (OPTOUT, notice.labels["optout_link"])
        assert page.get("href") == PAGE


@each_language
def test_the_reply_and_the_deletion_it_brings_are_promised_exactly_where_it_is_read(language: str) -> None:
    words = WORDS[language]
    for variant, number in FORMS:
        heard = told(language, variant, PAGELESS, number)["optout"]
        assert heard.count(words.reply) == 1
        assert re.search(words.erase, heard.partition(words.reply)[2])
        deaf = told(language, variant, MAILBOX, number)
        assert not any(SHELF.text(language).reply_phrase in text for text in deaf.values())
        assert not re.search(words.erase, deaf["optout"])
    assert len(told(language, "first", MAILBOX)["objection"]) < len(told(language, "first", KNOWN)["objection"])


@each_language
def test_the_objection_stands_apart_under_a_heading_of_its_own(language: str) -> None:
    found = told(language, "first", KNOWN)
    heading, line, text = found["objection"].partition("\n")
    assert line
    assert heading == SHELF.text(language).objection_heading
    assert heading not in text
    assert not heading.endswith(".")
    assert not any(heading in other for block, other in found.items() if block != "objection")
    for word in WORDS[language].objection.split("|"):
        assert word in text, word
    assert WORDS[language].objection.split("|")[1] not in found["rights"]
    assert "https://" not in text


@each_language
def test_rights_are_named_as_the_regulation_names_them(language: str) -> None:
    rights = told(language, "first", KNOWN)["rights"]
    for word in WORDS[language].rights.split("|"):
        assert word in rights, word
    assert ": Muster-Amt (https://authority.example)." in rights
    assert "Hosting sp. z o.o. " in rights
    assert ": EU." in rights
    assert rights.endswith(f": {FULL['privacy_url']}")
    unnamed = told(language, "first", UNKNOWN)["rights"]
    assert "Muster" not in unnamed
    assert len(unnamed) > 300


@each_language
def test_each_contact_offers_a_person_rectification_and_erasure(language: str) -> None:
    words = WORDS[language]
    for number, text in enumerate(wordings(language, "contact")):
        for key in ("contact", "phone", "privacy_url"):
            assert FULL[key] in text
        for given in (text, told(language, "regular", UNKNOWN, number)["contact"]):
            assert re.search(words.rectify, given), given
            assert re.search(words.erase, given), given


@each_language
def test_the_source_is_said_once_with_date_supplier_and_reference(language: str) -> None:
    for method in SourceMethod:
        text = told(language, "first", Case(FULL, method=method, supplier="Muster sp. z o.o."))["source"]
        assert text.count("https://muster-werk.example/team") == 1
        assert text.count("Muster sp. z o.o.") == 1
        assert spelled(language) in text
    inferred = told(language, "first", CASES[3])["source"]
    assert "(https://muster-werk.example/team)" in inferred
    bare = told(language, "first", UNKNOWN)["source"]
    assert "2026" not in bare
    assert "https://" not in bare


@each_language
def test_every_function_method_and_extra_has_words(language: str) -> None:
    notice = SHELF.text(language)
    assert set(notice.functions) == set(Function)
    assert len(set(notice.functions.values())) == len(Function)
    assert set(notice.sources) == set(SourceMethod)
    assert set(notice.extras) == set(EXTRAS)
    values = {"controller": Nest("controller", FULL)}
    assert "Sample Limited, Leeds." in str(notice.extras["representative_uk"].render(values))
    assert str(notice.extras["acknowledgement"].render({})).endswith(".")
    labels = [str(notice.extras[name].render({})) for name in ("commercial", "unsolicited")]
    assert len(set(labels)) == 2
    assert all(label[0].isupper() and label[-1].isalpha() and len(label) < 50 for label in labels)


@each_language
def test_shipped_texts_name_nobody_who_reviewed_or_approved_them(language: str) -> None:
    file = SHELF.file(language)
    assert (file.table["reviewed_by"], file.table["approved_by"]) == ("", "")


@pytest.mark.parametrize(
    ("language", "consent", "interest"),
    [
        ("nl", "Rechtsgrond: uw toestemming", "gerechtvaardigd belang"),
        ("da", "Retsgrundlag: dit samtykke", "legitime interesse"),
        ("fi", "oikeusperuste: suostumuksesi", "oikeutettu etumme"),
        ("pl", "Podstawa prawna: Państwa zgoda", "prawnie uzasadniony interes"),
        ("cs", "Právní základ: Váš souhlas", "oprávněný zájem"),
        ("de", "Rechtsgrundlage: Ihre Einwilligung", "berechtigtes Interesse"),
        ("en", "Legal basis: your consent", "legitimate interest"),
    ],
)
def test_the_first_notice_names_exactly_one_legal_basis(language: str, consent: str, interest: str) -> None:
    for case in CASES:
        reason = told(language, "first", case)["reason"]
        assert (consent in reason, interest in reason) == (case.basis == "consent", case.basis != "consent")


def test_labels_are_those_of_the_law_where_it_names_one() -> None:
    assert SHELF.text("cs").extras["commercial"].source == "Obchodní sdělení"  # Act 480/2004 § 7(4)
    assert SHELF.text("pl").extras["commercial"].source == "Informacja handlowa"


def test_german_is_spelled_as_it_is_in_all_its_countries() -> None:
    assert not any("ß" in text for _, text in everything("de"))


def test_a_polish_date_closes_its_sentence_with_one_full_stop() -> None:
    source = told("pl", "first", KNOWN)["source"]
    assert " 10 listopada 2026 r. Dokładne" in source
