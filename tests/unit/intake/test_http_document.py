"""The OpenAPI document and the door say the same: schemathesis makes requests of the one and judges the other."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from tests.unit.intake.http_fakes import RULES, KeptSubmissions, door

from penstock.intake.api_document import api_document
from penstock.model.window import Window

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]
APP = door(KeptSubmissions(), rules=dataclasses.replace(RULES, look_ups=Window(500, timedelta(seconds=1))))
schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", APP)


@schemathesis.serializer("message/rfc822")
def as_it_is(_context: Any, value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(str(value), "utf-8")


@schema.parametrize()
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[*HealthCheck],
)
def test_the_door_does_as_its_document_says(case: Any) -> None:
    case.call_and_validate(headers={"Authorization": "Bearer crm.secret"}, checks=CHECKS)


def test_every_example_is_what_its_schema_says() -> None:
    document = json.loads(api_document(1))
    seen = 0

    def check(node: Any) -> None:
        nonlocal seen
        if isinstance(node, dict):
            whole = node.get("schema", node) if "$ref" not in node else node
            examples = [each["value"] for each in node["examples"].values()] if isinstance(
                node.get("examples"), dict) else node.get("examples", [])  # fmt: skip
            for example in [*examples, *([node["example"]] if "example" in node else [])]:
                jsonschema.validate(example, {**whole, "components": document["components"]})
                seen += 1
            for inner in node.values():
                check(inner)
        elif isinstance(node, list):
            for inner in node:
                check(inner)

    check(document)
    assert seen > 15


def test_a_misfit_of_the_document_is_noticed() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"sujbect": 1}, {"$ref": "#/components/schemas/MailIn", **json.loads(api_document(1))})
