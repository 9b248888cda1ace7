"""The settings: config file, environment and defaults made one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from penstock.config.adapter_section import AdapterSettings, RouteSettings
from penstock.config.environment import EnvironmentTable, read_environment
from penstock.config.fault import first_fault
from penstock.config.outcomes_section import OutcomeReceivers
from penstock.config.refusals import first_refusal
from penstock.config.relay_section import RelaySettings
from penstock.config.sections import (
    ClockSettings,
    ControllerSettings,
    Filled,
    InboundSettings,
    KeysSettings,
    MessageSettings,
    Name,
    NoticesSettings,
    PolicySettings,
    QueueSettings,
    RegisterSettings,
    Route,
    SafetySettings,
    Section,
    StageSettings,
    StoreSettings,
    SupplierSettings,
    WebSettings,
)
from penstock.config.sender_section import SenderSettings
from penstock.config.toml_document import TomlDocument, read_toml
from penstock.errors import ConfigError
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Controller
from penstock.model.routing import RouteRule
from penstock.model.safety import Safety

__all__ = ["Settings", "StageSettings", "load_settings"]

_NO_FILE = TomlDocument("built-in defaults", {}, {})


def _default_route() -> dict[Route, str]:
    return {"default": "main"}


class Settings(Section):
    """Everything the user can configure. Made by `load_settings`."""

    store: StoreSettings = StoreSettings()
    queue: QueueSettings = QueueSettings()
    keys: KeysSettings = KeysSettings()
    controllers: dict[Name, ControllerSettings] = Field(default_factory=dict)
    adapters: dict[Name, AdapterSettings] = Field(default_factory=lambda: {"main": AdapterSettings(url="file:outbox")})
    routes: dict[Route, Filled] = Field(default_factory=_default_route)
    route: tuple[RouteSettings, ...] = ()
    web: WebSettings = WebSettings()
    relay: RelaySettings = RelaySettings()
    registers: dict[Name, RegisterSettings] = Field(default_factory=dict)
    clock: ClockSettings = ClockSettings()
    sender: tuple[SenderSettings, ...] = ()
    inbound: InboundSettings = InboundSettings()
    outcomes: OutcomeReceivers = ()
    safety: SafetySettings = SafetySettings()
    policy: PolicySettings = PolicySettings()
    suppliers: dict[Name, SupplierSettings] = Field(default_factory=dict)
    message: MessageSettings = MessageSettings()
    notices: NoticesSettings = NoticesSettings()
    stage: tuple[StageSettings, ...] = ()

    _base: Path = PrivateAttr(default=Path())
    _document: TomlDocument = PrivateAttr(default=_NO_FILE)
    _environment: EnvironmentTable = PrivateAttr(default=EnvironmentTable({}, {}))

    @field_validator("routes")
    @classmethod
    def _with_default(cls, routes: dict[Route, str]) -> dict[Route, str]:
        return _default_route() | routes

    def model_post_init(self, context: Any, /) -> None:
        """Remember where the settings came from."""
        if context:
            self._base = context["folder"]
            self._document = context["document"]
            self._environment = context["environment"]

    @property
    def base(self) -> Path:
        """The folder that relative paths start from: the config file's, or the current one without a file."""
        return self._base

    @property
    def keys_folder(self) -> Path:
        """Where the key files lie."""
        return self.path(self.keys.folder)

    def store_url(self) -> str:
        """`sqlite:///` with the file's path resolved, or `sqlite://:memory:`."""
        name = self.store.url.removeprefix("sqlite://").removeprefix("/")
        return "sqlite://:memory:" if name == ":memory:" else f"sqlite:///{self.path(name).absolute()}"

    def controller_objects(self) -> dict[str, Controller]:
        """The controllers by id, as mails and notices know them."""
        return {name: Controller(id=name, **one.model_dump()) for name, one in self.controllers.items()}

    def routes_by_stream(self) -> dict[str, str]:
        """`[routes]` by the name of the stream, or `default`."""
        return {str(stream): to for stream, to in self.routes.items()}

    def all_routes(self) -> tuple[str, ...]:
        """The routes of the streams and of the rules, as written."""
        return tuple(dict.fromkeys((*self.routes.values(), *(each.to for each in self.route))))

    def route_rules(self) -> tuple[RouteRule, ...]:
        """`[[route]]` as mails obey it."""
        return tuple(
            RouteRule(each.to, each.stream, each.sender, frozenset(each.countries), each.tag) for each in self.route
        )

    def brakes(self) -> Safety:
        """`[safety]` as the house obeys it."""
        safety = self.safety
        allow = tuple(_as_mailed(each) for each in safety.allow_recipients)
        return Safety(safety.redirect_all_to, allow, safety.daily_ceiling, safety.four_eyes)

    def path(self, text: str) -> Path:
        """A path as the config writes it, made absolute or relative to the current folder."""
        return self._base / Path(text).expanduser()

    def where(self, *path: str | int) -> str:
        """Where a key was set, for error messages: file, line and key, or the environment variable."""
        return self._environment.name_of(path) or self._document.where(path)


