from __future__ import annotations

import pytest

from brainsmith_core.formats.converters import to_tuple


def test_any_iterable_becomes_a_tuple() -> None:
    assert to_tuple(character for character in "ab") == ("a", "b")


def test_a_string_is_refused_since_its_letters_are_hardly_meant() -> None:
    with pytest.raises(TypeError, match="'abc' is a string"):
        to_tuple("abc")
