"""The adapters of the config, and the routes made of several, opened once for a house."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from penstock.adapters.address import adapter_from_url
from penstock.adapters.routing import with_routes
from penstock.config.settings import Settings
from penstock.errors import ConfigError
from penstock.model.route import names_in, parse_route
from penstock.ports import Adapter, Capabilities, Clock, Marks

__all__ = ["LiveCapabilities", "open_adapters", "rates_of"]


class LiveCapabilities(Mapping[str, Capabilities]):
    """What each adapter can carry, as it knows it now: some learn it from the other end.

    One of `excepted` may carry all advertising, by a contract that the config names.
    """

    def __init__(self, adapters: Mapping[str, Adapter], excepted: Collection[str] = ()) -> None:
        self._adapters = adapters
        self._excepted = excepted

    def __getitem__(self, name: str) -> Capabilities:
        carried = self._adapters[name].capabilities
        if carried.permission == "consent" and self._excepted and {*names_in(parse_route(name))} <= {*self._excepted}:
            return replace(carried, permission="any")
        return carried

    def __iter__(self) -> Iterator[str]:
        return iter(self._adapters)

    def __len__(self) -> int:
        return len(self._adapters)


def open_adapters(settings: Settings, clock: Clock, marks: Mapping[str, Marks]) -> dict[str, Adapter]:
    """By name; routes made of several by their text. `marks` by name, for mail servers with an ESP behind them.

    Raises ConfigError with the place in the config.
    """
    single = {name: _adapter(settings, name, clock, marks.get(name)) for name in settings.adapters}
    return with_routes(single, (route for route in settings.all_routes() if route not in single))


def rates_of(settings: Settings, adapters: Mapping[str, Adapter]) -> dict[str, tuple[str, ...]]:
    """The limits of each way out: the configured ones and its provider's; of several, those of all."""
    single = {
        name: (*settings.adapters[name].rate, *getattr(adapters[name], "rates", ())) for name in settings.adapters
    }
    return {
        name: tuple(dict.fromkeys(rate for each in names_in(parse_route(name)) for rate in single[each]))
        for name in adapters
    }


def _adapter(settings: Settings, name: str, clock: Clock, marks: Marks | None) -> Adapter:
    """One way out; what is wrong with it is told with its place in the config."""
    each = settings.adapters[name]
    try:
        return adapter_from_url(
            name,
            each.url,
            settings.base,
            clock,
            password=each.password,
            api_key=each.api_key,
            endpoint=each.endpoint,
            marks=marks,
        )
    except ConfigError as fault:
        key = fault.where.removeprefix(f"adapters.{name}.")
        where = settings.where("adapters", name, key if key in {"api_key", "password", "endpoint"} else "url")
        raise ConfigError(fault.what, where=where, mend=fault.mend) from None
