"""Syntax of later Pythons is rewritten for the parser at hand, and every token that stays keeps its place."""

import ast
from pathlib import Path

import pytest

from evaluating import Project
from poollint.python.source.newer import lowered

LATER = [
    ("def first[T](x: T) -> T: ...", "def first   (x: T) -> T: ..."),
    ("async def first[T: (int) = int](x): ...", "async def first                (x): ..."),
    ("class Box[\n    T,  # what is inside\n\n](Base): ...", "class Box\\\n                       \\\n\\\n (Base): ..."),
    ("class Größe[Ü]: ...", "class Größe    : ..."),
    ("type Row = tuple[int]", "Row      = tuple[int]"),
    ("if x:\n    type Row[T] = list[T]", "if x:\n    Row         = list[T]"),
    ("try: x\nexcept A, B: y", "try: x\nexcept A| B: y"),
    ("try: x\nexcept* a.A, f(b, c): y", "try: x\nexcept* a.A| f(b, c): y"),
    ("f\"{row[\"name\"]:>{width[\"name\"]}}\"", "f\"{row['name']:>{width['name']}}\""),
    ("f'{f'{x}'}{{{y}'", "f'{f\"{x}\"}{{{y}'"),
    ("x = f\"{\"\\n\".join(rows)!r}\", a['b']", "x = f\"{_()              }\", a['b']"),
    ('f"""{"""ü""" + \'\'}"""', 'f"""{_()          }"""'),
    ('f"""{rows[\n0]  # why\n}"""', 'f"""{_()  \n         \n}"""'),
]


@pytest.mark.parametrize(("text", "expected"), LATER)
def test_later_syntax_becomes_earlier_syntax_of_the_same_width(text: str, expected: str) -> None:
    assert lowered(text) == expected
    ast.parse(lowered(text))


SAME = [
    "def f(x): return x[0]",
    "class A(B[int]): pass",
    "type = 1",
    "type(x)[0] = y",
    "type[int]",
    "print(type, x)",
    "rows[\n    type\n] = 1",
    "try: x\nexcept (A, B): y",
    "try: x\nexcept A as e: a, b = 1, 2",
    "f'{a[\"b\"]}'",
    "f'{{\"}}' \"'\"",
    "'def f[T]' # class A[T], except A, B",
    "rf'\\d{{2}}{x}\\''",
    "f'\\N{BULLET} {x:%H:%M}'",
    "'''it's \" a''' + \"\"\"def f[T]\"\"\"",
]


@pytest.mark.parametrize("text", SAME)
def test_what_this_python_reads_stays_as_it_is(text: str) -> None:
    assert lowered(text) == text


@pytest.mark.parametrize("text", ["def f[T", "f'{x", "f'{x:", "f'", "'", "}", "f'{}}'", "type X", "except", "class A[T]", "]["])
def test_what_nobody_understands_is_left_to_the_parser(text: str) -> None:
    lowered(text)


def test_a_value_is_read_from_a_file_of_a_later_python(tmp_path: Path) -> None:
    text = (
        "def first[T](rows: list[T]) -> T | None:\n    try:\n        return rows[0]\n    except IndexError, KeyError:\n"
        "        return None\n\n\nPARTS = {\"host\": \"db\"}\nURL = f\"postgresql://{PARTS[\"host\"]}/orders\"\n"
    )
    project = Project(tmp_path, {"later.py": text, "main.py": "import later\nresult = later.URL"})
    value = project.value()
    assert value.value == "postgresql://db/orders"
    assert not project.modules.tree.skipped


def test_a_field_that_no_earlier_python_can_spell_is_unknown(tmp_path: Path) -> None:
    project = Project(tmp_path, {"main.py": "_ = str\nresult = f\"a{\"\\n\".join(x)}\""})
    assert not hasattr(project.value(), "value")


def test_an_engine_of_a_later_python_keeps_its_place(tmp_path: Path) -> None:
    text = "def first[T](x: T): ...\n\nü = f\"{x[\"ü\"]}\"; engine = create_engine(URL)\n"
    tree = Project(tmp_path, {"main.py": text}).modules.module("main.py")
    call = tree.calls_of("create_engine")[0]
    assert (str(tree.location(call)), tree.location(call).column) == ("main.py:3", 27)
    assert tree.text_at(tree.location(call)) == "create_engine(URL)"
