"""A draft to finished octets, beside the standard library's EmailMessage built and serialised from the same content.

    uv run --group test python bench/compose.py [--quick]

Ours: the stages compose, notice, list_unsubscribe and write over batches of first-contact letters, every recipient
another person at another company. A letter has 3 KB of text and 5 KB of HTML; a short one 10 KB as a finished mail.
Theirs: the rendered subject, text, HTML and headers as they stand in our finished mail, so that rendering, notice and
tokens cost it nothing. One process on one core, times are processor time, the best of five rounds counts.
"""

from __future__ import annotations

import argparse
import asyncio
import email
import email.policy
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from penstock.compose.dkim import DkimKey, DkimSigner
from penstock.compose.headers import split_mailbox
from penstock.model.campaign import Campaign, Enclosure, TemplateFile
from penstock.model.mail import Letter, Mail, Message
from penstock.ports import Edit, NoOptions
from penstock.stages.edits.compose import Compose
from penstock.stages.edits.list_unsubscribe import ListUnsubscribe
from penstock.stages.edits.notice import Notice, NoticeOptions
from penstock.stages.edits.write import Write
from penstock.testing import FakeClock, a_campaign, a_contact, some_services
from penstock.testing.samples import a_mail

BATCH, ROUNDS, FEW = 500, 5, 100
GOAL_RATIO, GOAL_RATE, GOAL_SHARE = 10, 3_500, 0.65
SIGNED_AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SENTENCES = {
    "sv": "Förfrågningar, offerter och beställningar för en detalj finns på ett ställe, med hela historiken.",
    "en": "Requests, quotes and orders for a part sit in one place, with their history, and stay there.",
}
FULL, SHORT = (30, 38), (5, 9)
LETTERS = (
    ("Swedish", "sv", FULL),
    ("English", "en", FULL),
    ("Swedish, short", "sv", SHORT),
    ("English, short", "en", SHORT),
)
GREETING = "{{ t('Hello') }} {{ given_name }}, {{ company.name }} {{ t('came to our mind') }}: {{ reason }}."
STYLE = "<style>p { margin: 0 0 18px 0 } .n { color: #24303a }</style>"


class Result(NamedTuple):
    """Microseconds of one mail; octets of the finished one. `signing` and `bare`: DKIM of it, and RSA-2048 alone."""

    ours: float
    theirs: float
    stages: dict[str, float]
    octets: int
    premailer: int
    signing: float
    bare: float


def campaign_in(language: str, lines: tuple[int, int], enclosures: Sequence[Enclosure]) -> Campaign:
    """So many lines of text and paragraphs of HTML, no two alike."""
    sentence = SENTENCES[language]
    text = f"{GREETING}\n\n" + "".join(f"{line}. {sentence}\n" for line in range(lines[0]))
    logo = '<img src="cid:logo" alt="Nordlicht">' if enclosures else ""
    body = f"<p>{GREETING}</p>{logo}\n" + "".join(f'<p class="n">{n}. {sentence}</p>\n' for n in range(lines[1]))
    html = f"<!doctype html><html><head><title>x</title>{STYLE}</head><body>{body}</body></html>\n"
    campaign = a_campaign(translations={"sv": {"Hello": "Hej", "came to our mind": "föll oss in"}})
    files = (TemplateFile("text", "", "l.txt.j2", text), TemplateFile("html", "", "l.html.j2", html))
    message = replace(campaign.message, templates=files, enclosures=tuple(enclosures))
    return replace(campaign, message=message, digest=f"{language}{lines}{len(enclosures)}".ljust(64, "0"))


def drafts(campaign: Campaign, language: str, number: int) -> list[Mail]:
    """Each to another person at another company."""
    contact = a_contact()
    return [
        a_mail(
            replace(
                contact,
                address=f"asa.lindqvist{place}@firm{place}.example",
                given_name=f"Åsa{place}",
                family_name="Lindqvist",
                language=language,
                reason=f"your site shows plant number {place}",
                company=replace(contact.company, name=f"Firma {place} AB", domains=(f"firm{place}.example",)),
            ),
            campaign,
        )
        for place in range(number)
    ]


def stages() -> list[Edit]:
    services = some_services(clock=FakeClock())
    parts: list[Any] = [
        Compose(NoOptions(), services),
        Notice(NoticeOptions(), services),
        ListUnsubscribe(NoOptions(), services),
        Write(NoOptions(), services),
    ]
    return parts


async def walked(mails: Sequence[Mail], edits: Sequence[Edit], spent: dict[str, float]) -> list[Mail]:
    """Through all edits; adds each one's seconds to `spent`."""
    for edit in edits:
        start = time.process_time()
        answers = await edit.edit(mails)
        spent[edit.name] = spent.get(edit.name, 0.0) + time.process_time() - start
        stopped = next((answer for answer in answers if not isinstance(answer, Mail)), None)
        if stopped is not None:
            raise SystemExit(f"{edit.name} stopped a mail: {stopped}")
        mails = [answer for answer in answers if isinstance(answer, Mail)]
    return list(mails)


def with_email_message(letter: Letter) -> bytes:
    """The same mail by the standard library."""
    message = EmailMessage(policy=SMTP)
    for name, value in letter.headers:
        display, address = split_mailbox(value)
        if name == "From" and display:
            message[name] = f'"{display}" <{address}>'
        elif name != "MIME-Version":
            message[name] = value
    message.set_content(letter.text)
    message.add_alternative(letter.html or "", subtype="html")
    html = message.get_body(("html",))
    for file in letter.attachments:
        maintype, _, subtype = file.type.partition("/")
        if file.cid and html is not None:
            html.add_related(file.data, maintype, subtype, cid=f"<{file.cid}>", filename=file.name)
        else:
            message.add_attachment(file.data, maintype=maintype, subtype=subtype, filename=file.name)
    return message.as_bytes()


