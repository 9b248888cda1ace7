"""Building and serialising one letter of 8 KB text and HTML: our writer beside the standard library's EmailMessage."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP

from penstock.compose.mime import MimeWriter, serialise
from penstock.model.mail import Letter

SENTENCE = "Förfrågningar, offerter och beställningar för en detalj finns på ett ställe, med hela historiken.\n"
ASCII = "Requests, quotes and orders for a part sit in one place, with their history, and stay there.\n"
HEADERS = (
    ("Date", "Fri, 20 Nov 2026 08:00:00 +0000"),
    ("From", "Eva Berg, Nordlicht Software AB <eva.berg@nordlicht.example>"),
    ("To", "Åsa Lindqvist <asa.lindqvist@muster-werk.example>"),
    ("Subject", "Muster Werk AB: inköp utan kalkylark – en förfrågan"),
    ("Message-ID", "<0123456789abcdef.a1b2c3d4e5f6@nordlicht.example>"),
    ("Reply-To", "eva.berg@nordlicht.example"),
    ("List-Unsubscribe", "<https://mail.nordlicht.example/u/" + "t" * 56 + ">"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ("MIME-Version", "1.0"),
)
BOUNDARY = "=_0123456789abcdef01234567"


def letter(sentence: str, number: int) -> Letter:
    """About 8 KB: 3 KB of text, 5 KB of HTML; no two lines are equal, the greeting differs from letter to letter."""
    text = f"Hej {number},\n\n" + "".join(f"{line}. {sentence}" for line in range(30))
    style = "margin:0 0 18px 0"
    lines = "".join(f'<p style="{style}">{line}. {sentence.strip()}</p>\n' for line in range(38))
    return Letter(HEADERS, text, f"<html><body><p>Hej {number},</p>\n{lines}</body></html>\n", "sv", "t1")


def with_email_message(made: Letter) -> bytes:
    """The same letter by the standard library."""
    message = EmailMessage(policy=SMTP)
    for name, value in made.headers:
        if name == "From":
            message[name] = '"Eva Berg, Nordlicht Software AB" <eva.berg@nordlicht.example>'
        elif name != "MIME-Version":
            message[name] = value
    message.set_content(made.text)
    message.add_alternative(made.html or "", subtype="html")
    return message.as_bytes()


def with_a_fresh_writer(letters: list[Letter]) -> None:
    for made in letters:
        serialise(made, boundary=BOUNDARY)


def with_one_writer(letters: list[Letter]) -> None:
    """As the write stage does for a batch: a line is encoded once."""
    writer = MimeWriter()
    for made in letters:
        writer.serialise(made, boundary=BOUNDARY)


def with_the_library(letters: list[Letter]) -> None:
    for made in letters:
        with_email_message(made)


def microseconds(run: Callable[[list[Letter]], None], letters: list[Letter]) -> float:
    """Best of three rounds, per letter."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        run(letters)
        best = min(best, (time.perf_counter() - start) / len(letters) * 1e6)
    return best


def main() -> None:
    print("µs per letter of 8 KB")
    print(f"{'letter':<10}{'EmailMessage':>14}{'one by one':>12}{'ratio':>8}{'in a batch':>12}{'ratio':>8}")
    for name, sentence in (("Swedish", SENTENCE), ("English", ASCII)):
        letters = [letter(sentence, number) for number in range(500)]
        theirs = microseconds(with_the_library, letters[:100])
        alone = microseconds(with_a_fresh_writer, letters)
        batch = microseconds(with_one_writer, letters)
        print(f"{name:<10}{theirs:>14.0f}{alone:>12.0f}{theirs / alone:>7.0f}x{batch:>12.0f}{theirs / batch:>7.0f}x")


if __name__ == "__main__":
    main()
