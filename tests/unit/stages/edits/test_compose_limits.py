"""A template that runs away costs its own mails, at send time too, and nobody else's."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Literal

import pytest

from penstock.model.campaign import TemplateFile
from penstock.model.codes import Code
from penstock.model.mail import Letter, Mail
from penstock.model.verdict import Reason, Verdict
from penstock.ports import NoOptions, Services
from penstock.stages.edits.compose import Compose

LONG = "{% set x = 'a' * 30000 %}"


@pytest.mark.parametrize("part", ["text", "html"])
@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(1000) %}{% for b in range(1000) %}.{% endfor %}{% endfor %}",
        "{% for a in range(1000) %}{{ 'words ' * 900 }}{% endfor %}",
        "{% for a in range(1000000000) %}.{% endfor %}",
        "{{ 'a' * 1000000000 }}",
        "{{ 'x'|center(10 ** 9) }}",
        "{{ '%1000000000d'|format(1) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 1|round(999999999, 'ceil') }}",
        "{{ lipsum(1000000) }}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{% include 'letter.txt.j2' %}",
        "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x]|sum(start=[]) %}{% endfor %}",
        LONG + "{% for i in range(900) %}{% set y = x|title|upper|title|wordcount %}{% endfor %}",
        LONG + "{% set y %}{% for i in range(900) %}" + "{{ x }}" * 99 + "{% endfor %}{% endset %}",
        "<p>" * 30_000 + LONG + "{{ x }}" * 99,
    ],
)
async def test_a_template_that_runs_away_fails_its_mail_and_the_next_one_goes(
    source: str, part: Literal["text", "html"], mail: Callable[..., Mail], services: Services
) -> None:
    bad = mail(templates=(TemplateFile(part, "", f"letter.{part}.j2", source),))
    good = mail(templates=(TemplateFile("text", "", "other.txt.j2", "Hello"),))
    compose = Compose(NoOptions(), services)
    started = time.process_time()
    tracemalloc.start()
    try:
        first, other, again = await compose.edit([bad, good, bad])
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024 * 1024
    finally:
        tracemalloc.stop()
    for reason in (first, again):
        assert isinstance(reason, Reason), reason
        assert (reason.verdict, reason.code) == (Verdict.BLOCK, Code.RENDER_FAILED)
        assert f"letter.{part}.j2:" in reason.why
    assert isinstance(other, Mail)
    assert isinstance(other.content, Letter)
    assert time.process_time() - started < 20  # watched, which makes it many times slower
