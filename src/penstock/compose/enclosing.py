"""Which files may go with a letter, by name, kind and size."""

from __future__ import annotations

import mimetypes
import re

from penstock.compose.headers import unwritable

__all__ = [
    "MOST_ENCODED",
    "MOST_OF_ONE",
    "encoded_size",
    "file_name_fault",
    "is_shown_everywhere",
    "media_type",
    "megabytes",
    "type_fault",
]

MOST_OF_ONE = 10 * 1024 * 1024
"""Octets of one file."""
MOST_ENCODED = 15 * 1024 * 1024
"""Octets of all files of a campaign together as they go over the wire: many mail servers refuse above 20 MB."""
_LINE, _LINE_OCTETS = 76, 78
_NAME_CHARACTERS = 200
_SEPARATORS = frozenset("/\\")
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Marks that turn the direction of writing: with them `gpj.exe` reads as a picture."""
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_PROGRAMS = """
    ade adp apk app appx appxbundle bat cab chm cmd com command cpl csh deb dll dmg exe gadget hta img inf ins iso isp
    jar jnlp js jse ksh lnk mde mjs msc msh msi msix msixbundle msp mst msu ocx osx pif pkg prg ps1 ps1xml ps2 psc1
    psd1 psm1 py pyc pyw rb reg rpm scf scr sct sh shb shs swf sys url vb vbe vbs vhd vhdx vxd ws wsc wsf wsh xbap xll
"""
"""Endings of files that run when they are opened; mail servers refuse most of them."""
_PROGRAM_TYPES = re.compile(
    r"(?:application|text)/(?:x-)?(?:javascript|ecmascript|msdownload|msdos-program|ms-?installer|msi|dosexec|executable"
    r"|sh|csh|shellscript|bat|python|python-code|perl|ruby|java-archive|java-applet|vbscript|hta|shockwave-flash"
    r"|ms-shortcut|powershell|vnd\.microsoft\.portable-executable)"
    r"|application/vnd\.(?:microsoft\.portable-executable|android\.package-archive)"
)
_OFFICE = "application/vnd.openxmlformats-officedocument"
_MORE_TYPES = {
    ".docx": f"{_OFFICE}.wordprocessingml.document",
    ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ics": "text/calendar",
    ".vcf": "text/vcard",
    ".webp": "image/webp",
    ".zip": "application/zip",
}
_SHOWN = frozenset({"image/png", "image/jpeg", "image/gif"})


def encoded_size(octets: int) -> int:
    """Octets of so many in base64, line ends included (RFC 2045 section 6.8)."""
    characters = (octets + 2) // 3 * 4
    return characters + (characters + _LINE - 1) // _LINE * (_LINE_OCTETS - _LINE)


def megabytes(octets: int) -> str:
    """`30.5 MB`, of 1,048,576 octets each."""
    return f"{octets / (1024 * 1024):.1f}".removesuffix(".0") + " MB"


def media_type(name: str) -> str:
    """The media type by the name's ending; the same on every machine."""
    ending = _ending(name)
    if more := _MORE_TYPES.get(f".{ending}"):
        return more
    # Its own table only, not what the machine at hand has in /etc.
    kind, packed = mimetypes.MimeTypes().guess_type(f"x.{name}", strict=True)
    return f"application/{packed}" if packed else kind or "application/octet-stream"


def file_name_fault(name: str) -> str | None:
    """Why a file cannot go under this name; None when it can. The name is not quoted."""
    if not name.strip(" .") or name != name.strip(" "):
        return "is no file name"
    if len(name) > _NAME_CHARACTERS:
        return f"is longer than {_NAME_CHARACTERS} characters"
    if fault := unwritable(name):
        return fault
    if any("\ud800" <= character <= "\udfff" for character in name):
        return "holds half a character (a lone surrogate)"
    if not _SEPARATORS.isdisjoint(name):
        return "holds a path separator"
    return "holds a mark that turns the direction of writing" if _TURNS.search(name) else None


def type_fault(name: str, kind: str) -> str | None:
    """Why a file of this name and media type cannot go."""
    if (ending := _ending(name)) in _PROGRAMS.split():
        return f"is a program or script (.{ending}), which mail servers refuse"
    if not _TYPE.fullmatch(kind):
        return "is no media type such as application/pdf"
    if _PROGRAM_TYPES.fullmatch(kind):
        return f"is a program or script ({kind}), which mail servers refuse"
    if kind.startswith(("multipart/", "message/")):
        return f"is a message or several parts ({kind}), which cannot be enclosed"
    return None


def is_shown_everywhere(kind: str) -> bool:
    """Whether mail programs of all kinds show images of this type."""
    return kind in _SHOWN


def _ending(name: str) -> str:
    # Windows drops dots and spaces from the end of a name.
    return name.rstrip(". ").rpartition(".")[2].lower() if "." in name else ""
