from __future__ import annotations

from typing import Any

import pytest

from penstock.testing.described import deviations

PERSON: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 5},
        "mood": {"type": "string", "enum": ["good", "bad"]},
        "age": {"type": ["integer", "null"]},
        "cause": {"type": "string", "nullable": True},
        "friends": {"type": "array", "items": {"$ref": "#/components/schemas/Person"}, "maxItems": 1},
        "words": {"type": "array", "uniqueItems": True},
        "to": {"oneOf": [{"type": "string"}, {"type": "array", "minItems": 1}]},
        "notes": {"type": "object", "additionalProperties": {"type": "string"}},
        "twice": {"allOf": [{"type": "string"}, {"minLength": 2}]},
    },
}
SCHEMAS = {"Person": PERSON}


@pytest.mark.parametrize(
    "value",
    [
        {"name": "Anna", "mood": "good", "age": 3, "cause": None, "words": ["a", "b"], "to": "x", "twice": "ab"},
        {"name": "Anna", "age": None, "friends": [{"name": "Bo"}], "to": ["x"], "notes": {"any": "thing"}},
    ],
)
def test_what_is_as_described_has_no_deviation(value: object) -> None:
    assert deviations(value, PERSON, SCHEMAS) == []


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ([], "$: is no object"),
        ({}, "$.name: is missing"),
        ({"name": ""}, "$.name: minLength"),
        ({"name": "Annika"}, "$.name: maxLength"),
        ({"name": "Anna", "mood": "so-so"}, "$.mood: is none of the words"),
        ({"name": "Anna", "age": True}, "$.age: is no ['integer', 'null']"),
        ({"name": "Anna", "friends": [{"name": ""}]}, "$.friends[0].name: minLength"),
        ({"name": "Anna", "friends": [{"name": "a"}, {"name": "b"}]}, "$.friends: maxItems"),
        ({"name": "Anna", "words": ["a", "a"]}, "$.words: uniqueItems"),
        ({"name": "Anna", "to": []}, "$.to: is not exactly one of the forms"),
        ({"name": "Anna", "notes": {"any": 1}}, "$.notes.any: is no string"),
        ({"name": "Anna", "twice": "a"}, "$.twice: minLength"),
        ({"name": "Anna", "colour": "red"}, "$.colour: is not described"),
    ],
)
def test_each_deviation_is_named_with_its_place(value: object, found: str) -> None:
    assert deviations(value, PERSON, SCHEMAS) == [found]
