"""A splicer that looks right and can be broken in the ways splicers are. With no fault it keeps the promise, slowly.

It knows less than a splicer should: every leaf becomes UTF-8 in base64, what is odd is refused.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from email import message_from_bytes, policy

from tests.corpus.decoding import text_of
from tests.corpus.fault import Fault
from tests.corpus.notices import Notice
from tests.corpus.page import TOKEN, fragment_pattern, seen_marks
from tests.corpus.tree import Entity, Kind, Piece, bare_ends, fields_of, name_of, pieces_of, value_of

__all__ = ["BrokenSplicer"]

_SIGNED = frozenset({"multipart/signed", "multipart/encrypted"})
_OPAQUE = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_ARMOUR = re.compile(r"^-----BEGIN PGP (SIGNED )?MESSAGE-----", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Refused(Exception):  # noqa: N818
    code: str


@dataclass(frozen=True, slots=True)
class BrokenSplicer:
    """Splices a notice; answers the mail or the word of a code."""

    faults: frozenset[Fault] = frozenset()

    def splice(self, data: bytes, notice: Notice) -> bytes | str:
        """The mail with the notice in it."""
        if Fault.SPLITS_ON_LF in self.faults:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
        try:
            if Fault.SERIALISES_ANEW in self.faults:
                data = message_from_bytes(data).as_bytes(policy=policy.SMTP.clone(cte_type="8bit"))
            return self._finished(b"".join(piece.data for piece in self._pieces(data, notice)), notice)
        except _Refused as refused:
            return refused.code

    def _finished(self, data: bytes, notice: Notice) -> bytes:
        if Fault.APPENDS_AFTER_CLOSING in self.faults:
            data += notice.text.replace("\n", "\r\n").encode()
        if Fault.CLOSES_OPEN_PARTS in self.faults:
            boundary = entity.boundary if (entity := pieces_of(data)[0].entity) is not None else ""
            mark = f"--{boundary}--".encode()
            data += b"" if not boundary or mark in data else b"\r\n" + mark + b"\r\n"
        return data

    def _pieces(self, data: bytes, notice: Notice) -> Iterator[Piece]:
        pieces = pieces_of(data)
        self._look_over(data, pieces)
        chosen = self._leaves("", pieces) if pieces[0].path == "" else self._leaves("1", pieces)
        if not chosen:
            raise _Refused("MESSAGE_UNTOUCHABLE")
        header = pieces[0]
        for number, piece in enumerate(pieces):
            if piece.kind is Kind.HEADER:
                header, now = piece, piece
                if piece.path in chosen:
                    now, body = self._edited(piece, pieces[number + 1], notice)
                yield self._with_fields(now, notice) if number == 0 else now
                if piece.path in chosen:
                    yield body
            elif piece.kind is Kind.GLUE or header.path not in chosen:
                yield self._kept(piece, header, number, len(pieces), notice)

    def _look_over(self, data: bytes, pieces: Sequence[Piece]) -> None:
        """What cannot be edited safely, judged on the outside."""
        fields = fields_of(pieces[0].data)
        names = [name_of(each) for each in fields]
        if not fields or b"\x00" in pieces[0].data or any(not re.fullmatch("[!-9;-~]+", name) for name in names):
            raise _Refused("HEADER_INVALID")
        if bare_ends(data) or any(len(line) > 998 for line in data.split(b"\r\n")):
            raise _Refused("HEADER_INVALID")
        for piece in pieces:
            if piece.kind is not Kind.HEADER or piece.entity is None:
                continue
            if not piece.data:
                raise _Refused("HEADER_INVALID")
            names = [name_of(each) for each in fields_of(piece.data)]
            if names.count("content-type") > 1 or names.count("content-transfer-encoding") > 1:
                raise _Refused("HEADER_INVALID")
            whole = piece.entity.type.startswith("multipart/")
            if whole and piece.entity.encoding not in {"7bit", "8bit", "binary"}:
                raise _Refused("HEADER_INVALID")
            if whole and not piece.entity.boundary and Fault.TRUSTS_BOUNDARIES not in self.faults:
                raise _Refused("HEADER_INVALID")

    def _leaves(self, path: str, pieces: Sequence[Piece]) -> list[str]:
        header = next(piece for piece in pieces if piece.kind is Kind.HEADER and piece.path == path)
        entity = header.entity
        assert entity is not None
        if (entity.type in _SIGNED or entity.type in _OPAQUE) and Fault.EDITS_SIGNED not in self.faults:
            raise _Refused("MESSAGE_UNTOUCHABLE")
        if not entity.boundary:
            return [path] if self._is_body(entity) else []
        depth = path.count(".") + 1 if path else 0
        children = [
            piece
            for piece in pieces
            if piece.kind is Kind.HEADER and piece.path.startswith(path) and piece.path.count(".") == depth
        ]
        children = [piece for piece in children if piece.path.rpartition(".")[0] == path and piece is not header]
        if not children:
            raise _Refused("HEADER_INVALID")
        return self._of_children(entity, children, pieces)

    def _is_body(self, entity: Entity) -> bool:
        if Fault.TRUSTS_BOUNDARIES in self.faults and entity.type.startswith("multipart/"):
            return True
        if Fault.EDITS_CALENDARS in self.faults and entity.type in {"text/calendar", "text/x-amp-html"}:
            return True
        if entity.type not in {"text/plain", "text/html"}:
            return False
        return Fault.EDITS_ATTACHMENTS in self.faults or (
            entity.disposition in {"", "inline"} and not entity.filename and "name" not in entity.params
        )

    def _of_children(self, entity: Entity, children: Sequence[Piece], pieces: Sequence[Piece]) -> list[str]:
        match entity.type:
            case "multipart/digest":
                return []
            case "multipart/alternative" if Fault.EDITS_FIRST_BRANCH not in self.faults:
                return [path for child in children for path in self._leaves(child.path, pieces)]
            case "multipart/related" if Fault.IGNORES_START not in self.faults:
                start = entity.params.get("start", "")
                root = next((child for child in children if start and start in _content_id(child)), children[0])
                return self._leaves(root.path, pieces)
            case _:
                found: list[str] = []
                for child in children:
                    if not found or Fault.EDITS_EVERY_TEXT in self.faults:
                        found += self._leaves(child.path, pieces)
                return found

    def _kept(self, piece: Piece, header: Piece, number: int, count: int, notice: Notice) -> Piece:
        """What is not edited, but for the faults."""
        data, entity = piece.data, header.entity
        assert entity is not None
        if piece.kind is Kind.GLUE:
            if Fault.LOSES_PREAMBLE in self.faults and number == 1:
                data = data[data.find(b"--" + entity.boundary.encode()) :]
            if Fault.LOSES_EPILOGUE in self.faults and number == count - 1:
                data = data[: data.rfind(b"--") + 4]
        elif Fault.WRAPS_ATTACHMENTS in self.faults and entity.encoding == "base64":
            data = base64.encodebytes(base64.b64decode(data)).replace(b"\n", b"\r\n")
        elif Fault.EDITS_ATTACHED_MAILS in self.faults and entity.type == "message/rfc822":
            data = self._with_fields(pieces_of(data)[0], notice).data + b"".join(
                each.data for each in pieces_of(data)[1:]
            )
        return replace(piece, data=data)

    def _with_fields(self, header: Piece, notice: Notice) -> Piece:
        """The root's header with the fields that are added, without those that go."""
        replaced = set() if Fault.DOUBLES_FIELDS in self.faults else {name.lower() for name, _ in notice.headers}
        kept: list[bytes] = []
        for each in fields_of(header.data):
            name = name_of(each)
            if self._goes(name, notice) or name in replaced:
                if Fault.DROPS_ONE_LINE in self.faults and b"\r\n" in each[:-2]:
                    kept.append(b"X-Rest:" + each.split(b"\r\n", 1)[1])
                continue
            kept.append(self._field(each))
        if "mime-version" not in map(name_of, kept) and any(name_of(each) == "content-type" for each in kept):
            kept.append(b"MIME-Version: 1.0\r\n")
        return replace(header, data=b"".join([*kept, *_folded(notice)]) + b"\r\n")

    def _goes(self, name: str, notice: Notice) -> bool:
        if Fault.KEEPS_REQUESTS in self.faults:
            return name == "dkim-signature"
        if Fault.DROPS_BY_PREFIX in self.faults and name.startswith("x-penstock"):
            return True
        if Fault.DROPS_ARC in self.faults and name.startswith("arc-"):
            return True
        return notice.drops(name) or (name == "dkim-signature" and Fault.KEEPS_DKIM not in self.faults)

    def _field(self, each: bytes) -> bytes:
        if Fault.UNFOLDS_FIELDS not in self.faults:
            return each
        return each.partition(b":")[0] + b": " + value_of(each).encode("utf-8", "surrogateescape") + b"\r\n"

    def _edited(self, header: Piece, body: Piece, notice: Notice) -> tuple[Piece, Piece]:
        entity = header.entity
        assert entity is not None
        if Fault.IGNORES_CHARSET in self.faults:
            entity = replace(entity, params={**entity.params, "charset": "iso-8859-1"})
        if Fault.IGNORES_ENCODING in self.faults:
            added = (notice.html if entity.type == "text/html" else notice.text).replace("\n", "\r\n").encode()
            return header, replace(body, data=body.data + b"\r\n" + added)
        text = text_of(entity, body.data)
        if text is None:
            raise _Refused("RENDER_FAILED")
        if _ARMOUR.search(text) and Fault.IGNORES_ARMOUR not in self.faults:
            raise _Refused("MESSAGE_UNTOUCHABLE")
        new = self._page(text, notice) if entity.type == "text/html" else self._text(entity, text, notice)
        if new == text:
            return header, body
        return self._written(header, entity, body, new)

    def _written(self, header: Piece, entity: Entity, body: Piece, text: str) -> tuple[Piece, Piece]:
        end = b"\n" if Fault.WRITES_LF in self.faults else b"\r\n"
        params = {} if Fault.LOSES_PARAMETERS in self.faults else dict(entity.params)
        if Fault.FORGETS_LABEL not in self.faults:
            params["charset"] = "utf-8"
        spelt = "".join(f'; {name}="{_escaped(value)}"' for name, value in params.items())
        fields = [each for each in fields_of(header.data) if name_of(each) not in {"content-type", "content-md5"}]
        fields = [each for each in fields if name_of(each) != "content-transfer-encoding"]
        encoded = base64.encodebytes(text.encode("utf-8", "surrogatepass")).replace(b"\n", end)
        encoding = b"base64"
        if Fault.LONG_LINES in self.faults:
            encoding, encoded = b"8bit", text.encode().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        fields += [f"Content-Type: {entity.type or 'text/plain'}{spelt}\r\n".encode("utf-8", "surrogateescape")]
        fields += [b"Content-Transfer-Encoding: " + encoding + b"\r\n"]
        return replace(header, data=b"".join(fields) + b"\r\n"), replace(body, data=encoded)

    def _text(self, entity: Entity, text: str, notice: Notice) -> str:
        flowed = entity.params.get("format", "").lower() == "flowed"
        added = notice.text.rstrip()
        if flowed:
            added = re.sub(r"^(?=[ >]|From )", " ", added, flags=re.MULTILINE)
        words = text.replace("\r\n", "\n").rstrip()
        if Fault.RUNS_TWICE not in self.faults and words.endswith(added):
            return text
        if Fault.SEES_ANY_DASHES in self.faults and re.search(r"^-{20,}$", words, re.MULTILINE):
            return text
        if Fault.GLUES_THE_SEAM in self.faults:
            return text + added.replace("\n", "\r\n") + "\r\n"
        if flowed and Fault.LOSES_FLOW in self.faults:
            return text.removesuffix("\r\n") + "\r\n" + added.replace("\n", "\r\n") + "\r\n"
        kept = text.rstrip()
        if kept.endswith("--") and text[len(kept) :].startswith(" "):
            kept += " "
        return kept + "\r\n\r\n" + added.replace("\n", "\r\n") + "\r\n"

    def _page(self, page: str, notice: Notice) -> str:
        there = fragment_pattern(notice.html).search(page) is not None
        if Fault.RUNS_TWICE not in self.faults and there:
            return page
        if Fault.SEES_ANY_MARK in self.faults and "data-penstock" in page:
            return page
        place = self._place(page)
        new = page[:place] + "\r\n" + notice.html + "\r\n" + page[place:]
        careful = not self.faults & {Fault.FINDS_FIRST_TAG, Fault.FINDS_LAST_TAG, Fault.CASE_MATTERS}
        if careful and len(seen_marks(new)) == len(seen_marks(page)):
            raise _Refused("RENDER_FAILED")
        return new

    def _place(self, page: str) -> int:
        if Fault.FINDS_FIRST_TAG in self.faults and (place := page.lower().find("</body")) >= 0:
            return place
        if Fault.FINDS_LAST_TAG in self.faults and (place := page.lower().rfind("</body")) >= 0:
            return place
        if Fault.CASE_MATTERS in self.faults:
            return page.find("</body>") if "</body>" in page else max(0, page.lower().find("</head>"))
        ends = [token.start() for token in TOKEN.finditer(page) if token["end"] and token["name"].lower() == "body"]
        return ends[-1] if ends else len(page)


def _content_id(part: Piece) -> str:
    return "".join(value_of(each) for each in fields_of(part.data) if name_of(each) == "content-id")


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _folded(notice: Notice) -> list[bytes]:
    return [
        f"{name}: {value.replace(', ', ',' + chr(13) + chr(10) + ' ')}\r\n".encode() for name, value in notice.headers
    ]
