"""Generated trees of parts, spliced, and read by the standard library's parser."""

from __future__ import annotations

import base64
import binascii
import email
import email.policy
from dataclasses import dataclass, field
from email.message import EmailMessage

from hypothesis import example, given, settings
from hypothesis import strategies as st

from penstock.compose.notice_text import DASHES
from penstock.compose.splice.splicer import Additions, SpliceFault, splice
from penstock.model.codes import Code

PLAIN = (f"{DASHES}\n\nNordlicht AB writes.\n\n> no quote \n", '<p data-penstock="identity">Nordlicht &amp; AB</p>\n')
WIDE = (f"{DASHES}\n\nNordlicht schreibt für Łódź 購買 👋\n", '<p data-penstock="identity">für Łódź 購買 👋</p>\n')
CHARSETS = ("us-ascii", "utf-8", "iso-8859-1", "windows-1251", "gb18030", "shift_jis", "iso-2022-jp", "utf-16", "")
ENCODINGS = ("", "7bit", "8bit", "quoted-printable", "base64")
LINES = (
    "Hello",
    "Grüße",
    "Привет",
    "購買の表",
    "trailing ",
    "",
    "=",
    ".",
    "x" * 990,
    "> quoted",
    "a < b",
    "--b",
    "--b--",
)
HTML_LINES = (*LINES, "<body>", "</body>", "</html>", "<p>text</p>", "<!-- </body> -->", "<b title='</body>'>")
FILES = ("application/pdf", "image/png", "text/calendar", "text/enriched", "message/rfc822", "attachment", "text/csv")


@dataclass(frozen=True)
class Part:
    """A part to be written: `kind` is its type, `attachment` for a text that is one."""

    kind: str
    body: bytes = b""
    charset: str = ""
    encoding: str = ""
    flowed: bool = False
    children: tuple[Part, ...] = ()
    closed: bool = True
    edges: bytes = b""

    @property
    def multipart(self) -> bool:
        return self.kind.startswith("multipart/")

    @property
    def text(self) -> bool:
        return self.kind in {"text/plain", "text/html"}


@dataclass
class Writer:
    """Boundaries, each of which begins the next."""

    count: int = 0
    whole: dict[int, bytes] = field(default_factory=dict)

    def octets(self, part: Part) -> bytes:
        body, lines = part.body, []
        if part.multipart:
            self.count += 1
            boundary = b"=_b" + b"b" * self.count
            lines.append(b'Content-Type: %b;\r\n\tboundary="%b"' % (part.kind.encode(), boundary))
            children = b"".join(b"--%b\r\n%b\r\n" % (boundary, self.octets(child)) for child in part.children)
            body = part.edges + children + (b"--%b--\r\n%b" % (boundary, part.edges) if part.closed else b"")
        elif part.kind == "attachment":
            lines += [b"Content-Type: text/html; charset=utf-8", b"Content-Disposition: ATTACHMENT; filename=a.txt"]
        elif part.charset or part.kind != "text/plain":
            more = f'; charset="{part.charset}"' if part.charset else ""
            lines.append(f"Content-Type: {part.kind}{more}{'; format=flowed' if part.flowed else ''}".encode())
        if part.encoding:
            lines.append(b"Content-Transfer-Encoding: " + part.encoding.encode())
        whole = b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body
        self.whole[id(part)] = whole
        return whole


def chosen(part: Part, *, shown: bool = False) -> list[Part]:
    """What must get a block, by the rules as they are told to people; `shown`: a form of it, or the root of others."""
    if part.text or (shown and part.kind == "attachment"):
        return [part]
    if part.kind == "multipart/related":
        return chosen(part.children[0], shown=True)
    several = part.kind == "multipart/alternative"
    found = [leaves for child in part.children if (leaves := chosen(child, shown=several))]
    if several:
        return [leaf for leaves in found for leaf in leaves]
    return found[0] if found else []


def in_base64(body: bytes) -> bytes:
    return base64.encodebytes(body).replace(b"\n", b"\r\n").removesuffix(b"\r\n")


@st.composite
def texts(draw: st.DrawFn) -> Part:
    kind = draw(st.sampled_from(["text/plain", "text/html"]))
    charset, encoding = draw(st.sampled_from(CHARSETS)), draw(st.sampled_from(ENCODINGS))
    lines = draw(st.lists(st.sampled_from(HTML_LINES if kind == "text/html" else LINES), max_size=6))
    body = "\r\n".join(lines).encode(charset or "us-ascii", "ignore")
    if encoding not in {"base64", "quoted-printable"} and (
        charset == "utf-16" or not (encoding == "8bit" or body.isascii())
    ):
        encoding = "base64"
    if encoding == "base64":
        body = in_base64(body)
    elif encoding == "quoted-printable":
        body = b"\r\n".join(
            binascii.b2a_qp(line, istext=False).replace(b"=\n", b"=\r\n") for line in body.split(b"\r\n")
        )
    flowed = kind == "text/plain" and draw(st.booleans())
    return Part(kind, body, charset, encoding, flowed and charset != "")


@st.composite
def files(draw: st.DrawFn) -> Part:
    kind = draw(st.sampled_from(FILES))
    if kind == "message/rfc822":
        return Part(kind, b"Subject: enclosed\r\n\r\nHello\r\n" + draw(st.sampled_from([b"", b"more\r\n"])))
    if kind == "attachment":
        return Part(kind, in_base64(draw(st.sampled_from(HTML_LINES)).encode()), "", "base64")
    return Part(kind, in_base64(draw(st.binary(max_size=90))), "", "base64")


