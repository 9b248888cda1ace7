"""`penstock.__all__` is the promise; each name of it is there and says what it is."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import penstock


def test_the_public_names_are_sorted_and_listed_once() -> None:
    assert penstock.__all__ == sorted(set(penstock.__all__))


@pytest.mark.parametrize("name", penstock.__all__)
def test_a_public_name_is_there_and_documented(name: str) -> None:
    thing = getattr(penstock, name)
    assert (inspect.getdoc(thing) or "").strip()
    assert inspect.isclass(thing) or callable(thing)


@pytest.mark.parametrize("name", [name for name in penstock.__all__ if name != "open"])
def test_a_public_class_has_a_docstring_of_its_own(name: str) -> None:
    """Not one that it inherits or that a dataclass made up from its fields."""
    own = vars(getattr(penstock, name)).get("__doc__")
    assert own
    assert not own.startswith(f"{name}(")


@pytest.mark.parametrize("name", [name for name in penstock.__all__ if name != "open"])
def test_every_public_method_is_documented(name: str) -> None:
    kind = getattr(penstock, name)
    bare = [
        attribute
        for attribute, value in vars(kind).items()
        if not attribute.startswith("_")
        and (inspect.isfunction(value) or isinstance(value, property))
        and not inspect.getdoc(value)
    ]
    assert bare == []


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'close'"):
        _ = penstock.close


def test_dir_shows_the_public_names() -> None:
    assert dir(penstock) == penstock.__all__


def test_importing_penstock_alone_loads_no_room() -> None:
    """The command line starts fast because `import penstock` costs nothing."""
    code = "import sys, penstock; print(sorted(name for name in sys.modules if name.startswith('penstock.')))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert found.stdout.strip() == "[]", found.stderr
