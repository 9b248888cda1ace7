from __future__ import annotations

from pathlib import Path

import pytest

from penstock.config.secret_text import SecretText
from penstock.config.settings import load_settings
from penstock.errors import ConfigError


def test_a_secret_is_read_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[adapters.main]\nurl = "file:a"\npassword = "env:PW"\napi_key = "file:key.txt"\n'
    )
    settings = load_settings(tmp_path / "config.toml", {})
    main = settings.adapters["main"]
    with pytest.raises(ConfigError, match="env:PW: the environment variable is not set"):
        main.password.reveal()
    with pytest.raises(ConfigError, match=r"key\.txt: cannot be read"):
        main.api_key.reveal()
    (tmp_path / "key.txt").write_text("s3cret\r\n")
    assert main.api_key.reveal() == "s3cret"
    assert load_settings(tmp_path / "config.toml", {"PW": "x"}).adapters["main"].password.reveal() == "x"


def test_an_empty_secret_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigError, match="the file is empty"):
        SecretText("file:empty", tmp_path).reveal()


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[adapters.main]\nurl = "file:a"\npassword = "hunter2"\n')
    settings = load_settings(tmp_path / "config.toml", {"OTHER": "hunter3"})
    assert settings.adapters["main"].password.reveal() == "hunter2"
    shown = repr(settings) + str(settings) + f"{settings.adapters['main'].password}"
    assert "hunter" not in shown
    assert repr(SecretText("env:PW")) == "SecretText('env:PW')"


def test_no_secret_is_false() -> None:
    assert not SecretText()
    assert SecretText("env:PW")
