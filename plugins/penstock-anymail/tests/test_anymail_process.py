from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from aiohttp import web

from penstock.errors import AdapterUnavailable
from penstock.model.campaign import Stream
from penstock.model.outcome import Outcome, Uncertain
from penstock.ports import AdapterAddress
from penstock.testing import FakeClock
from penstock.testing.esp_contract import finished
from penstock.testing.scripted_http import scripted_http
from penstock_anymail import adapter

MAIL = replace(finished("anna@firm.example"), stream=Stream.TRANSACTIONAL)
BESIDE_DJANGO = """
from django.conf import settings
settings.configure(%s)
from penstock.ports import AdapterAddress
from penstock.testing import FakeClock
from penstock_anymail import adapter
print(adapter(AdapterAddress("main", "sparkpost", FakeClock(), {}, lambda: "k")).name)
"""


async def served(status: int, headers: dict[str, str]) -> tuple[list[str], Exception | Outcome]:
    """A real server and anymail's own backend: the paths asked for, and what came of one mail."""
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.json_response({"errors": []}, status=status, headers=headers)

    found: Exception | Outcome
    async with scripted_http(answer) as url:
        way = adapter(AdapterAddress("main", "sparkpost", FakeClock(), {}, lambda: "k", endpoint=url))
        try:
            (found,) = await way.deliver([MAIL])
        except AdapterUnavailable as fault:
            found = fault
        await way.aclose()
    return paths, found


async def test_a_real_redirect_reaches_nobody_else() -> None:
    paths, found = await served(307, {"Location": "/elsewhere"})
    assert paths == ["/transmissions/"]
    assert isinstance(found, AdapterUnavailable)


async def test_a_real_error_of_the_server_is_asked_once() -> None:
    paths, found = await served(500, {})
    assert paths == ["/transmissions/"]
    assert isinstance(found, Uncertain)


async def test_a_proxy_of_the_environment_sees_no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    paths, found = await served(500, {})
    assert paths == ["/transmissions/"]
    assert isinstance(found, Uncertain)


def beside(settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", BESIDE_DJANGO % settings], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("settings", ["ANYMAIL={'SEND_DEFAULTS': {}}", "ANYMAIL_TAGS=1", "DEFAULT_CHARSET='latin-1'"])
def test_settings_of_django_that_would_mix_with_ours_are_refused(settings: str) -> None:
    done = beside(settings)
    assert done.returncode == 1
    assert "ConfigError: adapters.main.url: Django has settings for anymail" in done.stderr


def test_other_settings_of_django_do_no_harm() -> None:
    assert beside("DEBUG=False").stdout == "main\n"


def test_django_is_not_loaded_before_an_adapter_is_made() -> None:
    code = "import sys, penstock_anymail; print({'django', 'anymail', 'requests'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
