"""A mail as JSON: what `POST /api/v1/mails` takes, for the validation and for the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

from penstock.intake.base64_file import file_octets
from penstock.intake.http_json import path_of
from penstock.intake.http_problem import RequestError, nearest
from penstock.model.campaign import Stream

__all__ = ["MOST_MAILS", "AttachmentIn", "MailIn", "read_mail", "stream_named"]

MOST_MAILS = 500
"""Of one request, however they are spread over a batch and its recipients."""
_MAILBOX_CHARACTERS = 1_000
_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
_BASE64 = r"^[A-Za-z0-9+/ \t\r\n]*={0,2}[ \t\r\n]*$"


def stream_named(word: str) -> str:
    """The word, if it is a stream's or empty. Raises ValueError."""
    if word and word not in tuple(Stream):
        raise ValueError(f"no stream is called so; {nearest(word, tuple(Stream))}")
    return word


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Mailbox = Annotated[str, StringConstraints(min_length=1, max_length=_MAILBOX_CHARACTERS)]
_MAILBOX_SCHEMA = {"type": "string", "minLength": 1, "maxLength": _MAILBOX_CHARACTERS}
Mailboxes = Annotated[
    list[Mailbox],
    BeforeValidator(_listed),
    Field(min_length=1, max_length=MOST_MAILS),
    WithJsonSchema(
        {
            "anyOf": [
                _MAILBOX_SCHEMA,
                {"type": "array", "items": _MAILBOX_SCHEMA, "minItems": 1, "maxItems": MOST_MAILS},
            ]
        }
    ),
]
StreamName = Annotated[
    str, AfterValidator(stream_named), WithJsonSchema({"type": "string", "enum": ["", *map(str, Stream)]})
]
Word = Annotated[str, StringConstraints(max_length=200, pattern=_PRINTABLE)]
Notify = Literal["never", "success", "failure", "delay"]

_EXAMPLES: list[JsonValue] = [
    {
        "from": "Nordlicht Billing <billing@nordlicht.example>",
        "to": "Anna Keller <anna.keller@muster-werk.example>",
        "subject": "Your invoice {{ number }}",
        "text": "Dear {{ name }},\n\nthe invoice is enclosed.\n",
        "variables": {"name": "Anna Keller", "number": "2026-117"},
        "attachments": [{"name": "invoice.txt", "type": "text/plain", "content": "VG90YWw6IDEyMCBFVVIK"}],
        "stream": "transactional",
    },
    {
        "to": "anna.keller@muster-werk.example",
        "campaign": "purchasing-2026",
        "contact": {"given_name": "Anna", "family_name": "Keller", "country": "FR"},
    },
]


class AttachmentIn(BaseModel):
    """A file that goes with the mail."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(description="The file's name.")
    type: Annotated[str, StringConstraints(max_length=129)] | None = Field(
        None, description="Its media type; absent: by the name's ending."
    )
    content: str = Field(description="Its octets in base64 (RFC 4648).", json_schema_extra={"pattern": _BASE64})
    cid: Annotated[str, StringConstraints(max_length=193)] | None = Field(
        None, description="With it the file is an image that the HTML shows as cid:…; written name@domain (RFC 2392)."
    )

    def octets(self) -> bytes:
        """The file. Raises ValueError for what is not base64."""
        return file_octets(self.content)


class MailIn(BaseModel):
    """A mail, for each address in `to` one of its own.

    Without subject, text and html it is the campaign's own letter, written to the contact.
    """

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, json_schema_extra={"examples": _EXAMPLES}, title="Mail"
    )

    from_: Mailbox | None = Field(None, alias="from", description="Name <address>, or the address alone.")
    to: Mailboxes | None = Field(
        None, description="An address, Name <address>, or a list of them; absent: the contact's address."
    )
    cc: Mailboxes | None = Field(None, description="Who gets a copy and is shown; then there is one `to`.")
    bcc: Mailboxes | None = Field(None, description="Who gets a copy and is not shown; then there is one `to`.")
    reply_to: Mailbox | None = Field(None, description="Where replies go.")
    subject: Annotated[str, StringConstraints(max_length=2_000)] | None = Field(None, description="The subject.")
    text: str | None = Field(None, description="The text; absent: made from the HTML.")
    html: str | None = Field(None, description="The HTML.")
    attachments: Annotated[list[AttachmentIn], Field(max_length=100)] | None = Field(None, description="Files.")
    stream: StreamName | None = Field(None, description="What kind of mail it is; absent: the client's only stream.")
    campaign: Word | None = Field(None, description="The id of the campaign that it belongs to.")
    controller: Word | None = Field(None, description="Who answers for it: id or legal name.")
    contact: dict[str, Any] | None = Field(None, description="Fields of a contact file, for the one recipient.")
    variables: dict[str, Any] | None = Field(
        None,
        description="Values for {{ name }} in subject, text and html; absent: these go as they are.",
        json_schema_extra={"propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}},
    )
    headers: dict[str, str] | None = Field(None, description="Further header fields.")
    tag: Word | None = Field(None, description="A word of yours that is kept with the mail.")
    envelope_from: Annotated[str, StringConstraints(max_length=_MAILBOX_CHARACTERS)] | None = Field(
        None, description="MAIL FROM; absent: the address in `from`; empty: the null reverse-path."
    )
    dsn: Annotated[list[Notify], Field(min_length=1, max_length=3)] | None = Field(
        None, description="When MAIL FROM is told what became of it (RFC 3461); `never` stands alone."
    )


def read_mail(value: Any, place: str = "") -> MailIn:
    """The mail; `place` stands before the paths of faults, such as `[3]`. Raises RequestError 422."""
    try:
        return MailIn.model_validate(value)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_context=True, include_input=False)[0]
    where = path_of([step if isinstance(step, int) else str(step) for step in first["loc"]])
    whole = f"{place}.{where}" if place and where else place or where or "body"
    match first["type"]:
        case "extra_forbidden":
            known = AttachmentIn.model_fields if len(first["loc"]) > 1 else _fields()
            what, mend = "unknown field", nearest(str(first["loc"][-1]), known)
        case "missing":
            what, mend = "is missing", ""
        case "model_type" | "model_attributes_type":
            what, mend = "is no object", ""
        case "value_error":
            what, mend = str(first["ctx"]["error"]), ""
        case _:
            what, mend = first["msg"], ""
    raise RequestError(422, what, where=whole, mend=mend)


def _fields() -> list[str]:
    return [field.alias or name for name, field in MailIn.model_fields.items()]
