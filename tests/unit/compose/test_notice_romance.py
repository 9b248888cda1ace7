"""The notices in Spanish, French, Italian, Portuguese and Swedish, read as their readers get them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from penstock.compose.notice_blocks import OPTOUT_MARK, PREFERENCES_MARK, NoticeForm, Written, notice_form
from penstock.compose.notice_text import BLOCKS, EXTRAS, Block, NoticeShelf, NoticeText
from penstock.compose.sandbox import Nest
from penstock.model.contact import Function, SourceMethod
from penstock.model.verdict import Variant

SHELF = NoticeShelf(Path(__file__).parents[3] / "templates/notices")
LANGUAGES = ("es", "fr", "it", "pt", "sv")
OPTOUT = "https://mail.nordlicht.example/u/AbC-123_x"
PAGE = "https://mail.nordlicht.example/p/XyZ-456_y"
PLACE = "https://muster-werk.example/team"
CONTROLLER: Mapping[str, Any] = {
    "legal_name": "Nordlicht Software AB",
    "address": "Storgatan 1, 111 22 Stockholm, Sweden",
    "registration": "556000-0000",
    "contact": "privacy@nordlicht.example",
    "phone": "+46 8 000 00 00",
    "privacy_url": "https://nordlicht.example/privacy",
    "eu_representative": "Muster Vertretung, Berlin",
    "uk_representative": "Sample Limited, London",
    "storage_locations": ("EU",),
    "recipients": ("Muster Versand S.L.",),
}
SOURCE = {"reference": PLACE, "collected_at": "10 11 2026", "supplier": "Muster Daten S.L."}
BARE = dict.fromkeys(CONTROLLER, "") | {"legal_name": "Muster S.p.A.", "storage_locations": (), "recipients": ()}


@dataclass(frozen=True)
class Terms:
    """What the Regulation calls things in its version in this language, and how a reader says no."""

    reply: str
    rights: tuple[str, ...]
    objection: tuple[str, ...]
    rectify: str
    erase: str
    role: str
    """The word for the function of a person, which a notice says only where it is known."""


TERMS = {
    "es": Terms(
        "«Baja»",
        ("acceso", "rectificación", "supresión", "limitación del tratamiento", "portabilidad", "reclamación"),
        ("mercadotecnia directa", "elaboración de perfiles"),
        "rectifi",
        "supri",
        "su función",
    ),
    "fr": Terms(
        "«\u00a0Non merci\u00a0»",
        ("accès", "rectification", "effacement", "limitation du traitement", "portabilité", "réclamation"),
        ("prospection", "profilage"),
        "rectifi",
        "effa",
        "votre fonction",
    ),
    "it": Terms(
        "«No, grazie»",
        ("accedere", "rettificare", "cancellare", "limitazione del trattamento", "portabilità", "reclamo"),
        ("marketing diretto", "profilazione"),
        "rettific",
        "cancell",
        "il Suo ruolo",
    ),
    "pt": Terms(
        "«Remover»",
        ("acesso", "retificação", "apagamento", "limitação do tratamento", "portabilidade", "reclamação"),
        ("comercialização direta", "definição de perfis"),
        "retifi",
        "apaga",
        "a sua função",
    ),
    "sv": Terms(
        "”Nej tack”",
        ("tillgång", "rättade", "raderade", "begränsas", "dataportabilitet", "klagomål"),
        ("direkt marknadsföring", "profilering"),
        "rätta",
        "radera",
        "din roll",
    ),
}


def known(notice: NoticeText, **changes: Any) -> dict[str, Any]:
    """Everything a notice can say, with changes."""
    values: dict[str, Any] = {
        "controller": CONTROLLER,
        "authority": {"name": "Muster", "url": "https://authority.example"},
        "purpose": "x y z.",
        "product": "p q r",
        "function": notice.functions["purchasing"],
        "industry": "C28",
        "reason": "a b c",
        "source": {**SOURCE, "supplier": ""},
        "method": "own_site",
        "reply_possible": True,
        "pages": True,
    }
    return values | changes


def unknown(notice: NoticeText, **changes: Any) -> dict[str, Any]:
    """As little as a notice ever knows."""
    nothing: dict[str, Any] = dict.fromkeys(("product", "function", "industry", "reason"), "")
    source = {"reference": "", "collected_at": "", "supplier": ""}
    nobody = {"name": "", "url": ""}
    bare = known(notice, controller=BARE, authority=nobody, source=source, reply_possible=False, pages=False)
    return bare | nothing | changes


def cases(notice: NoticeText) -> Iterator[dict[str, Any]]:
    """Value sets that differ in what is known."""
    yield known(notice)
    yield unknown(notice)
    yield known(notice, industry="", product="", reply_possible=False)
    yield known(notice, function="", reason="", controller={**CONTROLLER, "phone": "", "eu_representative": ""})
    yield known(notice, function="", industry="", controller={**CONTROLLER, "contact": "", "registration": ""})
    yield unknown(notice, controller={**BARE, "address": "Via 1, Torino."}, reply_possible=True)
    yield known(notice, authority={"name": "Muster", "url": ""}, source={**SOURCE, "reference": "7 B"})
    for method in SourceMethod:
        yield unknown(notice, method=method)
        yield known(notice, method=method, source=SOURCE)


def blocks(notice: NoticeText, variant: Variant, values: Mapping[str, Any], wording: int = 0) -> dict[Block, str]:
    """The paragraphs of the text part. `wording`: the same for every block that has as many."""
    source = Nest("source", values["source"])
    inferred = values["method"] == SourceMethod.INFERRED
    phrase = (notice.extras["derived"] if inferred else notice.sources[values["method"]]).render({"source": source})
    assert isinstance(phrase, str), phrase
    constants = {
        **{name: values[name] for name in ("purpose", "product", "reply_possible")},
        "controller": Nest("controller", values["controller"]),
        "authority": Nest("authority", values["authority"]),
        "optout_url": OPTOUT_MARK,
        "preferences_url": PREFERENCES_MARK if values["pages"] else "",
        "basis": "legitimate_interest",
        "reply_phrase": notice.reply_phrase,
    }
    form = notice_form(notice, variant, constants)
    assert isinstance(form, NoticeForm), form
    said = {name: values[name] for name in ("function", "industry", "reason")}
    number, place = 0, 1
    for block in BLOCKS[variant]:
        count = len(notice.blocks[variant, block])
        number, place = number + place * (wording % count), place * count
    made = form.written(
        {**said, "source": Nest("source", {**values["source"], "phrase": phrase})}, OPTOUT, PAGE, number
    )
    assert isinstance(made, Written), made
    _, *paragraphs = made.text.removesuffix("\n").split("\n\n")
    return dict(zip(BLOCKS[variant], paragraphs, strict=True))


def everything(notice: NoticeText) -> Iterator[tuple[Block, str]]:
    """Each block in each wording for each of the cases."""
    for values in cases(notice):
        yield from blocks(notice, "first", values).items()
        for wording in range(3):
            yield from blocks(notice, "regular", values, wording).items()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_block_is_whole_sentences_whatever_is_known(language: str) -> None:
    for block, text in everything(SHELF.text(language)):
        for bad in ("{", "}", "  ", " .", " ,", "..", "()", "( ", ":.", ": :", ",,", "None"):
            assert bad not in text, (block, bad, text)
        assert text.endswith(".") or re.search(r": https://\S+[^.]$", text), (block, text)
        for sentence in re.split(r"(?<=[a-zåäöéèíóú][.?]) ", text):
            assert not sentence[0].islower(), (block, sentence)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("block", ["identity", "reason", "optout", "contact"])
def test_the_three_wordings_share_no_words_but_those_put_in(language: str, block: Block) -> None:
    notice = SHELF.text(language)
    assert len(notice.blocks["regular", block]) == 3
    for values in cases(notice):
        texts = [blocks(notice, "regular", values, each)[block].partition(" Muster S.p.A.")[0] for each in range(3)]
        if block == "identity":
            texts = [text.partition(CONTROLLER["legal_name"])[0] for text in texts]
        for one, other in combinations([set(re.split(r"(?<=[.?:]) ", text)) for text in texts], 2):
            assert not [part for part in one & other if len(part) > 10 and not set("@/+") & set(part)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_wording_keeps_the_legal_content(language: str) -> None:
    notice, terms = SHELF.text(language), TERMS[language]
    for wording in range(3):
        found = blocks(notice, "regular", known(notice), wording)
        for name in ("legal_name", "address", "registration", "eu_representative"):
            assert CONTROLLER[name] in found["identity"]
        for words in ("x y z.", "p q r.", "a b c.", notice.functions["purchasing"], terms.role):
            assert words in found["reason"]
        assert f"{OPTOUT} (" in found["optout"]
        assert f"{PAGE} " in found["optout"]
        assert found["contact"].count(terms.rectify) + found["contact"].count(terms.rectify.capitalize()) >= 1
        assert terms.erase in found["contact"]
        for name in ("contact", "phone", "privacy_url"):
            assert CONTROLLER[name] in found["contact"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_reply_and_the_deletion_it_brings_are_promised_exactly_where_it_is_read(language: str) -> None:
    notice, terms = SHELF.text(language), TERMS[language]
    for wording in range(3):
        for variant in BLOCKS:
            heard = blocks(notice, variant, known(notice, pages=False), wording)["optout"]
            assert terms.erase in heard.partition(terms.reply)[2]
            deaf = blocks(notice, variant, known(notice, pages=False, reply_possible=False), wording)
            assert not any(terms.reply in text for text in deaf.values())
            assert terms.erase not in deaf["optout"]
    short = blocks(notice, "first", known(notice, reply_possible=False))["objection"]
    assert len(short) < len(blocks(notice, "first", known(notice))["objection"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_objection_stands_apart_under_its_own_heading(language: str) -> None:
    notice, terms = SHELF.text(language), TERMS[language]
    found = blocks(notice, "first", known(notice))
    heading, line, text = found["objection"].partition("\n")
    assert line
    assert heading == notice.objection_heading
    assert heading not in text
    for term in terms.objection:
        assert term in text
        assert term not in found["rights"]
    assert "https://" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_rights_are_named_as_the_regulation_names_them(language: str) -> None:
    notice = SHELF.text(language)
    rights = blocks(notice, "first", known(notice))["rights"]
    for term in TERMS[language].rights:
        assert term in rights
    assert "Muster (https://authority.example)." in rights
    assert "Muster Versand S.L. " in rights
    assert CONTROLLER["privacy_url"] in rights


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_function_is_claimed_of_a_mailbox_that_has_none(language: str) -> None:
    notice, role = SHELF.text(language), TERMS[language].role
    for wording in range(3):
        assert role not in blocks(notice, "regular", unknown(notice), wording)["reason"]
    assert role not in blocks(notice, "first", unknown(notice))["reason"]
    assert role in blocks(notice, "first", known(notice))["reason"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_source_is_said_once_with_supplier_and_reference(language: str) -> None:
    notice = SHELF.text(language)
    for method in SourceMethod:
        text = blocks(notice, "first", known(notice, method=method, source=SOURCE))["source"]
        assert text.count(PLACE) == 1
        assert text.count("Muster Daten S.L.") == 1
        assert "10 11 2026" in text
    derived = blocks(notice, "first", known(notice, method="inferred"))["source"]
    assert f"({PLACE})" in derived
    assert "(" not in blocks(notice, "first", unknown(notice, method="inferred"))["source"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_function_method_and_extra_has_words(language: str) -> None:
    notice = SHELF.text(language)
    assert set(notice.functions) == set(Function)
    assert len(set(notice.functions.values())) == len(Function)
    assert set(notice.sources) == set(SourceMethod)
    assert set(notice.extras) == set(EXTRAS)
    said = notice.extras["representative_uk"].render({"controller": Nest("controller", CONTROLLER)})
    assert str(said).endswith(": Sample Limited, London.")
    assert str(notice.extras["acknowledgement"].render({})).endswith(".")
    assert notice.extras["commercial"].source != notice.extras["unsolicited"].source


def test_french_signs_do_not_stand_alone_at_the_start_of_a_line() -> None:
    for _, text in everything(SHELF.text("fr")):
        assert not re.search(r"[ \w][:;?!»](?: |$)|« ", text.replace("https:", "")), text
