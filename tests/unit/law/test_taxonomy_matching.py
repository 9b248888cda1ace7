from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.taxonomy import Taxonomy, TitleMatch
from penstock.law.title_words import TitleWords, pattern_words
from penstock.model.contact import Function

LANGUAGES = ("de", "en", "fr", "sv", "es", "it", "nl", "pl", "da", "fi", "pt")

SMALL = Taxonomy(
    [
        ("de", "purchasing", "*einkauf!"),
        ("de", "purchasing", "*einkaufs*!"),
        ("de", "purchasing", "*einkäufer*!!"),
        ("de", "logistics", "*logistik*"),
        ("de", "production", "produktions*"),
        ("de", "management", "geschäftsführ*"),
        ("de", "management", "*vorstand"),
        ("de", "sales", "vertriebs*"),
        ("de", "+", "*leiter*"),
        ("de", "-", "*lehrer*!"),
        ("en", "it", "IT"),
        ("en", "sales", "sales"),
        ("en", "sales", "sales engineer!"),
        ("en", "marketing", "marketing"),
        ("en", "production", "production"),
        ("en", "legal", "lawyer*!!"),
        ("en", "purchasing", "procurement!"),
        ("en", "engineering", "engineer*?"),
        ("en", "quality", "quality"),
        ("en", "research", "r & d"),
        ("en", "management", "managing director"),
        ("en", "management", "president"),
        ("en", "+", "vice president"),
        ("en", "+", "manager*"),
        ("en", "+", "head"),
        ("en", "-", "traffic controller!"),
        ("en", "-", "product manager"),
        ("en", "finance", "controller*!!"),
        ("fr", "purchasing", "acheteu*!!"),
        ("fr", "it", "systèmes d'information"),
        ("fr", "sales", "chargé d'affaires"),
        ("sv", "purchasing", "inköps*!"),
        ("da", "quality", "værk"),
        ("pl", "it", "głów*"),
        ("es", "engineering", "técnico?"),
        ("es", "hr", "personal"),
        ("de", "hr", "personal"),
    ]
)


def read(title: str, language: str | None = None) -> str:
    match = SMALL.function_of(title, language)
    return "-" if match is None else match.function.value


@pytest.mark.parametrize(
    ("title", "function"),
    [
        ("sales engineer", "sales"),
        ("Marketing, Sales", "marketing"),
        ("Quality Engineer", "quality"),
        ("Engineer", "engineering"),
        ("Production Marketing", "production"),
        ("Marketing Quality", "marketing"),
    ],
)
def test_the_longest_match_wins_and_a_faint_one_yields(title: str, function: str) -> None:
    assert read(title) == function


def test_on_equal_length_the_first_in_the_title_wins() -> None:
    taxonomy = Taxonomy([("en", "sales", "selling"), ("en", "legal", "lawsuit")])
    assert taxonomy.function_of("lawsuit selling") == TitleMatch(Function.LEGAL, "en", "lawsuit")
    assert taxonomy.function_of("selling lawsuit") == TitleMatch(Function.SALES, "en", "selling")


@pytest.mark.parametrize("title", ["salesforce", "presales", "wholesale", "telemarketing", "italy", ""])
def test_only_whole_words_match(title: str) -> None:
    assert read(title) == "-"


@pytest.mark.parametrize("title", ["IT", "it", "Head of IT", "IT-Manager", "HEAD OF IT"])
def test_a_pattern_in_capitals_matches_capitals_or_a_title_of_one_word(title: str) -> None:
    assert read(title) == "it"


@pytest.mark.parametrize("title", ["I make it happen", "It is me", "Italy Country Manager"])
def test_the_pronoun_is_no_department(title: str) -> None:
    assert read(title) == "-"


@pytest.mark.parametrize(
    "title",
    [
        "Einkäufer (m/w/d)", "Einkäufer/in", "Einkäufer:in", "Einkäufer*in", "Einkäufer_in", "Einkäufer(in)",
        "Einkaeuferin", "EINKÄUFER", "Einkaufer (w/m/x)", "m/w/d Einkäufer",
        "Einka\u0308ufer", "Acheteur·euse", "Acheteur/euse", "acheteur(euse) H/F", "acheteur-euse", "Inköpsassistent",
        "Inkoepsassistent", "Acheteuse (she/her)",
    ],
)  # fmt: skip
def test_gender_marks_accents_and_case_do_not_matter(title: str) -> None:
    assert read(title) == "purchasing"


