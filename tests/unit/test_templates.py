"""The record of what a package was installed with."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from penstock.templates import notice_digests, template_folder


def test_a_wheels_record_gives_the_digest_of_each_notice() -> None:
    digest = hashlib.sha256(b"text")
    encoded = base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
    record = [
        f"penstock/templates/notices/de/notice.toml,sha256={encoded},4",
        f"penstock/templates/notices/de/other.toml,sha256={encoded},4",
        f"other/templates/notices/fr/notice.toml,sha256={encoded},4",
        "penstock/templates/notices/sv/notice.toml,,",
        "penstock-1.dist-info/RECORD,,",
        "",
    ]
    assert notice_digests(Path("x"), record) == {"de": digest.hexdigest()}


def test_a_checkout_has_no_record_of_its_templates() -> None:
    assert notice_digests(template_folder()) == {}
