"""The finished mail as a page: headers, HTML part, text part, raw octets, and which rule added which block."""

from __future__ import annotations

import base64
import email
import email.policy
import re
from email.message import EmailMessage

from penstock.model.mail import Mail
from penstock.templates import template_folder

__all__ = ["BLOCKS", "preview_page"]

BLOCKS = {
    "identity": "who writes: Directive 2000/31/EC Art. 6, GDPR Art. 13(1)(a), 14(1)(a)",
    "reason": "why this person: GDPR Art. 14(1)(c), (2)(b)",
    "source": "where the address comes from: GDPR Art. 14(2)(f)",
    "rights": "access, erasure, complaint: GDPR Art. 14(2)(c)–(e)",
    "objection": "the right to object, apart from all else: GDPR Art. 21(4)",
    "optout": "how to stop: Directive 2002/58/EC Art. 13(2), (4); RFC 8058",
    "contact": "how to reach a person",
}
_KILO = 1024
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{76}\r\n){12,}")


def preview_page(mail: Mail, data: bytes) -> bytes:
    """The page, self-contained: images of the mail are in it. Blocks are outlined and named in the HTML part."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    message = email.message_from_bytes(data, policy=email.policy.default)
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    markup = html.get_content() if html else ""
    environment = Environment(
        loader=FileSystemLoader(template_folder() / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    page = environment.get_template("preview.html.j2").render(
        subject=str(message["Subject"]),
        headers=[(name, str(value)) for name, value in message.items()],
        html=_outlined(_with_images(markup, message)) if html else "",
        text=text.get_content() if text else "",
        calendar=_calendar(message),
        files=[_file(part) for part in message.walk() if part.get_filename()],
        raw=_raw(data),
        blocks=[(name, why) for name, why in BLOCKS.items() if f'data-penstock="{name}"' in markup],
        variant=mail.variant,
    )
    return page.encode()


def _with_images(markup: str, message: EmailMessage) -> str:
    """`cid:` addresses become `data:` ones (RFC 2397), so that the page shows what a mail program would."""
    for part in message.walk():
        if cid := str(part["Content-ID"] or "").strip("<> "):
            octets = base64.b64encode(part.get_content()).decode("ascii")
            markup = markup.replace(f"cid:{cid}", f"data:{part.get_content_type()};base64,{octets}")
    return markup


def _calendar(message: EmailMessage) -> str:
    parts = (part for part in message.walk() if part.get_content_type() == "text/calendar" and not part.get_filename())
    return next((str(part.get_content()) for part in parts), "")


def _file(part: EmailMessage) -> tuple[str, str, str, str]:
    """Name, media type, size, and how it goes."""
    octets = part.get_payload(decode=True)
    size = len(octets) if isinstance(octets, bytes) else 0
    shown = f"{size:,} octets" if size < _KILO else f"{size / _KILO:,.0f} KB"
    how = "shown in the letter" if part["Content-ID"] else "attached"
    return str(part.get_filename()), part.get_content_type(), shown, how


def _raw(data: bytes) -> str:
    """The octets as text, without the middle of long runs of base64."""
    return _BASE64.sub(_shortened, data.decode("utf-8", "replace"))


def _shortened(run: re.Match[str]) -> str:
    lines = run[0].split("\r\n")
    return "\r\n".join([*lines[:2], f"… {len(lines) - 3:,} more lines of base64 …", ""])


def _outlined(html: str) -> str:
    """The HTML with a style that frames each block and writes its name beside it."""
    style = (
        "<style>[data-penstock]{outline:2px dashed #3a78b5;outline-offset:3px;position:relative}"
        "[data-penstock]::before{content:attr(data-penstock);position:absolute;right:0;top:-9px;background:#3a78b5;"
        "color:#fff;font:11px/16px system-ui;padding:0 6px;border-radius:3px}</style>"
    )
    head, mark, tail = html.partition("</head>")
    return f"{head}{style}{mark}{tail}" if mark else style + html
