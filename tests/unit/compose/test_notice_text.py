"""Legal texts as files: of the package, of the house's own, with several wordings and with extras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from penstock.compose.notice_text import EXTRAS, NoticeShelf
from penstock.compose.notice_trial import notice_faults, table_faults
from penstock.errors import ConfigError
from penstock.model.contact import Function, SourceMethod

TEMPLATES = Path(__file__).parents[3] / "templates/notices"
LANGUAGES = ("cs", "da", "de", "en", "es", "fi", "fr", "it", "nl", "pl", "pt", "sv")
Own = Callable[..., Path]


@pytest.fixture
def own(tmp_path: Path) -> Own:
    """Writes a text of the house's own: the English one with changes."""

    def made(language: str, *changes: tuple[str, str]) -> Path:
        source = (TEMPLATES / "en/notice.toml").read_text().replace('language = "en"', f'language = "{language}"')
        for old, new in changes:
            assert old in source, old
            source = source.replace(old, new)
        path = tmp_path / language / "notice.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
        return tmp_path

    return made


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_shipped_text_is_whole(language: str) -> None:
    text = NoticeShelf(TEMPLATES).text(language)
    assert text.language == language
    assert notice_faults(text) == []
    assert table_faults(NoticeShelf(TEMPLATES).file(language)) == []
    assert text.extras.keys() == set(EXTRAS)
    assert set(text.sources) == {str(method) for method in SourceMethod}
    assert set(text.functions) == {str(function) for function in Function}
    assert len(text.blocks["regular", "reason"]) == len(text.blocks["regular", "optout"]) == 3
    assert {len(wordings) for (variant, _), wordings in text.blocks.items() if variant == "first"} == {1}


def test_a_text_of_the_house_goes_before_the_shipped_one_and_may_add_a_language(own: Own) -> None:
    folder = own("hu", ("No, thanks", "Köszönöm, nem"))
    own("en", ("No, thanks", "Stop it"))
    shelf = NoticeShelf(TEMPLATES, folder)
    assert shelf.languages() == {*LANGUAGES, "hu"}
    assert [shelf.file(each).own for each in ("de", "en", "hu")] == [False, True, True]
    assert [shelf.text(each).reply_phrase for each in ("de", "en", "hu")] == ["Nein, danke", "Stop it", "Köszönöm, nem"]


def test_the_version_names_id_version_language_and_digest(own: Own) -> None:
    shelf = NoticeShelf(TEMPLATES, own("hu"))
    file = shelf.file("hu")
    assert shelf.text("hu").version == f"penstock-notice-1-hu-{file.digest[:12]}"
    assert len(file.digest) == 64
    assert NoticeShelf(TEMPLATES, own("hu", ("No, thanks", "No"))).file("hu").digest != file.digest


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('language = "hu"', 'language = "de"', "another language"),
        ('id = "penstock-notice"', "", "lacks id"),
        ("[sources]", "[source]", "lacks 'sources'"),
        ("\ncommercial = ", "\ncomercial = ", "unknown extra comercial"),
        ("[functions]", "functions = 1\n[other]", "notice"),
        ("{{ optout_url }}", "{{ optout_url", "notice"),
    ],
)
def test_a_text_that_cannot_be_used_is_an_error_with_its_file(own: Own, old: str, new: str, says: str) -> None:
    shelf = NoticeShelf(TEMPLATES, own("hu", (old, new)))
    with pytest.raises(ConfigError, match=says) as caught:
        shelf.text("hu")
    assert "notice.toml" in str(caught.value)


@pytest.mark.parametrize("given", ["[]", '["", "x"]', "7", "[7]", '""'])
def test_a_block_is_a_text_or_a_list_of_texts(tmp_path: Path, own: Own, given: str) -> None:
    folder = own("hu")
    path = folder / "hu/notice.toml"
    head, mark, rest = path.read_text().partition("\n[regular]\n")
    identity, _, tail = rest.partition("\nreason = ")
    assert identity.startswith("identity = ")
    path.write_text(f"{head}{mark}identity = {given}\nreason = {tail}")
    with pytest.raises(ConfigError, match="list of texts"):
        NoticeShelf(TEMPLATES, folder).text("hu")


