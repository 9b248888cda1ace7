"""The blocks as they stand in a part."""

from __future__ import annotations

import pytest

from penstock.compose.splice.leaf_text import carries, graft_for, lines_of

BLOCK = '<p data-penstock="identity">A</p>\n<p data-penstock="optout"><a href="https://m.example/u/t1">no</a></p>'


def test_line_ends_are_those_of_the_part() -> None:
    assert lines_of(b"", "a\n\nb\n", flowed=False) == "a\r\n\r\nb"
    assert lines_of(b"x\r\ny\n", "a\n\nb\n", flowed=False) == "a\r\n\r\nb"
    assert lines_of(b"x\ny\n", "\na\n\nb\n", flowed=False) == "a\n\nb"


def test_in_a_flowed_part_no_line_flows_and_none_is_a_quote() -> None:
    block = "-----\na \n b\n>c\nFrom here\nFromage\n"
    assert lines_of(b"", block, flowed=True) == "-----\r\na\r\n  b\r\n >c\r\n From here\r\nFromage"
    assert lines_of(b"", block, flowed=False) == "-----\r\na \r\n b\r\n>c\r\nFrom here\r\nFromage"


@pytest.mark.parametrize(
    ("view", "lead"),
    [
        (b"", ""),
        (b"\r\n", ""),
        (b"text", "\r\n\r\n"),
        (b"text\r\n", "\r\n"),
        (b"text\r\n\r\n", ""),
        (b"text\r\n\r\n\r\n", ""),
        (b"text\n", "\n"),
        (b"a\nb", "\n\n"),
        (b"text" + b"\r\n" * 400, ""),
    ],
)
def test_an_empty_line_stands_above_the_blocks(view: bytes, lead: str) -> None:
    end = "\n" if b"\r" not in view and b"\n" in view else "\r\n"
    assert graft_for(view, "block", html=False, flowed=False) == (len(view), f"{lead}block{end}")


@pytest.mark.parametrize(
    ("view", "lead"),
    [
        (b"text ", "\r\n\r\n\r\n"),
        (b"text \r\n", "\r\n\r\n"),
        (b"> text \r\n\r\n", "\r\n"),
        (b"-- ", "\r\n\r\n"),
        (b"> -- \r\n", "\r\n"),
        (b"text\r\n", "\r\n"),
    ],
)
def test_a_line_that_flows_does_not_take_the_empty_line_for_itself(view: bytes, lead: str) -> None:
    assert graft_for(view, "block", html=False, flowed=True)[1] == f"{lead}block\r\n"


def test_html_blocks_stand_on_lines_of_their_own() -> None:
    assert graft_for(b"<body>a</body>", BLOCK, html=True, flowed=False) == (7, f"\r\n{BLOCK}\r\n")
    assert graft_for(b"<body>a\n</body>", BLOCK, html=True, flowed=False) == (8, f"{BLOCK}\n")
    assert graft_for(b"", BLOCK, html=True, flowed=False) == (0, f"{BLOCK}\r\n")


def test_blocks_are_known_by_their_marks_and_links() -> None:
    block = BLOCK.encode()
    assert carries(b"<body>" + block + b"</body>", block)
    assert carries(
        b"<i data-penstock = 'optout'><a href='https://m.example/u/t1'></i><i data-penstock=identity>", block
    )
    assert not carries(block.replace(b"identity", b"reason"), block)
    assert not carries(block.replace(b"/t1", b"/of-an-earlier-mail"), block)
    assert not carries(b"<p>nothing</p>", block)
    assert not carries(block, b"<p>no marks</p>")
