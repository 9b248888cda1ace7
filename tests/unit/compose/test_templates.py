"""Which template a contact gets, and what it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from penstock.compose.fault import TemplateFault
from penstock.compose.templates import LetterTemplate, Rendered, TemplateShelf
from penstock.model.campaign import Campaign, TemplateFile
from penstock.model.contact import Company, Contact

ANNA = Contact("anna@muster-werk.example", given_name="Anna", company=Company(name="Muster & Werk"))


def file(part: str, language: str, source: str) -> TemplateFile:
    name = ".".join(filter(None, ["letter", language, "txt" if part == "text" else "html", "j2"]))
    return TemplateFile("text" if part == "text" else "html", language, name, source)


def letter(campaign: Campaign, language: str = "en", contact: Contact = ANNA) -> Rendered:
    template = TemplateShelf().letter_template(campaign, language)
    assert isinstance(template, LetterTemplate), template
    rendered = template.render(contact)
    assert isinstance(rendered, Rendered), rendered
    return rendered


def test_a_language_has_its_own_template_and_any_other_gets_the_default(campaign: Callable[..., Campaign]) -> None:
    made = campaign([file("text", "", "Hello"), file("text", "fr", "Bonjour")])
    assert letter(made, "fr").text == letter(made, "fr-CA").text == "Bonjour"
    assert letter(made, "fi").text == "Hello"


@pytest.mark.parametrize(
    ("wanted", "language"), [("fr", "fr"), ("fr-CA", "fr"), ("sv", "sv"), ("fi", "en"), ("en", "en")]
)
def test_the_letter_knows_what_language_it_is_in(wanted: str, language: str, campaign: Callable[..., Campaign]) -> None:
    made = campaign([file("text", "", "Hello"), file("text", "fr", "Bonjour")], translations={"sv": {}})
    template = TemplateShelf().letter_template(made, wanted)
    assert isinstance(template, LetterTemplate)
    assert template.language == language


def test_translations_are_looked_up_and_a_missing_one_is_the_text_itself(campaign: Callable[..., Campaign]) -> None:
    made = campaign(
        [file("text", "", "{{ t('Hello') }} {{ t(given_name) }}")],
        fields=("given_name",),
        translations={"fr": {"purchasing without spreadsheets": "les achats sans tableur", "Anna": "Anne"}},
    )
    assert letter(made, "fr") == Rendered("les achats sans tableur", "Hello Anne", None)
    assert letter(made, "en").subject == "purchasing without spreadsheets"


def test_only_the_declared_fields_can_be_seen(campaign: Callable[..., Campaign]) -> None:
    made = campaign([file("text", "", "{{ company.name }}\n{{ company.id }}")], fields=("company.name",))
    template = TemplateShelf().letter_template(made, "en")
    assert isinstance(template, LetterTemplate)
    found = template.render(ANNA)
    assert isinstance(found, TemplateFault)
    assert (found.file, found.line, found.variable) == ("letter.txt.j2", 2, "company.id")
    undeclared = TemplateShelf().letter_template(campaign([file("text", "", "{{ given_name }}")]), "en")
    assert isinstance(undeclared, LetterTemplate)
    assert isinstance(undeclared.render(ANNA), TemplateFault)


@pytest.mark.parametrize("name", ["company", "consents", "company.fax", "nickname", "__class__"])
def test_a_field_that_contacts_do_not_have_is_a_fault_of_the_campaign(
    name: str, campaign: Callable[..., Campaign]
) -> None:
    found = TemplateShelf().letter_template(campaign(fields=(name,)), "en")
    assert isinstance(found, TemplateFault)
    assert found.variable == name


def test_a_fault_in_html_names_the_line_of_the_file_although_inlining_moved_it(
    campaign: Callable[..., Campaign],
) -> None:
    html = "<p\n class='x'\n\n>x</p>\n<p>{{ given_name }}</p>"
    made = campaign([file("html", "", html), file("text", "", "x")], fields=("given_name",))
    template = TemplateShelf().letter_template(made, "en")
    assert isinstance(template, LetterTemplate)
    found = template.render(Contact("x@y.example"))
    assert isinstance(found, TemplateFault)
    assert (found.file, found.line, found.variable) == ("letter.html.j2", 5, "given_name")
    broken = TemplateShelf().letter_template(campaign([file("html", "", "<p\n>{% if %}")]), "en")
    assert isinstance(broken, TemplateFault)
    assert (broken.file, broken.line) == ("letter.html.j2", 2)


def test_html_is_inlined_once_per_version_and_language(campaign: Callable[..., Campaign]) -> None:
    shelf = TemplateShelf()
    made = campaign([file("html", "", "<p>x</p>")], digest="d1")
    for _ in range(5):
        shelf.letter_template(made, "en")
    assert shelf.inliner.runs == 1
    shelf.letter_template(campaign([file("html", "", "<p>y</p>")], digest="d2"), "en")
    assert shelf.inliner.runs == 2


def test_the_version_changes_with_the_template_even_without_a_digest(campaign: Callable[..., Campaign]) -> None:
    shelf = TemplateShelf()
    one = shelf.letter_template(campaign([file("text", "", "a")]), "en")
    other = shelf.letter_template(campaign([file("text", "", "b")]), "en")
    assert isinstance(one, LetterTemplate)
    assert isinstance(other, LetterTemplate)
    assert one.version != other.version


def test_without_a_text_template_the_text_is_made_from_the_html(campaign: Callable[..., Campaign]) -> None:
    html = """<html><head><title>t</title><style>p { color: red }</style></head><body><!--[if mso]>no<![endif]-->
    <h1>News for {{ company.name }}</h1>
    {% if given_name %}<p>Dear {{ given_name }},</p>{% endif %}
    {% if reason %}<p>{{ reason }}</p>{% endif %}
    <ul>{% for x in flags %}<li>{{ x }}</li>{% endfor %}<li>last &amp; least</li></ul>
    <table><tr><td>a</td><td>b</td></tr></table>
    <p>See <a href="https://n.example/{{ given_name }}">our site</a> or <a href="https://n.example">https://n.example</a><br>Eva
    <img src="x" alt="logo"></p></body></html>"""
    made = campaign([file("html", "", html)], fields=("company.name", "given_name", "reason", "flags"))
    assert letter(made).text == (
        "News for Muster & Werk\n\nDear Anna,\n\n- last & least\n\na b\n\n"
        "See our site <https://n.example/Anna> or https://n.example\nEva logo"
    )


def test_a_campaign_without_templates_has_no_letter(campaign: Callable[..., Campaign]) -> None:
    made = campaign([file("text", "fr", "Bonjour")])
    assert isinstance(TemplateShelf().letter_template(made, "fr"), LetterTemplate)
    assert isinstance(TemplateShelf().letter_template(made, "en"), TemplateFault)
