"""What templates may do, and how what goes wrong becomes a value."""

from __future__ import annotations

import time
import tracemalloc

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
        "{{ " + "+".join("1" * 9000) + " }}",
        "{{ " + "9" * 9000 + " }}",
        # Doubling without an operator that looks like it.
        "{% set n = namespace(x=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x]|sum(start=[]) %}{% endfor %}",
        "{% set n = namespace(x='é') %}{% for i in range(900) %}{% set n.x = n.x|urlencode %}{% endfor %}",
        "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = [n.x, n.x]|join %}{% endfor %}{{ n.x }}",
        "{% set n = namespace(x='a') %}{% for i in range(60) %}{% set n.x = n.x|replace('a', 'aa') %}{% endfor %}",
        # One call that takes for ever, or all memory, also while constants are worked out in advance.
        "{{ 1|round(999999999, 'ceil') }}",
        "{{ 1.5|round(-999999999, 'floor') }}",
        "{{ ('f' * 30000)|int(base=16) }}",
        "{{ ('a' * 30000)|list|length }}",
        "{{ 'x'.center(10 ** 9) }}",
        "{{ 'x'.ljust(1000000000) }}",
        "{{ 'x'.zfill(1000000000) }}",
        "{{ '%1000000000d'|format(1) }}",
        "{{ 'x'|indent(1000000000) }}",
        "{{ 'x'|wordwrap(1) }}",
        "{{ lipsum(n=100000) }}",
        "{{ cycler(1) }}",
        "{{ 'x'.join('y') }}",
        "{{ 'x'.translate({}) }}",
        # Much out of few steps: long values in long bodies.
        "{% set x = 'a' * 30000 %}{% for i in range(900) %}{% set y = x|title|upper|title|wordcount %}{% endfor %}",
        "{% set x = 'a b' * 10000 %}{% for i in range(900) %}{{ x.split(' ')|length }}{% endfor %}",
        "{% set x = 'a' * 30000 %}{% set y %}{% for i in range(900) %}" + "{{ x }}" * 99 + "{% endfor %}{% endset %}",
        "{% set x = 'a' * 30000 %}{{ [" + "x," * 3000 + "] }}",
        "{% set x = 'a' * 30000 %}{{ [" + "x," * 3000 + "] ~ '' }}",
        "{% set x = 'a' * 30000 %}{{ [" + "x," * 3000 + "]|string }}",
        "{% set x = 'a' * 30000 %}" + "{{ x }}" * 300,
        "{% set y %}{% for i in range(900) %}" + "words " * 40000 + "{% endfor %}{% endset %}",
        "{% for i in range(900) %}" + "{% if i == 3 %}{% set x = 'a' ~ i %}{% endif %}" * 300 + "{% endfor %}",
        "{% macro m() %}" + "{% if 1 == 3 %}{{ x }}{% endif %}" * 300 + "{% endmacro %}"
        "{% for i in range(900) %}{{ m() }}{% endfor %}",
        "{% macro m() %}{{ caller() }}{% endmacro %}{% for i in range(900) %}{% call m() %}"
        + "{% if 1 == 3 %}{{ x }}{% endif %}" * 300
        + "{% endcall %}{% endfor %}",
        "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% for a in range(9) %}" * 30 + "." + "{% endfor %}" * 30,
        "{% filter upper %}{% for i in range(900) %}{{ 'abc' * 3000 }}{% endfor %}{% endfilter %}",
        "{% for i in range(1000) %}{% for j in range(1000) if false %}x{% endfor %}{% endfor %}",
    ],
)
def test_no_template_takes_long_or_much_memory(source: str) -> None:
    started = time.process_time()
    tracemalloc.start()
    try:
        assert isinstance(rendered(source), TemplateFault)
        assert tracemalloc.get_traced_memory()[1] < 48 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 10  # watched; some tenths of a second without


@pytest.mark.parametrize(
    "source",
    [
        "{% for i in range(200) %}<tr><td>{{ i }}</td><td>{{ company.name|upper|default('x') }}</td></tr>{% endfor %}",
        "{% for i in range(90) %}" + "{% if i is odd %}<td>{{ i }}</td>{% endif %}" * 40 + "{% endfor %}",
        "{{ 'word ' * 2000 }}" * 9,
        "{{ [1.5, 2]|sum }} {{ 2.345|round(1) }} {{ flags|sort|join(' ') }} {{ flags|unique|list|length }}",
        "{% macro cell(x) %}<td>{{ x }}</td>{% endmacro %}{% for i in range(300) %}{{ cell(i) }}{% endfor %}",
    ],
)
def test_what_real_letters_do_stays_far_below_the_limits(source: str) -> None:
    assert isinstance(rendered(source, html=True), str)


def test_a_list_is_not_printed_as_python_spells_it() -> None:
    assert "prints a list" in fault("{{ flags }}").what
    assert rendered("{{ flags|join(', ') }}") == "a, b"


def test_text_is_not_escaped_even_where_the_template_asks_for_it() -> None:
    assert rendered("{{ company.name|e }}") == "Muster & Werk"
    assert rendered("{{ company.name|e }}", html=True) == "Muster &amp; Werk"


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