def test_gender_marks_inside_a_pattern_of_several_words_are_removed() -> None:
    assert read("Chargé(e) d’affaires") == "sales"
    assert read("chargée·e affaires") == "-"
    assert read("Técnico/a") == "engineering"
    assert read("systemes d'information") == "it"


@pytest.mark.parametrize(
    ("title", "function"),
    [
        ("Einkaufsleiterin", "purchasing"),
        ("Einkaufsleiter Produktionslogistik", "purchasing"),
        ("Produktionslogistiker", "logistics"),
        ("Vertriebsvorstand", "sales"),
        ("Vorstand", "management"),
        ("IT-Einkauf", "purchasing"),
        ("Produktionsleiter Logistik", "production"),
        ("Rohstoffeinkauf", "purchasing"),
    ],
)
def test_compounds_are_read_by_their_parts_and_their_head_counts(title: str, function: str) -> None:
    assert read(title) == function


@pytest.mark.parametrize(
    ("title", "function"),
    [
        ("Marketing Lawyer", "legal"),
        ("Procurement Lawyer", "legal"),
        ("IT procurement", "purchasing"),
        ("Production Controller", "finance"),
        ("Head of Sales", "sales"),
        ("Sales Manager Production", "sales"),
        ("Head of Marketing Procurement", "purchasing"),
    ],
)
def test_a_profession_beats_its_object_and_a_role_gives_weight(title: str, function: str) -> None:
    assert read(title) == function


@pytest.mark.parametrize(
    ("title", "function"),
    [
        ("Leiter Einkauf und Logistik", "purchasing"),
        ("Sales & Marketing", "sales"),
        ("Sales/Production", "sales"),
        ("Sales, Marketing and Production", "sales"),
        ("Marketing and Sales", "marketing"),
    ],
)
def test_the_first_of_a_list_speaks_for_all(title: str, function: str) -> None:
    assert read(title) == function


@pytest.mark.parametrize(
    ("title", "function"),
    [
        ("Managing Director", "management"),
        ("Managing Director Sales", "sales"),
        ("Geschäftsführer, IT", "it"),
        ("President", "management"),
    ],
)
def test_a_specific_function_beats_general_management(title: str, function: str) -> None:
    assert read(title) == function


@pytest.mark.parametrize(
    ("title", "function"),
    [
        ("Air Traffic Controller", "-"),
        ("Controller", "finance"),
        ("Product Manager", "-"),
        ("Product Manager Marketing", "marketing"),
        ("Vice President", "-"),
        ("Vice President Sales", "sales"),
        ("Logistiklehrer", "-"),
        ("Lehrer für IT", "-"),
    ],
)
def test_a_stop_consumes_its_words_and_a_stop_for_a_profession_the_title(title: str, function: str) -> None:
    assert read(title) == function


@pytest.mark.parametrize(
    "title", ["Manager", "Head", "Leiter", "Assistant", "Consultant", "   ", "!?", "🙂", "(m/w/d)"]
)
def test_a_title_without_a_function_has_none(title: str) -> None:
    assert read(title) == "-"


@pytest.mark.parametrize("title", ["R&D", "R & D Manager", "R+D", "Head of R&D"])
def test_an_ampersand_belongs_to_its_letters(title: str) -> None:
    assert read(title) == "research"


def test_what_follows_the_word_at_is_the_employer() -> None:
    assert read("Sales Manager at Procurement Lawyers Ltd") == "sales"
    assert read("Head at Marketing Inc") == "-"


def test_the_language_decides_only_between_equal_patterns() -> None:
    assert SMALL.function_of("Personal", "de") == TitleMatch(Function.HR, "de", "personal")
    assert SMALL.function_of("Personal", "es") == TitleMatch(Function.HR, "es", "personal")
    assert SMALL.function_of("Sales", "fi") == TitleMatch(Function.SALES, "en", "sales")


