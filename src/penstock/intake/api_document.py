"""The OpenAPI document of the HTTP door, made of the same types that read requests and write answers."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from penstock.intake.http_answers import Accepted, Decisions, DryRunItem, Item, MailState
from penstock.intake.http_mail import MOST_MAILS, MailIn
from penstock.intake.http_problem import Problem

__all__ = ["api_document"]

Json = dict[str, Any]

_FAULTS = {
    400: "The request cannot be read.",
    401: "Log in.",
    403: "This client may not send that.",
    404: "There is no such mail among those of this client.",
    405: "The method is not taken here.",
    408: "The body did not come in time.",
    409: "The same Idempotency-Key came with another request.",
    413: "It is too large.",
    415: "The media type is not taken.",
    422: "A field is wrong, or a verdict stands against the mail (`code`).",
    429: "Too many look-ups.",
    503: "It cannot be done at present; nothing was saved.",
}
_FAULT_HEADERS = {
    401: ("WWW-Authenticate", "How to log in."),
    405: ("Allow", "The methods that are taken."),
    429: ("Retry-After", "Seconds after which it may be asked again."),
    503: ("Retry-After", "Seconds after which the same request may be made again."),
}
_LINE = {
    "address": "anna.keller@muster-werk.example", "contact_id": None, "campaign": None, "verdict": "block",
    "code": "INVALID_ADDRESS", "codes": ["INVALID_ADDRESS"], "until": None, "variant": "regular", "reasons": [],
    "outcome": None,
}  # fmt: skip
_ACCEPTED = {
    "mails": [{"id": "6b1f0c5d", "address": "anna.keller@muster-werk.example"}], "stream": "transactional",
}  # fmt: skip
_WRONG = {
    "type": "about:blank", "title": "Unprocessable Entity", "status": 422, "detail": "unknown field",
    "where": "[1].sujbect", "mend": "did you mean 'subject'?",
}  # fmt: skip
_RAW = "From: billing@nordlicht.example\nTo: anna.keller@muster-werk.example\nSubject: Your invoice\n\nDear Anna, …\n"
_MODELS: tuple[type[BaseModel], ...] = (MailIn, Accepted, Decisions, DryRunItem, Item, MailState, Problem)


def api_document(body_limit: int) -> bytes:
    """JSON, OpenAPI 3.1. `body_limit` are the octets of one body."""
    _, schemas = models_json_schema(
        [(model, "validation") for model in _MODELS], ref_template="#/components/schemas/{model}"
    )
    names = {model.model_config.get("title") or model.__name__: model.__name__ for model in _MODELS}
    assert names["Mail"] == "MailIn"
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Penstock relay",
            "version": version("penstock"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": f"Mails are handed in by HTTP. A body may have {body_limit} octets.",
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {"login": []}, {}],
        "paths": {
            "/api/v1/mails": {"post": _hand_in()},
            "/api/v1/mails/{id}": {"get": _look_up()},
            "/api/v1/openapi.json": {"get": _describe()},
        },
        "components": {
            "schemas": schemas["$defs"],
            "responses": {f"Fault{status}": _fault(status) for status in _FAULTS},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, NAME.SECRET."},
                "login": {"type": "http", "scheme": "basic", "description": "NAME and SECRET as user and password."},
            },
        },
    }
    return orjson.dumps(document)


def _hand_in() -> Json:
    mails = {"type": "array", "items": _ref("MailIn"), "minItems": 1, "maxItems": MOST_MAILS}
    return {
        "operationId": "handIn",
        "summary": "Hand in one mail, a batch, or a message as it is",
        "parameters": [*_HAND_IN_PARAMETERS],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"oneOf": [_ref("MailIn"), mails]}},
                "message/rfc822": {"schema": {"type": "string"}, "example": _RAW},
            },
        },
        "responses": {
            "200": _told(
                "Of a batch: what came of each mail. Of a dry run: the decisions, of a batch for each mail.",
                {"anyOf": [_ref("Decisions"), _list_of("Item"), _list_of("DryRunItem")]},
                {
                    "dry run": {"value": {"decisions": [_LINE]}},
                    "batch": {"value": [{"status": 202, **_ACCEPTED}, {"status": 422, "problem": _WRONG}]},
                },
            ),
            "202": _told("Durably saved.", _ref("Accepted"), {"accepted": {"value": _ACCEPTED}}),
            **_faults(400, 401, 403, 408, 409, 413, 415, 422, 429, 503),
        },
    }


def _look_up() -> Json:
    mail_id = {"type": "string", "minLength": 1, "maxLength": 128}
    example = {"state": "done", "decision": {**_LINE, "verdict": "send", "code": None}, "outcome": "accepted"}
    return {
        "operationId": "lookUp",
        "summary": "State, decision and outcome of a mail of one's own",
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": mail_id, "example": "6b1f0c5d"},
        ],
        "responses": {
            "200": _told("The mail.", _ref("MailState"), {"sent": {"value": example}}),
            **_faults(400, 401, 404, 429, 503),
        },
    }


def _describe() -> Json:
    return {
        "operationId": "describe",
        "summary": "This document",
        "security": [{}],
        "responses": {"200": _told("OpenAPI 3.1.", {"type": "object"}, {}), **_faults(503)},
    }


def _parameter(name: str, where: str, description: str, schema: Mapping[str, Any], **more: Any) -> Json:
    return {"name": name, "in": where, "description": description, "schema": schema, **more}


_YES_OR_NO = {"type": "string", "enum": ["0", "1", "false", "true"]}
_WORD = {"type": "string", "maxLength": 200}
_HAND_IN_PARAMETERS = (
    _parameter(
        "Idempotency-Key", "header", "The same request under the same key is one; another one under it: 409.",
        {"type": "string", "minLength": 1, "maxLength": 255}, example="order-117",
    ),
    _parameter("dry_run", "query", "1: nothing is saved, the decision is answered.", _YES_OR_NO),
    _parameter("X-Penstock-Dry-Run", "header", "The same as a header.", _YES_OR_NO),
    _parameter("to", "query", "Of message/rfc822: recipients; else To, Cc and Bcc.", {"type": "array", "items": _WORD}),
    _parameter("from", "query", "Of message/rfc822: MAIL FROM; else the address in From.", _WORD),
    _parameter("stream", "query", "Of message/rfc822: as in JSON.", _WORD),
    _parameter("campaign", "query", "Of message/rfc822: as in JSON.", _WORD),
    _parameter("controller", "query", "Of message/rfc822: as in JSON.", _WORD),
    _parameter("tag", "query", "Of message/rfc822: as in JSON.", _WORD),
)  # fmt: skip


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _list_of(name: str) -> Json:
    return {"type": "array", "items": _ref(name)}


def _told(description: str, schema: Json, examples: Json) -> Json:
    content = {"schema": schema, **({"examples": examples} if examples else {})}
    return {"description": description, "content": {"application/json": content}}


def _faults(*statuses: int) -> Json:
    found = {str(status): {"$ref": f"#/components/responses/Fault{status}"} for status in statuses}
    return found | {"405": {"$ref": "#/components/responses/Fault405"}}


def _fault(status: int) -> Json:
    from http import HTTPStatus

    example = {
        "type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": _FAULTS[status],
    }  # fmt: skip
    content = {"application/problem+json": {"schema": _ref("Problem"), "example": example}}
    found: Json = {"description": _FAULTS[status], "content": content}
    if status in _FAULT_HEADERS:
        name, what = _FAULT_HEADERS[status]
        found["headers"] = {name: {"description": what, "schema": {"type": "string"}}}
    return found
