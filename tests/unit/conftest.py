"""A whole house for tests of what uses all of it at once: the sample's folder, opened in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import penstock
from penstock.config.settings import load_settings
from penstock.demo.sample import MOMENT, write_sample
from penstock.gate import Gate


@pytest.fixture(scope="session")
def sample_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written once; its mails become files in `outbox`."""
    folder = tmp_path_factory.mktemp("sample") / "house"
    write_sample(folder)
    return folder


@pytest.fixture
def house(sample_house: Path, tmp_path: Path) -> Path:
    """A copy of one's own."""
    return shutil.copytree(sample_house, tmp_path / "house")


@pytest.fixture
def campaign(house: Path) -> Path:
    """Its campaign, called purchasing-2026."""
    return house / "campaigns" / "purchasing.toml"


@pytest.fixture
def opened(house: Path) -> Callable[..., AbstractAsyncContextManager[Gate]]:
    """Opens it at a moment; keywords are environment variables, `PENSTOCK__` left out."""

    def opening(now: datetime = MOMENT, **environ: str) -> AbstractAsyncContextManager[Gate]:
        named = {f"PENSTOCK__{key}": value for key, value in environ.items()}
        return penstock.open(load_settings(house / "config.toml", named), now=now)

    return opening


@pytest.fixture(scope="session")
def person() -> Callable[..., dict[str, Any]]:
    """The row of a purchasing head at a machine maker of their own, whom nothing forbids to mail."""

    def made(name: str, **fields: Any) -> dict[str, Any]:
        domain = f"{name}-maskin.example"
        row: dict[str, Any] = {
            "address": f"{name}.berg@{domain}",
            "given_name": name.capitalize(),
            "family_name": "Berg",
            "language": "en",
            "country": "SE",
            "function": "purchasing",
            "company": {"name": f"{name.capitalize()} Maskin AB", "domains": [domain], "legal_form": "company",
                        "industry": "C28", "employees": 120},
            "source": {"method": "own_site", "reference": f"https://{domain}/team", "collected_at": "2026-11-10",
                       "visibility": "public", "why": "head of purchasing"},
            "verified_at": "2026-11-15",
            "reason": "your site shows a new plant",
        }  # fmt: skip
        return row | fields

    return made
