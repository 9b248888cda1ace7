"""Subject and To of finished advertising (RFC 5322 section 3.6; ePrivacy Directive Art. 13(4))."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from penstock.compose.finished import Finding
from penstock.compose.headers import split_mailbox
from penstock.compose.notice_text import DASHES
from penstock.compose.subject_faults import beside_the_topic, is_blank, poses_as_business
from penstock.compose.wording import deceptive_prefix
from penstock.model.codes import Code
from penstock.model.mail import Letter, Mail

__all__ = ["recipient_findings", "subject_findings"]

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_FIELD = 4_090  # octets of a field that are looked at
_FOLDS = (b" ", b"\t")
_SUBJECTS = 256
_poses_as_business = lru_cache(maxsize=_SUBJECTS)(poses_as_business)  # most letters of a campaign share theirs


def subject_findings(mail: Mail, letter: Letter, stems: frozenset[str]) -> Iterator[Finding]:
    """What is wrong with a subject; `stems` are those of the campaign's topic."""
    subject = letter.header("Subject") or ""
    if is_blank(subject):
        yield Code.HEADER_INVALID, "Subject", "the subject is empty"
        return
    if mail.variant == "first":
        if deceptive_prefix(subject):
            yield Code.SUBJECT_DECEPTIVE, "Subject", "the subject pretends to answer or forward an earlier message"
        topic = mail.campaign.topic if mail.campaign else ()
        if _poses_as_business(subject, mail.stream, topic):
            what = "the subject claims an order, a bill or an account, and hides that this is advertising"
            yield Code.SUBJECT_DECEPTIVE, "Subject", what
    if stems and beside_the_topic(subject, letter.text.rpartition(f"\n{DASHES}\n")[0], stems):
        yield Code.SUBJECT_DECEPTIVE, "Subject", "neither the subject nor the letter names a word of the topic"


def recipient_findings(mail: Mail, letter: Letter, data: bytes) -> Iterator[Finding]:
    """Whether To names the one recipient alone, as it is written in the octets, too."""
    to, recipient = letter.header("To") or "", mail.envelope.recipient
    start = data.find(b"\r\nTo: ") + 6
    end = data.find(b"\r\n", start, start + _FIELD)
    while end >= 0 and data[end + 2 : end + 3] in _FOLDS:
        end = data.find(b"\r\n", end + 2, start + _FIELD)
    line = data[start : end if end >= 0 else start + _FIELD].decode("utf-8", "replace")
    alone = _QUOTED.sub("", line) if '"' in line else line
    wired = alone.rpartition("<")[2].removesuffix(">").strip()
    if split_mailbox(to)[1] != recipient or wired != recipient or "," in alone:
        yield Code.MULTI_RECIPIENT, "To", "To is not exactly the one recipient of this mail"
