"""What templates may do, and how what goes wrong becomes a value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.compose.fault import TemplateFault
from penstock.compose.sandbox import Blank, Compiled, Nest, Sandbox, translator_of

SECRET = "Zanna-Kell"
VALUES = {
    "given_name": SECRET,
    "family_name": Blank("family_name"),
    "company": Nest("company", {"name": "Muster & Werk", "region": Blank("company.region")}),
    "flags": ["a", "b"],
}
WORDS = {"hello": "hej & välkommen"}


def rendered(source: str, *, html: bool = False) -> str | TemplateFault:
    made = Sandbox(html=html).compiled(source, "letter.j2", translator_of(WORDS))
    return made.render(VALUES) if isinstance(made, Compiled) else made


def fault(source: str) -> TemplateFault:
    found = rendered(source)
    assert isinstance(found, TemplateFault)
    return found


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{ given_name }} of {{ company.name }}", f"{SECRET} of Muster & Werk"),
        ('{{ company["name"] }}', "Muster & Werk"),
        ("{{ t('hello') }}, {{ t('unknown') }}", "hej & välkommen, unknown"),
        ("{{ family_name|default('there') }}", "there"),
        ("{% if family_name %}a{% else %}b{% endif %}{% if not company.region %}c{% endif %}", "bc"),
        ("{{ family_name or 'you' }}", "you"),
        ("{% for x in flags %}{{ loop.index }}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}", "1a, 2b"),
        ("{% for x in family_name %}x{% endfor %}", ""),
        ("{% macro hi(n) %}Hi {{ n|upper }}{% endmacro %}{{ hi('eva') }}", "Hi EVA"),
        ("{% set n = namespace(x=0) %}{% for i in range(4) %}{% set n.x = n.x + i %}{% endfor %}{{ n.x }}", "6"),
        ("{% for a, b in [(1, 2), (3, 4)] %}{{ a }}{{ b }}{% endfor %}", "1234"),
        (
            "{{ flags|join(', ') }} {{ 'abab'|replace('a', 'c') }} {{ given_name.lower() }}",
            f"a, b cbcb {SECRET.lower()}",
        ),
    ],
)
def test_templates_can_do_what_letters_need(source: str, words: str) -> None:
    assert rendered(source) == words


def test_html_parts_escape_what_is_printed_and_text_parts_do_not() -> None:
    assert rendered("{{ company.name }} {{ t('hello') }}", html=True) == "Muster &amp; Werk hej &amp; välkommen"
    assert rendered("{{ company.name }}") == "Muster & Werk"


def test_printing_a_field_without_a_value_names_file_line_and_field() -> None:
    assert fault("Hello\n{{ company.region }}") == TemplateFault(
        "letter.j2", 2, "company.region", "has no value for this contact; use |default or {% if %}"
    )
    assert fault("{{ 'a' ~ family_name }}").variable == "family_name"
    assert fault("{{ family_name|upper }}").variable == "family_name"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("{{ nobody }}", "nobody"),
        ("{{ company.fax }}", "company.fax"),
        ("{{ company }}", "company"),
        ("{% if x %}{% endif %}", "x"),
    ],
)
def test_an_undeclared_variable_is_named(source: str, name: str) -> None:
    assert fault(source).variable == name


def test_a_name_that_was_computed_from_a_value_is_not_named() -> None:
    found = fault("{{ company[given_name] }}")
    assert found.variable is None
    assert SECRET not in str(found)


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 1000000000 }}",
        "{{ [1] * 30000 }}",
        "{{ 9 ** 999999999 }}",
        "{{ (9 ** 70) * (9 ** 70) }}",
        "{{ range(100000000)|length }}",
        "{{ '%999999999s' % 'x' }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ 'x'|center(999999999) }}",
        "{{ 'aaaa'|replace('a', 'b' * 20000) }}",
        "{{ [given_name * 3000, given_name * 3000]|join }}",
        "{% for a in range(1000) %}{% for b in range(1000) %}.{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}",
        "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
        "{% set x %}{% for i in range(900) %}{{ 'abc' * 3000 }}{% endfor %}{% endset %}",
        "{% for i in range(900) %}{{ 'abc' * 3000 }}{% endfor %}",
        "{{ " + "(" * 3000 + ")" * 3000 + " }}",
    ],
)
def test_no_template_takes_long_or_much_memory(source: str) -> None:
    assert isinstance(rendered(source), TemplateFault)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ company._values }}",
        "{{ company.pick }}",
        "{{ given_name.encode() }}",
        "{{ flags.append('x') }}",
        "{{ namespace.__init__ }}",
        "{{ range.__self__ }}",
        "{% set n = namespace() %}{{ n }}",
        "{% include 'other' %}",
        "{% extends 'other' %}",
        "{% import 'other' as o %}",
        "{% block b %}{% endblock %}",
        "{% for x in flags recursive %}{{ loop(flags) }}{% endfor %}",
        "{{ given_name|safe }}",
        "{{ 1 / 0 }}",
        "{{ given_name|int + 'x' }}",
        "{% for x in flags %}",
        "{{ }}",
    ],
)
def test_what_templates_may_not_do_is_a_fault_that_tells_nothing_of_the_contact(source: str) -> None:
    assert SECRET not in str(fault(source))


PIECES = st.sampled_from(
    [
        *("{{", "}}", "{%", "%}", "{# note #}", "text ", "'", '"', "\n"),
        *("{{ given_name }}", "{{ family_name }}", "{{ x }}", "{{ 'a' * 99 }}", "{% set x = 1 %}"),
        *("{% if flags %}", "{% endif %}", "{% for x in flags %}", "{% endfor %}", "{% raw %}", "{% endraw %}"),
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_any_template_gives_a_text_or_a_fault(source: str) -> None:
    found = rendered(source)
    assert isinstance(found, str | TemplateFault)
    assert not isinstance(found, TemplateFault) or SECRET not in str(found)


def test_a_template_renders_again_after_it_ran_dry() -> None:
    made = Sandbox(html=False).compiled(
        "{% for i in range(n) %}{% for j in range(n) %}.{% endfor %}{% endfor %}", "x", str
    )
    assert isinstance(made, Compiled)
    assert isinstance(made.render({"n": 900}), TemplateFault)
    assert made.render({"n": 2}) == "...."
