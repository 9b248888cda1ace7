"""Where the blocks go in HTML: `|` marks the place."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.compose.splice.html_place import comments, html_place

CASES = [
    "<p>text</p>|",
    "|",
    "text without a tag, a < b, c > d|",
    "<html><body><p>text</p>|</body></html>\r\n",
    "<HTML><BODY>text|</BODY ></HTML>",
    "<body>text|</BoDy\n>",
    "<html>text|</html>",
    "<body>one</body><body>two|</body>",
    "<body>one|</body>\n<p>after</p></html><p>more",
    "<body>one</bodyguard>|",
    "<body>one|</body><!-- </body> -->",
    "<body>one|</body><!-- </body> --></html>",
    "<body>one<!-- </body></html> -->|",
    "<body>one|<!-- </body></html>",
    "<body>one|</body></html><!-- open",
    "<!--[if mso]></body><![endif]--><p>one</p>|</body>",
    "<!--><p>one</p>|</body>",
    "<!---><p>one</p>|</body>",
    "<p>one</p><!-- a --!><p>two</p>|</body>",
    "<script>var a = '</body></html>';</script>|",
    "<SCRIPT>'</body>'</ScRiPt >one|</body>",
    "<script>'<!--'</script>one|</body>",
    "one|<script>'</body></html>'",
    "<style>/* </body> */</style>one|</body>",
    "one|<style></body></html>",
    "<textarea></body></textarea>|",
    "<title></body></title>|",
    "<a title='</body>'>one</a>|",
    "<a title='</body>'>one</a>|</body>",
    '<a title="a>b" href=x>one|</body>',
    "<p title=it's>one|</body>",
    "<a title='<!--'>one</a>|</body></html>",
    '<a title="<script>">one</a>|</body></html>',
    "one|<a title='</body></html>",
    "one|<!-- <p>two</p></body></html>",
    "one|<!-- <p>two</p>",
    "one|<a ",
    "one|<a title=' >two</body></html>",
    'one|<a title="x>two <b>three</b></body></html>',
    '<a title="x>one <b class="y">two|</body></html>',
    "<a title = 'x'>one|</body></html>",
    "one|<plaintext></body></html>",
    "<scripted>one|</body></html>",
]


@pytest.mark.parametrize("case", CASES)
def test_the_place_is_shown_and_near_the_end(case: str) -> None:
    assert html_place(case.replace("|", "").encode()) == case.index("|")


@pytest.mark.parametrize(
    ("document", "seen"),
    [
        ("<p>a</p>", "<p>a</p>"),
        ("a<!-- b -->c<!---->d<!-->e<!-- f --!>g", "acdeg"),
        ("a<!-- b", "a"),
        ("<script>'<!--'</script>a<!-- b -->", "<script>'<!--'</script>a"),
        ("<a title='<!--'>b</a><!-- c -->", "<a title='<!--'>b</a>"),
    ],
)
def test_comments_are_told_from_what_looks_like_one(document: str, seen: str) -> None:
    left = document.encode()
    for start, end in reversed(comments(left)):
        left = left[:start] + left[end:]
    assert left.decode() == seen


class Marks(HTMLParser):
    """Counts the elements with a mark."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen += "data-penstock" in dict(attrs)


PIECES = st.sampled_from(
    [
        "<p>a</p>",
        "</body>",
        "</BODY >",
        "</html>",
        "<!-- </body> -->",
        "<!---->",
        "<script>'</body>'</script>",
        "<style></html></style>",
        "<a title='</body>'>",
        '<a title="<!--">',
        "a < b",
        "\r\n",
        "<!doctype html>",
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_a_parser_finds_the_mark_where_it_is_put(document: str) -> None:
    place = html_place(document.encode())
    assert all(not start < place < end for start, end in comments(document.encode()))
    marks = Marks()
    marks.feed(document[:place] + "<p data-penstock='x'>" + document[place:])
    marks.close()
    assert marks.seen == 1


@pytest.mark.parametrize(
    "piece", ["<!--", "<script>", "<a title='", "<", "</body", "<a =", "</body><!-->", "<a b='c'>"]
)
def test_a_large_document_takes_time_in_proportion(piece: str) -> None:
    document = (piece * 200_000).encode()
    assert 0 <= html_place(document) <= len(document)