def test_a_title_is_cut_and_answers_are_forgotten_before_they_fill_the_memory() -> None:
    taxonomy = Taxonomy([("en", "sales", "sales")])
    for number in range(10_050):
        taxonomy.function_of(f"sales {number}")
    assert len(taxonomy._titles) <= 10_000
    assert taxonomy.function_of("x " * 5000 + "sales") is None


@pytest.mark.parametrize(
    "row", [("en", "cooking", "cook"), ("en", "sales", "*"), ("en", "sales", "a*"), ("en", "sales", "")]
)
def test_a_wrong_row_is_refused(row: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Taxonomy([row])


def test_patterns_are_spelt_in_every_way_and_titles_once() -> None:
    assert set(pattern_words("köksmästare")) == {
        ("koksmastare",), ("koeksmastare",), ("koksmaestare",), ("koeksmaestare",),
    }  # fmt: skip
    assert TitleWords.read("Treue Israel").keys == ("treue", "israel")
    assert TitleWords.read("Værkfører").keys == ("VAERKFORER",)


@given(st.text(max_size=80))
def test_no_title_raises_and_no_word_is_empty(title: str) -> None:
    SMALL.function_of(title)
    assert all(TitleWords.read(title).keys)


@given(st.sampled_from(["sales", "marketing lawyer", "head of production", "einkäufer"]), st.sampled_from("-/ _|"))
def test_separators_are_equal(title: str, separator: str) -> None:
    assert read(title.replace(" ", separator)) == read(title)


@pytest.fixture(scope="module")
def shipped() -> Taxonomy:
    return Taxonomy.load()


def test_the_shipped_table_has_every_function_in_every_language(shipped: Taxonomy) -> None:
    meanings = [(match.language, match.function) for pattern in shipped._patterns.values() if not pattern.kind
                for match in pattern.meanings.values()]  # fmt: skip
    assert len(meanings) >= 1500
    counts = Counter(meanings)
    assert [(one, function) for one in LANGUAGES for function in Function if counts[one, function] < 5] == []


@pytest.mark.parametrize(
    ("title", "function"),
    [
        ("Einkaufsleiterin", "purchasing"), ("inköpschef", "purchasing"), ("hankintapäällikkö", "purchasing"),
        ("inkoopmanager", "purchasing"), ("Leiter Einkauf und Logistik", "purchasing"), ("CPO", "purchasing"),
        ("Salesforce Administrator", "it"), ("Recruiter for IT roles", "hr"), ("IT buyer", "purchasing"),
        ("sales lawyer", "legal"), ("information security", "it"), ("Marketing Lawyer", "legal"),
        ("Responsable RH", "hr"), ("Directeur CFO", "finance"), ("DSI", "it"), ("RSSI", "it"), ("DAF", "finance"),
        ("Sales Engineer", "sales"), ("Konstrukteur", "engineering"), ("Dyrektor działu B+R", "research"),
        ("Responsable de I+D", "research"), ("FoU-chef", "research"), ("Leiter F&E", "research"),
        ("Responsable SAV", "customer_service"), ("Plant Manager", "production"), ("Toimitusjohtaja", "management"),
        ("Arbetsmiljöingenjör", "safety"), ("Specjalista ds. BHP", "safety"), ("Työsuojelupäällikkö", "safety"),
        ("Head of Facilities", "facilities"), ("Managing Director Purchasing", "purchasing"),
        ("Kwaliteitsmanager", "quality"), ("Magazziniere", "logistics"), ("Diretor Comercial", "sales"),
    ],
)  # fmt: skip
def test_shipped_titles(shipped: Taxonomy, title: str, function: str) -> None:
    match = shipped.function_of(title)
    assert match is not None
    assert match.function == function


@pytest.mark.parametrize(
    "title",
    [
        "Personal Assistant", "Personal Trainer", "Manager", "Director", "Assistant", "Consultant", "Teacher", "Nurse",
        "Catholic priest", "Produktmanager", "Musiklehrerin", "Sjuksköterska", "Chef de cuisine", "Making it happen",
        "Village Manager", "Stadium Manager", "Arborist", "Air traffic controller",
    ],
)  # fmt: skip
def test_shipped_traps(shipped: Taxonomy, title: str) -> None:
    assert shipped.function_of(title) is None
