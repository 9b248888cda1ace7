"""Notices and headers put into a relayed mail of 40 KB: our splicer beside parse, edit and serialise by the standard
library; and the memory that each takes at most, as a multiple of the mail."""

from __future__ import annotations

import email
import time
import tracemalloc
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.policy import SMTP

from penstock.compose.splice.splicer import Additions, SpliceFault, splice

SENTENCE = "Förfrågningar, offerter och beställningar för en detalj finns på ett ställe, med hela historiken."
LINK = "https://mail.nordlicht.example/u/" + "t" * 56
BLOCKS = ("identity", "reason", "source", "rights", "objection", "optout", "contact")
HEADERS = (
    ("List-Unsubscribe", f"<{LINK}>"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ("List-Id", "Nyheter <nyheter.list.nordlicht.example>"),
    ("Feedback-ID", "a1b2c3:marketing::nordlicht1"),
)
TEXT = f"{'-' * 40}\n\n" + "\n\n".join(f"{block}: {SENTENCE} {SENTENCE} {LINK}" for block in BLOCKS) + "\n"
HTML = "".join(
    f'<p data-penstock="{block}" lang="sv" dir="ltr" style="margin:0 0 10px 0;color:#444444">{SENTENCE} {SENTENCE} '
    f'<a href="{LINK}">{LINK}</a></p>\n'
    for block in BLOCKS
)
ADDITIONS = Additions(HEADERS, frozenset({"x-penstock-*"}), TEXT, HTML)


def relayed(kind: str, size: int = 40_000) -> bytes:
    """A mail of about that size. `mixed` is half a file that nobody touches."""
    message = EmailMessage(policy=SMTP)
    message["From"] = "Eva Berg <eva.berg@nordlicht.example>"
    message["To"] = "Anna Ek <anna.ek@muster-werk.example>"
    message["Subject"] = "Inköp utan kalkylark"
    message["Date"] = "Fri, 20 Nov 2026 08:00:00 +0000"
    message["Message-ID"] = "<0123456789@nordlicht.example>"
    message["X-Penstock-Stream"] = "marketing"
    share = size // 2 if kind == "mixed" else size
    lines = [f"{number}. {SENTENCE}" for number in range(share // 320)]
    cells = "".join(f'<tr><td style="padding:0 0 18px 0;color:#222222">{line}</td></tr>\n' for line in lines)
    html = f"<html><head><title>Nyheter</title></head>\n<body><table>\n{cells}</table></body></html>\n"
    encoding = {"quoted-printable": "quoted-printable", "8bit": "8bit"}.get(kind, "base64")
    message.set_content("\n".join(lines) + "\n", cte=encoding)
    message.add_alternative(html, subtype="html", cte=encoding)
    if kind == "mixed":
        message.add_attachment(
            bytes(range(256)) * (share // 256), maintype="application", subtype="pdf", filename="a.pdf"
        )
    return message.as_bytes()


def by_the_library(data: bytes) -> bytes:
    """The same by the standard library, in the order that a program would do it."""
    message = email.message_from_bytes(data, policy=SMTP)
    assert isinstance(message, EmailMessage)
    for name in list(message):
        if name.lower().startswith("x-penstock-"):
            del message[name]
    for name, value in HEADERS:
        del message[name]
        message[name] = value
    for subtype, addition in (("plain", TEXT), ("html", HTML)):
        part = message.get_body((subtype,))
        assert part is not None
        content = part.get_content()
        place = content.lower().rfind("</body>") if subtype == "html" else -1
        place = len(content) if place < 0 else place
        encoding = part["Content-Transfer-Encoding"]
        part.set_content(f"{content[:place]}\n{addition}{content[place:]}", subtype=subtype, cte=encoding)
    return message.as_bytes()


def by_us(data: bytes) -> bytes:
    done = splice(data, ADDITIONS)
    assert not isinstance(done, SpliceFault)
    return done


def microseconds(runs: Sequence[Callable[[bytes], bytes]], data: bytes, times: int) -> list[float]:
    """Best of nine rounds, per mail, for each; in turns, so that a busy machine is busy for all."""
    best = [float("inf")] * len(runs)
    for _ in range(9):
        for number, run in enumerate(runs):
            start = time.perf_counter()
            for _ in range(times):
                run(data)
            best[number] = min(best[number], (time.perf_counter() - start) / times * 1e6)
    return best


def peak(run: Callable[[bytes], bytes], data: bytes) -> float:
    """The most memory held at a time, the result included and the mail itself not, per octet of the mail."""
    run(data)
    tracemalloc.start()
    run(data)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / len(data)


def main() -> None:
    print("µs per relayed mail; memory as a multiple of the mail")
    print(f"{'mail':<18}{'KB':>6}{'library':>10}{'splicer':>10}{'ratio':>8}{'memory':>10}{'memory':>10}")
    print(f"{'':<18}{'':>6}{'':>10}{'':>10}{'':>8}{'library':>10}{'splicer':>10}")
    for size in (40_000, 4_000_000):
        for kind in ("quoted-printable", "8bit", "base64", "mixed"):
            data = relayed(kind, size)
            theirs, ours = microseconds((by_the_library, by_us), data, max(400_000 // size, 1))
            print(
                f"{kind:<18}{len(data) / 1000:>6.0f}{theirs:>10.0f}{ours:>10.0f}{theirs / ours:>7.0f}x"
                f"{peak(by_the_library, data):>10.1f}{peak(by_us, data):>10.1f}"
            )


if __name__ == "__main__":
    main()
