"""TOML with places: the values of tomllib, and the line of every key however it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poollint import _toml

TEXT = '''\
# not [a.table]
title = "x = 1"  # [no]
numbers = [1, # ]
  2, [[3], [4]]]
"quoted key".inner = { a = 1, b = [2] }
[servers]
text = """
[not.a.table]
key = 1
"""
literal = \'\'\'
[nor.this]
\'\'\'
[servers."eu west".limits]
max = 500
[[ignore]]
rule = "a"
[[ignore]]
rule = "b"
[ignore.more]
x = 1
'''
PLACES = {
    ("title",): 2,
    ("numbers",): 3,
    ("quoted key", "inner"): 5,
    ("quoted key", "inner", "a"): 5,
    ("servers",): 6,
    ("servers", "text"): 7,
    ("servers", "literal"): 11,
    ("servers", "eu west", "limits"): 14,
    ("servers", "eu west", "limits", "max"): 15,
    ("ignore",): 16,
    ("ignore", 0, "rule"): 17,
    ("ignore", 1): 18,
    ("ignore", 1, "rule"): 19,
    ("ignore", 1, "more", "x"): 21,
    ("nowhere",): 1,
}


@pytest.mark.parametrize("keys", PLACES, ids=str)
def test_every_key_has_its_line(keys: tuple[str | int, ...]) -> None:
    document = _toml.parse("a.toml", TEXT)
    assert (document.location(*keys).path, document.location(*keys).line) == ("a.toml", PLACES[keys])


def test_the_values_are_those_of_tomllib() -> None:
    assert _toml.parse("a.toml", TEXT).data["ignore"] == [{"rule": "a"}, {"rule": "b", "more": {"x": 1}}]


@pytest.mark.parametrize(
    ("text", "line"), [("\nx = [", 2), ("\nx = = 1", 2), ("a = 1\na = 2", 2), ("x = " + "[" * 60_000, None)]
)
def test_what_is_no_toml_is_said_with_its_line(text: str, line: int | None) -> None:
    with pytest.raises(_toml.Unreadable) as problem:
        _toml.parse("a.toml", text)
    assert problem.value.line == line


@given(st.text("[]{}=.,\"'#\n ab1", max_size=60))
def test_a_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        document = _toml.parse("a.toml", text)
    except _toml.Unreadable:
        return
    for key in document.data:
        assert 1 <= document.location(key).line <= text.count("\n") + 1
