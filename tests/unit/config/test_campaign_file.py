from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from penstock.config.campaign_file import campaign_digest, read_campaign
from penstock.config.settings import Settings, load_settings
from penstock.errors import InvalidInput
from penstock.model.campaign import Basis, Campaign, Range, Stream
from penstock.model.contact import Function

CONFIG = """
[controllers.nordlicht]
legal_name = "Nordlicht Software AB"
address = "Storgatan 1, 111 22 Stockholm, Sweden"
country = "SE"
"""

OTHER = """
[controllers.sued]
legal_name = "Sued GmbH"
address = "Ring 1, 80331 Munich, Germany"
country = "DE"
"""

CAMPAIGN = """
[campaign]
id = "purchasing-2026"
controller = "Nordlicht Software AB"
purpose = "offer of purchasing software"
product = "purchasing software"
topic = ["purchasing", "Einkauf"]
stream = "prospecting"
basis = "legitimate_interest"
starts_at = 2026-11-20T08:00:00Z
expires_at = 2026-12-20

[audience]
countries = ["FR", "SE"]
functions = ["purchasing"]
employees = { min = 50, max = 500 }

[caps]
person = ["1/7d", "3/90d"]
company = ["5/30d"]

[message]
from = "Eva Berg, Nordlicht Software AB <eva.berg@nordlicht.example>"
reply_to = "eva.berg@nordlicht.example"
subject = "{{ company.name }}"
text = "letters/purchasing.txt.j2"
html = "letters/purchasing.html.j2"
fields = ["given_name", "company.name"]

[translations.fr]
"hello" = "bonjour"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "config.toml").write_text(CONFIG)
    return load_settings(tmp_path / "config.toml", {})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    letters = tmp_path / "letters"
    letters.mkdir()
    for name in ("purchasing.txt.j2", "purchasing.fr.txt.j2", "purchasing.SV.txt.j2", "purchasing.html.j2"):
        (letters / name).write_text(f"I am {name}")
    (letters / "purchasing.old.txt.j2").write_text("no language")
    (letters / "purchasing.fr.txt.j2.bak").write_text("no template")
    path = tmp_path / "campaign.toml"
    path.write_text(CAMPAIGN)
    return path


def changed(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def refused(path: Path, settings: Settings) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_campaign(path, settings)
    return caught.value


def test_a_campaign_is_read_whole(path: Path, settings: Settings) -> None:
    campaign = read_campaign(path, settings)
    assert (campaign.id, campaign.controller) == ("purchasing-2026", "nordlicht")
    assert (campaign.stream, campaign.basis) == (Stream.PROSPECTING, Basis.LEGITIMATE_INTEREST)
    assert campaign.starts_at == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert campaign.expires_at == datetime(2026, 12, 20, tzinfo=UTC)
    assert campaign.audience.functions == (Function.PURCHASING,)
    assert campaign.audience.employees == Range(50, 500)
    assert campaign.audience.unknown == "hold"
    assert campaign.caps.person == ("1/7d", "3/90d")
    assert campaign.message.from_.endswith("<eva.berg@nordlicht.example>")
    assert campaign.message.fields == ("given_name", "company.name")
    assert campaign.translations == {"fr": {"hello": "bonjour"}}
    assert re.fullmatch("[0-9a-f]{64}", campaign.digest)


def test_templates_come_with_their_language_variants(path: Path, settings: Settings) -> None:
    found = [(t.part, t.language, t.name) for t in read_campaign(path, settings).message.templates]
    assert found == [
        ("text", "", "letters/purchasing.txt.j2"),
        ("text", "sv", "letters/purchasing.SV.txt.j2"),
        ("text", "fr", "letters/purchasing.fr.txt.j2"),
        ("html", "", "letters/purchasing.html.j2"),
    ]
    assert read_campaign(path, settings).message.templates[2].source == "I am purchasing.fr.txt.j2"


def test_the_controller_may_be_named_by_id_or_legal_name_in_any_case(path: Path, settings: Settings) -> None:
    assert read_campaign(changed(path, 'Nordlicht Software AB"\npurpose', 'NORDLICHT"\npurpose'), settings).controller
    assert read_campaign(changed(path, '"NORDLICHT"', '"nordlicht software ab"'), settings).controller == "nordlicht"


def test_the_digest_changes_with_every_word_and_with_nothing_else(path: Path, settings: Settings) -> None:
    first = read_campaign(path, settings)
    assert read_campaign(changed(path, "[audience]", "# a remark\n[audience]"), settings).digest == first.digest
    assert campaign_digest(first) == first.digest
    (path.parent / "letters" / "purchasing.fr.txt.j2").write_text("another word")
    second = read_campaign(path, settings)
    third = read_campaign(changed(path, '"bonjour"', '"salut"'), settings)
    assert len({first.digest, second.digest, third.digest}) == 3


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("topic =", "topics =", ":7 campaign.topics", "unknown key 'topics' (did you mean 'topic'?)"),
        ("[caps]", "[cap]", ":18 cap", "did you mean 'caps'?"),
        (
            'purpose = "offer of purchasing software"\n',
            "",
            ":2 campaign.purpose",
            "the key 'purpose' is missing",
        ),
        ('id = "purchasing-2026"', 'id = "pur chasing"', ":3 campaign.id", "expected a name"),
        ('"prospecting"', '"prospectin"', ":8 campaign.stream", "did you mean 'prospecting'?"),
        ('"legitimate_interest"', '"interest"', ":9 campaign.basis", "expected one of consent"),
        (
            'stream = "prospecting"',
            'channel = "sms"',
            ":8 campaign.channel",
            "only the channel email is in this version",
        ),
        (
            '"Nordlicht Software AB"\np',
            '"Nordlich Software"\np',
            ":4 campaign.controller",
            "nordlicht software ab",
        ),
        ('["purchasing"]', '["purchasin"]', ":15 audience.functions[0]", "did you mean 'purchasing'?"),
        ("max = 500", "maxx = 500", ":16 audience.employees.maxx", "did you mean 'max'?"),
        ("min = 50,", "min = 501,", ":16 audience.employees", "min is greater than max"),
        ("min = 50,", "min = -1,", ":16 audience.employees.min", "must be at least 0"),
        ('"FR", "SE"', '"FR", "Sweden"', ":14 audience.countries[1]", "two capital letters"),
        ('"FR", "SE"', '"FR", "UK"', ":14 audience.countries[1]", 'use "GB"'),
        ("2026-12-20", "2026-11-20", ":11 campaign.expires_at", "ends before it starts"),
        ("2026-12-20", "'soon'", ":11 campaign.expires_at", "ISO"),
        ('"3/90d"', '"3 in 90"', ":19 caps.person[1]", "such as 5/30d"),
        ("from =", "form =", ":23 message.form", "did you mean 'from'?"),
        ("<eva.berg@nordlicht.example>", "<eva.berg>", ":23 message.from", "no e-mail address"),
        ("Eva Berg, N", "Eva\\r\\nBcc: N", ":23 message.from", "control character"),
        ('"company.name"]', '"company.nam"]', ":28 message.fields[1]", "did you mean 'company.name'?"),
        (
            "purchasing.html.j2",
            "nothing.html.j2",
            ":27 message.html",
            "no template file letters/nothing.html.j2",
        ),
        ("[translations.fr]", "[translations.french]", ":30 translations.french", "two small letters"),
        ("[message]", "[message", ":22", "not TOML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    path: Path, settings: Settings, old: str, new: str, where: str, what: str
) -> None:
    error = refused(changed(path, old, new), settings)
    assert error.where == f"{path}{where}"
    assert what in str(error)


def test_a_message_needs_text_or_html(path: Path, settings: Settings) -> None:
    text = re.sub(r"(text|html) = .*\n", "", path.read_text())
    path.write_text(text)
    assert "neither text nor html" in refused(path, settings).what
    changed(path, "[translations", 'text = "letters/purchasing.txt.j2"\n[translations')
    assert {t.part for t in read_campaign(path, settings).message.templates} == {"text"}


def test_files_that_cannot_be_read_are_named(path: Path, settings: Settings) -> None:
    template = path.parent / "letters" / "purchasing.fr.txt.j2"
    template.write_bytes(b"caf\xe9")
    assert refused(path, settings).where == str(template)
    assert "Is a directory" in refused(path.parent, settings).what
    assert "No such file" in refused(path.parent / "none.toml", settings).what
    path.write_bytes(b"\xff\xfe[\x00")
    assert "not UTF-8" in refused(path, settings).what


def test_a_config_without_controllers_is_pointed_out(path: Path, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    assert "no [controllers.*]" in refused(path, load_settings(tmp_path / "config.toml", {})).mend


def test_the_campaign_survives_as_plain_data(path: Path, settings: Settings) -> None:
    from pydantic import TypeAdapter

    adapter = TypeAdapter(Campaign)
    campaign = read_campaign(path, settings)
    assert adapter.validate_json(adapter.dump_json(campaign)) == campaign


def test_columns_of_contact_files_are_renamed_by_the_campaign(path: Path, settings: Settings) -> None:
    path.write_text(path.read_text() + '[map]\n"E-Mail" = "address"\n')
    assert read_campaign(path, settings).columns == {"E-Mail": "address"}


@pytest.mark.parametrize(
    ("senders", "answer"),
    [
        ('[[sender]]\ndomain = "nordlicht.example"', None),
        ('[[sender]]\ndomain = "other.example"', "is in no"),
        ('[[sender]]\ndomain = "licht.example"', "is in no"),
        ('[[sender]]\ndomain = "nordlicht.example"\ncontrollers = ["nordlicht"]', None),
        ('[[sender]]\ndomain = "nordlicht.example"\ncontrollers = ["sued"]' + OTHER, "is in no"),
    ],
)
def test_a_from_outside_the_sender_domains_of_the_controller_is_refused(
    tmp_path: Path, path: Path, senders: str, answer: str | None
) -> None:
    (tmp_path / "config.toml").write_text(CONFIG + senders)
    if answer is None:
        assert read_campaign(path, load_settings(tmp_path / "config.toml", {})).id == "purchasing-2026"
        return
    with pytest.raises(InvalidInput, match=answer):
        read_campaign(path, load_settings(tmp_path / "config.toml", {}))


def test_styles_go_into_each_rendered_letter_only_where_css_inline_is_there(path: Path, settings: Settings) -> None:
    assert read_campaign(path, settings).message.inline == "template"
    path.write_text(CAMPAIGN.replace("fields =", 'inline = "rendered"\nfields ='))
    made = read_campaign(path, settings)
    assert made.message.inline == "rendered"
    assert made.digest != campaign_digest(replace(made, message=replace(made.message, inline="template")))
    with pytest.raises(InvalidInput, match="css-inline, which is not installed") as fault:
        read_campaign(path, settings, installed=lambda _name: None)
    assert fault.value.mend is not None
    assert "penstock[css-inline]" in fault.value.mend
    path.write_text(CAMPAIGN.replace("fields =", 'inline = "never"\nfields ='))
    with pytest.raises(InvalidInput, match="template"):
        read_campaign(path, settings)