def _as_mailed(text: str) -> str:
    """An address or domain as it stands in envelopes, in lower case: internationalised domains as A-labels."""
    local, _, domain = text.rpartition("@")
    seen = parse_address(f"{local or 'x'}@{domain}")
    domain = seen.domain if isinstance(seen, Address) else domain
    return f"{local}@{domain}".lower().removeprefix("@")


def load_settings(given: str | Path | Mapping[str, Any] | None, environ: Mapping[str, str]) -> Settings:
    """Read the file, else `$PENSTOCK_CONFIG`, else `./config.toml`, else the defaults; the environment wins.

    A mapping stands for a file's tables; its relative paths start at the current folder. Raises ConfigError with file
    and line, or the variable, for whatever cannot be used, and for values that this version does not carry out: it
    would rather not start than send otherwise than told.
    """
    document, folder = _document(given, environ)
    environment = read_environment(environ, Settings, document.table)
    context = {"folder": folder, "environ": dict(environ), "document": document, "environment": environment}
    suppliers = _supplier_files(folder, context)
    merged = _merged(environment.table, document.table, {"suppliers": suppliers} if suppliers else {})
    try:
        settings = Settings.model_validate(merged, context=context)
    except ValidationError as error:
        fault = first_fault(error, Settings)
        where = environment.name_of(fault.path) or document.where(fault.path)
        raise ConfigError(fault.what, where=where, mend=fault.mend) from None
    if refusal := first_refusal(settings):
        raise ConfigError(refusal.what, where=settings.where(*refusal.path), mend=refusal.mend)
    return settings


def _document(given: str | Path | Mapping[str, Any] | None, environ: Mapping[str, str]) -> tuple[TomlDocument, Path]:
    if isinstance(given, Mapping):
        return TomlDocument("settings", dict(given), {}), Path()
    path = None if given is None else Path(given)
    if path is None and (named := environ.get("PENSTOCK_CONFIG")):
        path = Path(named)
    if path is None and Path("config.toml").exists():
        path = Path("config.toml")
    if path is None:
        return _NO_FILE, Path()
    return read_toml(path, ConfigError), path.parent


def _supplier_files(folder: Path, context: dict[str, Any]) -> dict[str, Any]:
    """One supplier per file `suppliers/NAME.toml` beside the config; `[suppliers.NAME]` keys win over it."""
    found: dict[str, Any] = {}
    for path in sorted((folder / "suppliers").glob("*.toml")):
        document = read_toml(path, ConfigError)
        try:
            SupplierSettings.model_validate(document.table, context=context)
        except ValidationError as error:
            fault = first_fault(error, SupplierSettings)
            raise ConfigError(fault.what, where=document.where(fault.path), mend=fault.mend) from None
        found[path.stem] = document.table
    return found


class _Table(PydanticBaseSettingsSource):
    """A nested table as a source of settings."""

    def __init__(self, settings_cls: type[BaseSettings], table: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        self._table = table

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The value under one key."""
        del field
        return self._table.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._table


def _merged(*tables: dict[str, Any]) -> dict[str, Any]:
    """The tables laid over one another key by key, the first on top; lists are replaced as a whole.

    pydantic-settings merges; `Settings` validates apart from it, as only plain validation takes a context.
    """

    class Merged(BaseSettings):
        model_config = SettingsConfigDict(extra="allow")

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return tuple(_Table(settings_cls, table) for table in tables)

    return dict(Merged().model_extra or {})
