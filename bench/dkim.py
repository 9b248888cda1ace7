"""DKIM: signing one mail beside the bare signature it cannot do without, and two threads beside one."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from penstock.compose.dkim import DkimKey, DkimSigner
from penstock.compose.mime import MimeWriter
from penstock.compose.relaxed import relaxed
from penstock.model.mail import Letter, Message
from penstock.ports import NoOptions, NoSenders, Signer
from penstock.stages.edits.dkim import Dkim
from penstock.testing import a_letter, a_mail, some_services

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
DOMAIN = "nordlicht.example"
SENTENCE = "Förfrågningar, offerter och beställningar för en detalj finns på ett ställe, med hela historiken.\n"
INDENTED = "  Requests, quotes and orders for a part sit in one place,\twith their history, and stay there.  \n"
HEADERS = (
    ("Date", "Fri, 20 Nov 2026 08:00:00 +0000"),
    ("From", "Eva Berg, Nordlicht Software AB <eva.berg@nordlicht.example>"),
    ("To", "Åsa Lindqvist <asa.lindqvist@muster-werk.example>"),
    ("Subject", "Muster Werk AB: inköp utan kalkylark – en förfrågan"),
    ("Message-ID", "<0123456789abcdef.a1b2c3d4e5f6@nordlicht.example>"),
    ("Reply-To", "eva.berg@nordlicht.example"),
    ("List-Unsubscribe", "<https://mail.nordlicht.example/u/" + "t" * 56 + ">"),
    ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ("List-Id", "inköp <purchasing-2026.list.nordlicht.example>"),
    ("Feedback-ID", "0123456789ab:prospecting::ps0123456789"),
    ("MIME-Version", "1.0"),
)
MAILS, ROUNDS = 200, 15
BURST, BURSTS = 32, 500

Work = Callable[[], object]


def messages(sentence: str, number: int) -> list[bytes]:
    """Mails of about 8 KB, each with a greeting of its own."""
    writer, made = MimeWriter(), []
    for one in range(number):
        text = f"Hej {one},\n\n" + "".join(f"{line}. {sentence}" for line in range(30))
        lines = "".join(f"<p>{line}. {sentence.strip()}</p>\n" for line in range(38))
        html = f"<html><body><p>Hej {one},</p>\n{lines}</body></html>\n"
        data = writer.serialise(Letter(HEADERS, text, html, "sv", "t1"), boundary="=_0123456789abcdef01234567")
        assert isinstance(data, bytes)
        made.append(data)
    return made


def seconds(work: Sequence[Work], clock: Callable[[], float] = time.thread_time) -> list[float]:
    """The median of each, per mail; they take turns, so that what else the machine does falls on all alike."""
    took: list[list[float]] = [[] for _ in work]
    for _ in range(ROUNDS):
        for place, each in enumerate(work):
            start = clock()
            each()
            took[place].append((clock() - start) / MAILS)
    return [statistics.median(each) for each in took]


class OneSigner(NoSenders):
    """Signs everybody's mail."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def any(self) -> bool:
        return True

    def signer(self, domain: str, at: datetime, /) -> Signer | None:
        del domain, at
        return self._signer


def one_core(name: str, bare: Callable[[], object], signer: DkimSigner, data: Sequence[bytes], goal: str) -> None:
    def alone() -> None:
        for _ in range(MAILS):
            bare()

    def whole() -> None:
        for each in data:
            signer.signature(each, NOW)

    def reading() -> None:
        for each in data:
            relaxed(each)

    primitive, signing, canonical = (each * 1e6 for each in seconds((alone, whole, reading)))
    print(
        f"{name:<24}{primitive:>10.0f}{signing:>10.0f}{canonical:>14.1f}{1e6 / signing:>10,.0f}"
        f"{primitive / signing:>10.2f}   {goal}"
    )


def two_threads(bare: Callable[[], object], signer: DkimSigner, data: Sequence[bytes]) -> None:
    """Wall time of short bursts, the best of many: other programs on the machine can only make one longer."""
    burst = data[:BURST]
    mails = [a_mail().with_content(Message(each, a_letter())) for each in burst]
    stage = Dkim(NoOptions(), some_services(senders=OneSigner(signer)))

    def timed(work: Work) -> tuple[float, float]:
        start, used = time.perf_counter(), time.process_time()
        work()
        took = time.perf_counter() - start
        return took / BURST * 1e6, (time.process_time() - used) / took

    async def by_the_stage() -> Sequence[object]:
        return await stage.edit(mails)

    with ThreadPoolExecutor(2) as pool, asyncio.Runner() as loop:
        half = range(BURST // 2)
        rows: list[tuple[str, Work]] = [
            ("bare, 1 thread", lambda: [bare() for _ in burst]),
            ("bare, 2 threads", lambda: list(pool.map(lambda _: [bare() for _ in half], range(2)))),
            ("signed, 1 thread", lambda: [signer.signature(each, NOW) + each for each in burst]),
            ("signed by the stage", lambda: loop.run(by_the_stage())),
        ]
        print(f"\n{'RSA-2048, wall time':<24}{'µs/mail':>10}{'mails/s':>10}{'× bare on one':>16}{'cores busy':>12}")
        found: list[list[tuple[float, float]]] = [[] for _ in rows]
        for _ in range(BURSTS):
            for place, (_, work) in enumerate(rows):
                found[place].append(timed(work))
        one, _ = min(found[0])
        for (name, _), each in zip(rows, found, strict=True):
            took, busy = min(each)
            print(f"{name:<24}{took:>10.0f}{1e6 / took:>10,.0f}{one / took:>16.2f}{busy:>12.2f}")


def main() -> None:
    rsa, ed25519 = generate_private_key(65537, 2048), Ed25519PrivateKey.generate()
    padding, algorithm, octets = PKCS1v15(), SHA256(), b"x" * 1_500
    by_rsa = DkimSigner(DOMAIN, [DkimKey("s1", rsa)])
    by_ed25519 = DkimSigner(DOMAIN, [DkimKey("e1", ed25519)])
    plain, indented = messages(SENTENCE, MAILS), messages(INDENTED, MAILS)

    def bare_rsa() -> bytes:
        return rsa.sign(octets, padding, algorithm)

    def bare_ed25519() -> bytes:
        return ed25519.sign(octets[:32])

    print(
        f"mails of {len(plain[0]):,} octets; processor time of one thread; {len(os.sched_getaffinity(0))} cores here\n"
    )
    print(f"{'one core':<24}{'bare µs':>10}{'signed µs':>10}{'of it reading':>14}{'mails/s':>10}{'ratio':>10}   goal")
    one_core("RSA-2048", bare_rsa, by_rsa, plain, ">= 0.85")
    one_core("RSA-2048, indented", bare_rsa, by_rsa, indented, ">= 0.85")
    one_core("Ed25519", bare_ed25519, by_ed25519, plain, ">= 3,000/s")
    one_core("Ed25519, indented", bare_ed25519, by_ed25519, indented, ">= 3,000/s")
    two_threads(bare_rsa, by_rsa, plain)


if __name__ == "__main__":
    main()
