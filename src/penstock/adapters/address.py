"""From an adapter's address in the config to the adapter."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from urllib.parse import parse_qsl

from penstock.adapters.outbox import FileAdapter
from penstock.errors import ConfigError
from penstock.ports import Adapter

__all__ = ["adapter_from_url"]

_OPTIONS = ("smtputf8",)
_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def adapter_from_url(name: str, url: str, base: Path) -> Adapter:
    """Make the adapter for `file:FOLDER[?smtputf8=no]`; a relative folder starts at `base`.

    Raises ConfigError for an address that is not understood, without repeating it: it may hold a password.
    """
    where = f"adapters.{name}.url"
    scheme, _, rest = url.partition(":")
    if scheme != "file":
        raise ConfigError("this kind of adapter is not in this version", where=where, mend='use "file:FOLDER"')
    folder, _, query = rest.partition("?")
    folder = folder.removeprefix("//")
    if not folder:
        raise ConfigError("no folder is named", where=where, mend='for example "file:outbox"')
    options = _options(query, where)
    return FileAdapter(name, base / Path(folder).expanduser(), smtputf8=options.get("smtputf8", True))


def _options(query: str, where: str) -> dict[str, bool]:
    options: dict[str, bool] = {}
    for key, word in parse_qsl(query, keep_blank_values=True):
        if key not in _OPTIONS:
            close = get_close_matches(key, _OPTIONS, n=1)
            mend = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(_OPTIONS)}"
            raise ConfigError("unknown option in the address", where=where, mend=mend)
        if word.lower() not in _WORDS:
            raise ConfigError(f"{key}: expected yes or no", where=where)
        options[key] = _WORDS[word.lower()]
    return options