def same_content(ours: bytes, theirs: bytes) -> bool:
    """Whether both say the same: subject, text, HTML and files."""

    def said(data: bytes) -> list[object]:
        message = email.message_from_bytes(data, policy=email.policy.default)
        leaves = [part for part in message.walk() if not part.is_multipart()]
        return [str(message["Subject"]), *(part.get_payload(decode=True).rstrip() for part in leaves)]  # type: ignore[union-attr]

    return said(ours) == said(theirs)


def best(run: Callable[[], None], mails: int, rounds: int) -> float:
    """Microseconds per mail."""
    times = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times) / mails * 1e6


def measured(campaign: Campaign, language: str, batch: int, rounds: int) -> Result:
    mails = drafts(campaign, language, batch)
    edits = stages()
    finished = asyncio.run(walked(mails, edits, {}))
    by_stage: list[dict[str, float]] = []

    def ours() -> None:
        by_stage.append({})
        asyncio.run(walked(mails, edits, by_stage[-1]))

    contents = [mail.content for mail in finished if isinstance(mail.content, Message)]
    letters = [content.letter for content in contents if content.letter is not None]
    if not same_content(contents[0].data, with_email_message(letters[0])):
        raise SystemExit("the two mails do not say the same")
    few = letters[:FEW]
    took = best(ours, batch, rounds)
    fastest = min(by_stage, key=lambda each: sum(each.values()))

    def library() -> None:
        for each in few:
            with_email_message(each)

    theirs = best(library, len(few), min(rounds, 3))
    shelf = next(edit for edit in edits if isinstance(edit, Compose))._shelf
    signing, bare = signed([content.data for content in contents], rounds)
    stages_of = {name: seconds / batch * 1e6 for name, seconds in fastest.items()}
    return Result(took, theirs, stages_of, len(contents[0].data), shelf.inliner.runs, signing, bare)


def signed(data: Sequence[bytes], rounds: int) -> tuple[float, float]:
    """A DKIM signature (relaxed, RSA-2048) of each of these mails, and what the primitive alone takes."""
    key, padding, algorithm = generate_private_key(65537, 2048), PKCS1v15(), SHA256()
    signer = DkimSigner("nordlicht.example", [DkimKey("s1", key)])

    def ours() -> None:
        for each in data:
            signer.signature(each, SIGNED_AT)

    def alone() -> None:
        for each in data:
            key.sign(each[:1_500], padding, algorithm)

    return best(ours, len(data), rounds), best(alone, len(data), rounds)


def told(name: str, result: Result, *, goals: bool) -> None:
    ratio, rate = result.theirs / result.ours, 1e6 / result.ours
    met = f"{'met' if ratio >= GOAL_RATIO and rate >= GOAL_RATE else 'MISSED'}" if goals else ""
    print(
        f"{name:<34}{result.octets / 1024:>8.1f}{result.ours:>10.0f}{rate:>10,.0f}{result.theirs:>14.0f}{ratio:>8.1f}x"
        f"{result.premailer:>11}  {met}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="small numbers: shows that it runs")
    quick = parser.parse_args().quick
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    batch, rounds = (50, 2) if quick else (BATCH, ROUNDS)
    logo = Enclosure("logo", "logo.png", "image/png", "1" * 64, os.urandom(20_000))
    brochure = Enclosure("", "brochure.pdf", "application/pdf", "2" * 64, os.urandom(200_000))
    columns = f"{'KB':>8}{'µs/mail':>10}{'mails/s':>10}{'EmailMessage':>14}{'ratio':>9}{'premailer':>11}"
    print(f"compose, notice, list_unsubscribe, write: {batch} mails a batch, {rounds + 1} batches")
    print(f"{'letter':<34}{columns}")
    results: dict[str, Result] = {}
    for name, language, lines in LETTERS:
        results[name] = measured(campaign_in(language, lines, ()), language, batch, rounds)
        told(name, results[name], goals=True)
    campaign = campaign_in("en", FULL, (logo, brochure))
    told("English, 20 KB image, 200 KB file", measured(campaign, "en", batch // 5, rounds), goals=False)
    print(f"\n{'µs/mail':<34}" + "".join(f"{stage:>18}" for stage in results["English"].stages))
    for name, result in results.items():
        print(f"{name:<34}" + "".join(f"{spent:>18.1f}" for spent in result.stages.values()))
    print(f"\n{'with DKIM (RSA-2048)':<34}{'compose':>10}{'sign':>10}{'together/s':>12}{'bare RSA':>10}{'share':>8}")
    for name, result in results.items():
        together = result.ours + result.signing
        share = result.bare / together
        met = "met" if share >= GOAL_SHARE else "MISSED"
        print(
            f"{name:<34}{result.ours:>10.0f}{result.signing:>10.0f}{1e6 / together:>12,.0f}{result.bare:>10.0f}"
            f"{share:>8.2f}  {met}"
        )
    print(
        f"\ngoals: at least {GOAL_RATIO} times EmailMessage, {GOAL_RATE:,} mails/s, premailer once a version of the "
        "template;\n"
        f"compose and sign together at least {GOAL_SHARE} of what the bare RSA primitive allows"
    )


if __name__ == "__main__":
    main()