def test_a_misspelt_variable_is_found_wherever_it_stands(own: Own) -> None:
    shelf = NoticeShelf(TEMPLATES, own("hu", ("controller.phone", "controller.fone")))
    faults = notice_faults(shelf.text("hu"))
    assert {fault.variable for fault in faults} == {"controller.fone"}
    assert all("notice.toml" in fault.file for fault in faults)
    shelf = NoticeShelf(TEMPLATES, own("da", ("controller.uk_representative", "controller.rep")))
    assert [fault.variable for fault in notice_faults(shelf.text("da"))] == ["controller.rep"]


@pytest.mark.parametrize(
    ("block", "variable"),
    [("identity", "reason"), ("rights", "source.phrase"), ("optout", "function"), ("reason", "source.reference")],
)
def test_what_is_known_of_the_contact_is_found_where_it_is_not_told(own: Own, block: str, variable: str) -> None:
    """Approved, it would block every mail."""
    path = own("hu") / "hu/notice.toml"
    before, mark, after = path.read_text().partition("\n[first]\n")
    head, start, rest = after.partition(f'{block} = """')
    path.write_text(f"{before}{mark}{head}{start}{{{{ {variable} }}}} {rest}")
    faults = notice_faults(NoticeShelf(TEMPLATES, path.parents[1]).text("hu"))
    assert {(fault.variable or "").partition(".")[0] for fault in faults} == {variable.partition(".")[0]}


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ('reply_phrase = "No, thanks"', "reply_phrase = 7", "reply_phrase", "no text"),
        ('reply_phrase = "No, thanks"', 'reply_phrase = " "', "reply_phrase", "no text"),
        ('reply_phrase = "No, thanks"', "", "reply_phrase", "no text"),
        ("\nhr = ", "\nhhr = ", "functions.hhr", "unknown"),
        ("\nhr = ", "\nhhr = ", "functions.hr", "missing"),
        ("\nevent = ", '\nfair = "x"\nevent = ', "sources.fair", "unknown"),
        ("\nevent = ", '\nevent = ""\n# ', "sources.event", "no text"),
        ("\noptout_link = ", "\noptout_link = 3\n# ", "labels.optout_link", "no text"),
        ("\noptout_link = ", "\n# ", "labels.optout_link", "missing"),
        ("[labels]", "[unread]", "labels", "no table"),
        ("\noptout_link = ", '\noptout_link = "{{ optout_url }}"\n# ', "labels.optout_link", "plain text"),
    ],
)
def test_a_key_that_is_missing_unknown_or_no_text_is_found_by_its_name(
    own: Own, old: str, new: str, key: str, says: str
) -> None:
    faults = table_faults(NoticeShelf(TEMPLATES, own("hu", (old, new))).file("hu"))
    assert says in {fault.key: fault.what for fault in faults}[key]


@pytest.mark.parametrize(
    ("section", "block", "variable"),
    [
        ("first", "optout", "optout_url"),
        ("regular", "optout", "optout_url"),
        ("first", "identity", "controller.legal_name"),
        ("regular", "identity", "controller.legal_name"),
    ],
)
def test_a_wording_without_the_link_to_opt_out_or_the_name_is_found(
    own: Own, section: str, block: str, variable: str
) -> None:
    folder = own("hu")
    path = folder / "hu/notice.toml"
    before, mark, after = path.read_text().partition(f"\n[{section}]\n")
    head, start, rest = after.partition(f"{block} = ")
    name, sentence = f"{{{{ {variable} }}}}", f"{{% if reply_possible %}}{{{{ {variable} }}}}{{% endif %}}"
    for bad in ("nothing", sentence):  # nowhere, or not always
        path.write_text(f"{before}{mark}{head}{start}{rest.replace(name, bad, 1)}")
        [fault] = notice_faults(NoticeShelf(TEMPLATES, folder).text("hu"))
        assert fault.variable == variable
        assert fault.file == f"{path} {section}.{block}"
        assert f"{section}.{block}, and does not in wording 1" in fault.what


def test_the_extras_are_those_of_the_contract() -> None:
    assert get_args(EXTRAS) == ()
    assert EXTRAS == ("commercial", "unsolicited", "acknowledgement", "representative_uk", "derived")
