"""The demo through each ESP's plugin: a local server in the ESP's place takes the mails and calls back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.e2e.conftest import Run


@pytest.mark.parametrize("esp", ["mailgun", "postmark", "sendgrid", "ses"])
def test_the_mails_arrive_and_the_calls_are_heard(penstock: Run, tmp_path: Path, esp: str) -> None:
    done = penstock("demo", "--adapter", esp, "--out", tmp_path / "demo", cwd=tmp_path, now=None)
    assert done.returncode == 0, done.stderr
    assert "220 mails arrived, 0 requests broke its published rules" in done.stdout
    assert len(list((tmp_path / "demo" / "outbox").glob("*.eml"))) == 12
    if esp != "ses":  # its calls are proved by a certificate that lies at Amazon
        assert "it called back: 218 delivered, 1 bounced_hard, 1 complained;" in done.stdout
        config = ("--config", tmp_path / "demo" / "config.toml")
        listed = penstock(*config, "suppress", "list", "--json", cwd=tmp_path)
        reasons = [json.loads(line)["reason"] for line in listed.stdout.splitlines()]
        assert reasons.count("complaint") == 2, "one of the sample, and the one that came back"


def test_an_esp_that_is_not_there_is_told(penstock: Run, tmp_path: Path) -> None:
    done = penstock("demo", "--adapter", "sendgird", cwd=tmp_path, now=None)
    assert done.returncode == 2
    assert "brevo, mailgun, mailjet, postmark, resend, sendgrid, ses" in done.stderr
    assert list(tmp_path.iterdir()) == []
