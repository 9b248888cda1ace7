from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from penstock.config.toml_document import KeyPath, key_lines

TEXT = '''# a comment
top = 1

[web]
base_url = "x # no comment" # one
"quoted key" = [
  "a", # ] in a comment
  "b]",
  { inner = 1 },
]
dotted.'deep'.key = """
[not.a.table]
fake = 1
"""
after = true

[[stage]]
use = "a"
[[stage]]
use = "b"
[stage.options]
x = 1
[[relay.credentials]]
name = "crm"
'''


def test_every_key_is_found_on_its_line() -> None:
    tomllib.loads(TEXT)
    lines = key_lines(TEXT)
    assert lines["top",] == 2
    assert lines["web",] == 4
    assert lines["web", "base_url"] == 5
    assert lines["web", "quoted key"] == 6
    assert lines["web", "dotted", "deep", "key"] == 11
    assert lines["web", "after"] == 15
    assert lines["stage", 0, "use"] == 18
    assert lines["stage", 1, "use"] == 20
    assert lines["stage", 1, "options", "x"] == 22
    assert lines["relay", "credentials", 0, "name"] == 24
    assert ("not",) not in lines
    assert ("web", "fake") not in lines


_names = st.text("abc", min_size=1, max_size=3)
_values = st.recursive(
    st.integers(0, 9).map(str) | st.text("ab#[]{}'= ", max_size=6).map(lambda text: f'"{text}"'),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: "[\n" + ", # ]\n".join(items) + "\n]"),
    max_leaves=5,
)


@given(st.dictionaries(_names, st.dictionaries(_names, _values, max_size=3), max_size=4))
def test_no_line_is_wrong_whatever_the_values_are(tables: dict[str, dict[str, Any]]) -> None:
    text = ""
    expected: dict[KeyPath, int] = {}
    for table, keys in tables.items():
        text += f"[{table}]\n"
        expected[table,] = text.count("\n")
        for key, value in keys.items():
            expected[table, key] = text.count("\n") + 1
            text += f"{key} = {value}\n"
    tomllib.loads(text)
    assert key_lines(text) == expected