def multiparts(children: st.SearchStrategy[Part]) -> st.SearchStrategy[Part]:
    kinds = st.sampled_from(["mixed", "alternative", "related", "parallel"])
    edges = st.sampled_from([b"", b"preamble\r\n", b"--=_\r\nnone of ours\r\n"])
    made = st.tuples(kinds, st.lists(children, min_size=1, max_size=4), st.booleans(), edges)
    return made.map(lambda four: Part(f"multipart/{four[0]}", children=tuple(four[1]), closed=four[2], edges=four[3]))


def closed(part: Part) -> Part:
    """With every delimiter: what the standard library calls no defect."""
    return Part(
        part.kind,
        part.body,
        part.charset,
        part.encoding,
        part.flowed,
        tuple(map(closed, part.children)),
        True,
        part.edges,
    )


TREES = st.recursive(st.one_of(texts(), texts(), files()), multiparts, max_leaves=8)
HEAD = (
    b"From: a@b.example\r\nDKIM-Signature: v=1; b=x\r\nX-Penstock-Stream: s\r\nSubject: =?utf-8?q?a?=\r\n b\r\n"
    b"MIME-Version: 1.0\r\n"
)
HEADERS = (("Subject", "Größe"), ("List-Unsubscribe", "<https://m.example/u/t>"))


def parsed(data: bytes) -> list[EmailMessage]:
    message = email.message_from_bytes(data, policy=email.policy.default)
    parts = list(message.walk())
    assert [defect for part in parts for defect in part.defects] == []
    return parts


def content_of(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode(part.get_content_charset("us-ascii")).replace("\r\n", "\n")


def in_walk_order(part: Part) -> list[Part | None]:
    """As `walk` shows them: an enclosed message is followed by what it holds."""
    inner: list[Part | None] = [None] if part.kind == "message/rfc822" else []
    return [part, *inner, *[each for child in part.children for each in in_walk_order(child)]]


@settings(deadline=None)
@given(TREES.map(closed), st.sampled_from([PLAIN, WIDE]))
@example(Part("text/plain", b"", "utf-16", "base64"), WIDE)
@example(
    Part(
        "multipart/related", children=(Part("multipart/alternative", children=(Part("text/html"), Part("image/png"))),)
    ),
    WIDE,
)
def test_each_leaf_that_must_have_the_block_has_it_and_the_rest_is_as_it_was(
    tree: Part, blocks: tuple[str, str]
) -> None:
    writer, additions = Writer(), Additions(HEADERS, frozenset({"x-penstock-*"}), *blocks)
    data = HEAD + writer.octets(tree)
    made = splice(data, additions)
    wanted = chosen(tree)
    if not wanted:
        assert isinstance(made, SpliceFault)
        assert made.code is Code.MESSAGE_UNTOUCHABLE
        return
    assert isinstance(made, bytes)
    assert splice(made, additions) == made
    before, after = parsed(data), parsed(made)
    assert after[0]["Subject"] == "Größe"
    assert after[0]["X-Penstock-Stream"] is after[0]["DKIM-Signature"] is None
    assert [part.get_content_type() for part in before] == [part.get_content_type() for part in after]
    for part, old, new in zip(in_walk_order(tree), before, after, strict=True):
        if part is not None and any(part is each for each in wanted):
            changed_as_it_must(part, content_of(old), content_of(new), blocks)
        elif part is not None and not part.multipart:
            assert writer.whole[id(part)] in made
            assert new.get_payload(decode=True) == old.get_payload(decode=True)
            assert (new.preamble, new.epilogue) == (old.preamble, old.epilogue)


def changed_as_it_must(part: Part, old: str, new: str, blocks: tuple[str, str]) -> None:
    if part.kind in {"text/html", "attachment"}:
        block = blocks[1].strip("\n")
        assert new.count(block) == 1
        head, _, tail = new.partition(block)
        assert {head + tail, head.removesuffix("\n") + tail.removeprefix("\n"), head + tail.removeprefix("\n")} & {old}
        return
    lines = [line.rstrip(" ") if part.flowed else line for line in blocks[0].strip("\n").split("\n")]
    block = "\n".join([f" {line}" if part.flowed and line.startswith((" ", ">")) else line for line in lines])
    assert new.startswith(old)
    assert new[len(old) :].rstrip("\n").lstrip("\n") == block
    assert not old.strip() or f"\n\n{block}" in new


@settings(deadline=None)
@given(TREES, st.sampled_from([PLAIN, WIDE]))
def test_without_closing_delimiters_it_is_whole_or_refused(tree: Part, blocks: tuple[str, str]) -> None:
    additions = Additions(HEADERS, frozenset(), *blocks)
    made = splice(HEAD + Writer().octets(tree), additions)
    if isinstance(made, bytes):
        assert splice(made, additions) == made
        assert made.count(blocks[0].partition("\n\n")[2].encode()) <= len(chosen(tree))


@settings(deadline=None)
@given(TREES.map(closed), st.data())
def test_a_damaged_message_never_breaks_the_splicer(tree: Part, data: st.DataObject) -> None:
    whole = HEAD + Writer().octets(tree)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 40)))
    junk = data.draw(st.sampled_from([b"", b"\r\n", b"--", b'"', b"(", b";", b"\r\n\r\n", b"=", b"\xff", b"\0", b"\n"]))
    additions = Additions(HEADERS, frozenset({"x-*"}), *PLAIN)
    made = splice(whole[:start] + junk + whole[end:], additions)
    if isinstance(made, bytes):
        assert splice(made, additions) == made


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_octets_are_spliced_or_refused(data: bytes) -> None:
    additions = Additions(HEADERS, frozenset(), *PLAIN)
    made = splice(data, additions)
    if isinstance(made, bytes):
        assert splice(made, additions) == made
