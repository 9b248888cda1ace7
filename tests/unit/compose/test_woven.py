"""Blocks that a letter weaves into its own HTML, and where ours go."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from penstock.compose.woven import body_end, body_start, woven_blocks


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<p data-penstock="reason">We met.</p>', {"reason"}),
        ("<p data-penstock='reason'>We met.</p>", set()),
        ('<P DATA-PENSTOCK="reason">We met.</P>', set()),
        ('<TD class="a" data-penstock="contact" dir="ltr"><b>x</b></TD>', {"contact"}),
        ('<div data-penstock="reason"><div></div><br><span>We met.</span></div>', {"reason"}),
        ('<p data-penstock="reason"></p>We met.', set()),
        ('<div data-penstock="reason"><div></div></div>We met.', set()),
        ('<p data-penstock="reason"> &nbsp;\u200b<br></p>', set()),
        ('<p data-penstock="reason"><!-- We met. --></p>', set()),
        ('<p data-penstock="reason"><style>p{}</style></p>', set()),
        ('<!-- <p data-penstock="reason">We met.</p> -->', set()),
        ('<!--[if mso]><p data-penstock="reason">We met.</p><![endif]--><p>x</p>', set()),
        ('<img data-penstock="reason" alt="We met.">We met.', set()),
        ('data-penstock="reason" says nothing', set()),
        ('<p data-penstock="reason">', set()),
        ('<p data-penstock="reason"></p><p data-penstock="reason">We met.</p>', {"reason"}),
        ("", set()),
    ],
)
def test_a_block_counts_where_it_says_something(html: str, found: set[str]) -> None:
    assert woven_blocks(html) == found


@given(st.lists(st.sampled_from(["<p>", "</p>", "<br>", "<", ">", "<!--", "-->", "x", '<p data-penstock="a">', '"'])))
def test_html_of_any_shape_is_read(pieces: list[str]) -> None:
    html = "".join(pieces)
    assert woven_blocks(html) <= {"a"}
    assert 0 <= body_start(html) <= len(html)
    assert 0 <= body_end(html) <= len(html)


def test_html_that_never_closes_anything_is_read_in_good_time() -> None:
    start = time.process_time()
    woven_blocks('<p data-penstock="a">' + "<p " * 20_000)
    woven_blocks("<!-- " * 20_000 + 'data-penstock="a"')
    woven_blocks('<p data-penstock="a"><style>' * 20_000)
    woven_blocks('<p data-penstock="a">' * 20_000)
    body_start("<body " * 20_000)
    body_start("<!-- <body>" * 20_000)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    "html",
    [
        "<html><head><title>x</title></head><body class='a'><p>y</p></body></html>",
        '<!--[if mso]><body class="mso"><![endif]--><!--[if !mso]><!--><body><!--<![endif]--><p>y</p></body>',
        "<html><head></head><p>y</p></html>",
        "<html><p>y</p></html>",
        "<BODY><p>y</p><!-- </body> -->",
        "<p>y</p>",
        "<p>y</p><!-- never closed </body>",
    ],
)
def test_what_is_put_first_and_last_is_seen_first_and_last(html: str) -> None:
    start, end = body_start(html), body_end(html)
    made = f"{html[:start]}<p>first</p>{html[start:end]}<p>last</p>{html[end:]}"
    words = [element.text_content() for element in document_fromstring(made).body.xpath(".//p")]
    assert words == ["first", "y", "last"]
