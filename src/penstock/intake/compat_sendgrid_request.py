"""The body of SendGrid's `POST /v3/mail/send`, after its published description (OpenAPI, mail v3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from penstock.intake.base64_file import file_octets
from penstock.intake.http_problem import RequestError

__all__ = ["FileIn", "MailboxIn", "PersonalizationIn", "RequestFaultsError", "SendIn", "read_send"]

_MOST_FAULTS = 20
_MOST = 1000
_MOST_FILES = 100

Filled = Annotated[str, StringConstraints(min_length=1)]
Words = dict[str, str]


def _no_text(value: Any) -> Any:
    """The description calls this field a text in one place and an object in another."""
    return {} if isinstance(value, str) else value


class RequestFaultsError(RequestError):
    """Several faults of one request: pairs of what is wrong and the path of its field. The first stands for all."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__(400, faults[0][0], where=faults[0][1])
        self.faults = faults


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class MailboxIn(_In):
    """An address and a name."""

    email: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    name: Annotated[str, StringConstraints(max_length=1_000)] | None = None

    @property
    def written(self) -> str:
        """As a header field shows it."""
        return f"{self.name} <{self.email}>" if self.name else self.email


Mailboxes = Annotated[list[MailboxIn], Field(max_length=_MOST)]


class PersonalizationIn(_In):
    """One message, and who gets it."""

    from_: MailboxIn | None = Field(None, alias="from")
    to: Annotated[list[MailboxIn], Field(min_length=1, max_length=_MOST)]
    cc: Mailboxes | None = None
    bcc: Mailboxes | None = None
    subject: Filled | None = None
    headers: Words | None = None
    substitutions: Words | None = None
    dynamic_template_data: dict[str, Any] | None = None
    custom_args: Words | None = None
    send_at: int | None = None


class ContentIn(_In):
    """One form of the text."""

    type: Filled
    value: Filled


class FileIn(_In):
    """A file in base64."""

    content: Filled
    filename: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    type: Annotated[str, StringConstraints(max_length=200)] | None = None
    disposition: Literal["inline", "attachment"] | None = None
    content_id: Annotated[str, StringConstraints(max_length=200)] | None = None

    def octets(self) -> bytes:
        """The file. Raises ValueError for what is not base64."""
        return file_octets(self.content)


class AsmIn(_In):
    """A group of SendGrid's own unsubscribe lists."""

    group_id: int
    groups_to_display: list[int] | None = None


class SwitchIn(_In):
    """A setting that is on or off."""

    enable: bool | None = None


class FooterIn(SwitchIn):
    """A text below every mail."""

    text: str | None = None
    html: str | None = None


class MailSettingsIn(_In):
    """How the mail is treated."""

    bypass_list_management: SwitchIn | None = None
    bypass_spam_management: SwitchIn | None = None
    bypass_bounce_management: SwitchIn | None = None
    bypass_unsubscribe_management: SwitchIn | None = None
    footer: FooterIn | None = None
    sandbox_mode: SwitchIn | None = None


class ClicksIn(SwitchIn):
    """Clicks."""

    enable_text: bool | None = None


class OpensIn(SwitchIn):
    """Opens."""

    substitution_tag: str | None = None


class SubscriptionIn(FooterIn):
    """SendGrid's own unsubscribe link."""

    substitution_tag: str | None = None


class AnalyticsIn(SwitchIn):
    """Parameters in links."""

    utm_source: str | None = None
    utm_medium: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    utm_campaign: str | None = None


class TrackingSettingsIn(_In):
    """What is measured."""

    click_tracking: ClicksIn | None = None
    open_tracking: OpensIn | None = None
    subscription_tracking: SubscriptionIn | None = None
    ganalytics: AnalyticsIn | None = None


class SendIn(_In):
    """The whole body."""

    personalizations: Annotated[list[PersonalizationIn], Field(min_length=1, max_length=_MOST)]
    from_: MailboxIn = Field(alias="from")
    reply_to: MailboxIn | None = None
    reply_to_list: Mailboxes | None = None
    subject: Filled | None = None
    content: Annotated[list[ContentIn], Field(max_length=10)] | None = None
    attachments: Annotated[list[FileIn], Field(max_length=_MOST_FILES)] | None = None
    template_id: str | None = None
    headers: Words | None = None
    categories: Annotated[list[Annotated[str, StringConstraints(max_length=255)]], Field(max_length=10)] | None = None
    custom_args: Annotated[Words, BeforeValidator(_no_text)] | None = None
    send_at: int | None = None
    batch_id: str | None = None
    asm: AsmIn | None = None
    ip_pool_name: str | None = None
    mail_settings: MailSettingsIn | None = None
    tracking_settings: TrackingSettingsIn | None = None


def read_send(value: Any) -> SendIn:
    """The body. Raises RequestFaultsError."""
    try:
        return SendIn.model_validate(value)
    except ValidationError as fault:
        errors = fault.errors(include_url=False, include_context=False, include_input=False)[:_MOST_FAULTS]
    raise RequestFaultsError([_told(error) for error in errors])


def _told(error: ErrorDetails) -> tuple[str, str]:
    where = ".".join(_shown(step) for step in error["loc"])
    match error["type"]:
        case "missing":
            return f"The {_shown(error['loc'][-1])} parameter is required.", where
        case "extra_forbidden":
            return "There is no such parameter.", where
        case "model_type" | "model_attributes_type":
            return "An object is expected.", where
    return error["msg"], where


def _shown(step: int | str) -> str:
    return str(step)[:60].encode("ascii", "backslashreplace").decode()
