"""The finished mail as a page: headers, HTML part, text part, raw octets, and which rule added which block."""

from __future__ import annotations

import email
import email.policy

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


def preview_page(mail: Mail, data: bytes) -> bytes:
    """The page, self-contained. Blocks are outlined and named in the HTML part."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    message = email.message_from_bytes(data, policy=email.policy.default)
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    environment = Environment(
        loader=FileSystemLoader(template_folder() / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    page = environment.get_template("preview.html.j2").render(
        subject=str(message["Subject"]),
        headers=[(name, str(value)) for name, value in message.items()],
        html=_outlined(html.get_content()) if html else "",
        text=text.get_content() if text else "",
        raw=data.decode("utf-8", "replace"),
        blocks=[
            (name, why) for name, why in BLOCKS.items() if html and f'data-penstock="{name}"' in html.get_content()
        ],
        variant=mail.variant,
    )
    return page.encode()


def _outlined(html: str) -> str:
    """The HTML with a style that frames each block and writes its name beside it."""
    style = (
        "<style>[data-penstock]{outline:2px dashed #3a78b5;outline-offset:3px;position:relative}"
        "[data-penstock]::before{content:attr(data-penstock);position:absolute;right:0;top:-9px;background:#3a78b5;"
        "color:#fff;font:11px/16px system-ui;padding:0 6px;border-radius:3px}</style>"
    )
    head, mark, tail = html.partition("</head>")
    return f"{head}{style}{mark}{tail}" if mark else style + html
