"""What holds for every program: a known value is the value Python gives, nothing raises, everything ends."""

from __future__ import annotations

import ast
import sysconfig
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluating import Project, plain
from poollint.discover import Tree
from poollint.facts import Known
from poollint.python.evaluator.evaluate import LIMIT, Evaluator
from poollint.python.evaluator.values import Listing, Table, Value, origin_of
from poollint.python.source.modules import Module, Modules

QUICK = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


# -- a known value is the value Python gives ---------------------------------------------------------------------------

NUMBERS = st.integers(-3, 12).map(str)
TEXTS = st.sampled_from(["'a'", "'postgresql://u:p@db/app'", "'sqlite'", "''", "'5'"])
ATOMS = NUMBERS | TEXTS | st.sampled_from(["None", "True", "False", "{}", "[]", "a", "b", "d", "d['x']", "d.get('y')"])


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, st.sampled_from("+ - * // % or and == != < in".split()), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        inner.map(lambda e: f"(not {e})"),
        inner.map(lambda e: f"str({e})"),
        inner.map(lambda e: f"f'<{{{e}}}>'"),
        inner.map(lambda e: f"int({e})"),
        inner.map(lambda e: f"bool({e})"),
        inner.map(lambda e: f"isinstance({e}, str)"),
        two.map(lambda t: f"max({t[0]}, {t[1]})"),
        two.map(lambda t: f"[{t[0]}, {t[1]}][-1]"),
        two.map(lambda t: f"{{'x': {t[0]}, **{{'y': {t[1]}}}}}"),
        two.map(lambda t: f"{{'x': {t[0]}}}.get({t[1]}, 7)"),
        two.map(lambda t: f"f({t[0]}, m={t[1]})"),
        inner.map(lambda e: f"[n for n in ({e}, 2) if n]"),
    )


EXPRESSIONS = st.recursive(ATOMS, _combined, max_leaves=6)
SIMPLE = st.one_of(
    EXPRESSIONS.map(lambda e: f"a = {e}"),
    EXPRESSIONS.map(lambda e: f"b = {e}"),
    EXPRESSIONS.map(lambda e: f"a += {e}"),
    EXPRESSIONS.map(lambda e: f"a, b = b, {e}"),
    EXPRESSIONS.map(lambda e: f"d['x'] = {e}"),
    EXPRESSIONS.map(lambda e: f"d.update(y={e})"),
    EXPRESSIONS.map(lambda e: f"d.setdefault('z', {e})"),
    EXPRESSIONS.map(lambda e: f"d = {{**d, 'w': {e}}}"),
    st.sampled_from(["d.pop('x', None)", "b = d.pop('y', 1)", "fill(d)", "d.clear()", "a = f(b)"]),
)


def _indented(lines: list[str]) -> str:
    return textwrap.indent("\n".join(lines), "    ")


def _compound(inner: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    def branch(parts: tuple[str, list[str], list[str]]) -> list[str]:
        return [f"if {parts[0]}:\n{_indented(parts[1])}\nelse:\n{_indented(parts[2])}"]

    def loop(parts: tuple[str, list[str], str]) -> list[str]:
        return [f"for a in (1, {parts[0]}, 3):\n{_indented([*parts[1], parts[2]])}"]

    def guarded(parts: tuple[list[str], list[str]]) -> list[str]:
        # A body that fails ends the program here: the evaluator takes it that what is tried works.
        return [f"try:\n{_indented(parts[0])}\nexcept Exception:\n{_indented(['raise', *parts[1]])}"]

    leave = st.sampled_from(["pass", "if a == 1:\n    continue", "if b:\n    break"])
    return st.one_of(
        st.tuples(EXPRESSIONS, inner, inner).map(branch),
        st.tuples(EXPRESSIONS, inner, leave).map(loop),
        st.tuples(inner, inner).map(guarded),
        st.tuples(inner, inner).map(lambda pair: [*pair[0], *pair[1]]),
    )


PROGRAMS = st.recursive(SIMPLE.map(lambda line: [line]), _compound, max_leaves=6)
PREAMBLE = """
def f(n, m=2):
    if n == m:
        return {'x': n}
    for k in (1, n):
        if not k:
            continue
        if k == m:
            return k
    return [n, m]
def fill(d):
    d['filled'] = 1
a, b = 1, 'a'
d = {'x': 1}
"""


def agrees(value: Value, real: Any) -> bool:
    """Say whether everything that is known of a value is so."""
    if isinstance(value, Known):
        return bool(value.value == real) and isinstance(value.value, bool) == isinstance(real, bool)
    if isinstance(value, Table) and isinstance(real, dict):
        keys = (
            set(value.entries) == set(real) if value.complete else set(value.entries) <= set(real) | set(value.entries)
        )
        return keys and all(agrees(entry, real[key]) for key, entry in value.entries.items() if key in real)
    if isinstance(value, Listing) and value.complete:
        return isinstance(real, (list, tuple)) and len(value.items) == len(real) and all(map(agrees, value.items, real))
    return True


def _check(program: str) -> None:
    names: dict[str, Any] = {}
    try:
        exec(program, names)  # noqa: S102 - a program that hypothesis made of the pieces above
    except Exception:
        return  # what the evaluator makes of a program that fails is of no interest
    with tempfile.TemporaryDirectory() as folder:
        found = Project(Path(folder), program).alternatives()
        # Where the evaluator cannot decide a condition, one of its worlds is the real one.
        assert any(agrees(value, names["result"]) for value in found), ([*map(plain, found)], names["result"], program)


@QUICK
@given(EXPRESSIONS)
def test_a_known_expression_is_what_python_makes_of_it(expression: str) -> None:
    _check(f"{PREAMBLE}result = {expression}\n")


@QUICK
@given(PROGRAMS)
def test_a_known_result_of_a_program_is_what_python_makes_of_it(lines: list[str]) -> None:
    _check(PREAMBLE + "\n".join(lines) + "\nresult = (a, b, d)\n")


@QUICK
@given(PROGRAMS)
def test_a_known_result_of_a_function_is_what_python_makes_of_it(lines: list[str]) -> None:
    body = _indented([*lines, "return (a, b, d)"])
    _check(f"{PREAMBLE}def run(a, b, d):\n{body}\nresult = run(4, '', {{'x': 2}})\n")


@QUICK
@given(PROGRAMS)
def test_a_known_attribute_is_what_python_makes_of_it(lines: list[str]) -> None:
    import re

    body = re.sub(r"\b([abd])\b(?!')", r"self.\1", "\n".join(lines))
    body = re.sub(r"for self\.a in", "for self.a in", body)
    program = f"class C:\n    def __init__(self):\n        self.a, self.b, self.d = 1, 'a', {{'x': 1}}\n{textwrap.indent(body, '        ')}"
    _check(f"{PREAMBLE}{program}\nc = C()\nresult = (c.a, c.b, c.d)\n")


# -- real code: nothing raises, everything has a place, twice is the same ----------------------------------------------

LIBRARY = Path(sysconfig.get_path("stdlib"))
SAMPLE = "argparse.py configparser.py dataclasses.py functools.py http/client.py logging/config.py optparse.py string.py".split()


def expressions(module: Module) -> Iterator[ast.expr]:
    for node in module.nodes:
        if isinstance(node, (ast.Call, ast.Dict, ast.BinOp, ast.IfExp, ast.Attribute)) and not isinstance(
            getattr(node, "ctx", None), (ast.Store, ast.Del)
        ):
            yield node


def places(value: Value) -> Iterator[Any]:
    todo: list[Value] = [value]
    while todo:
        found = todo.pop()
        yield origin_of(found).location
        todo.extend(
            found.entries.values() if isinstance(found, Table) else found.items if isinstance(found, Listing) else ()
        )


@pytest.mark.parametrize("path", SAMPLE)
def test_real_code_is_evaluated_without_a_crash_and_every_value_has_its_place(path: str) -> None:
    modules = Modules(Tree(LIBRARY, [path]))
    module = modules.module(path)
    assert module is not None
    evaluator, again = Evaluator(modules), Evaluator(modules)
    for number, node in enumerate(expressions(module)):
        value = evaluator.value(node, module)
        for place in places(value):
            assert place is None or (place.path == path and 1 <= place.line <= len(module.lines))
        if number % 5 == 0:
            assert repr(plain(again.value(node, module))) == repr(plain(value))


def test_alternatives_of_real_code_are_bounded() -> None:
    modules = Modules(Tree(LIBRARY, ["argparse.py"]))
    module = modules.module("argparse.py")
    assert module is not None
    evaluator = Evaluator(modules)

    def both(node: ast.Call) -> Callable[..., Any]:
        return lambda world: (world.reachable(node, module), world.arguments(node, module))

    for name in sorted(module.called)[:60]:
        assert 0 <= len(evaluator.alternatives(both(module.calls_of(name)[0]))) <= LIMIT


# -- everything ends ---------------------------------------------------------------------------------------------------

ENDLESS = {
    "a function that calls itself": "def f(n):\n    return f(n + 1)\nresult = f(0)",
    "functions that call each other": "def f(n):\n    return g(n)\ndef g(n):\n    return f(n)\nresult = f(1)",
    "twice as many calls each time": "def f0():\n    return 1\n"
    + "".join(f"def f{n}(x=0):\n    return f{n - 1}() + f{n - 1}()\n" for n in range(1, 60)) + "result = f59()",
    "twice as many calls with arguments of their own": "def f0(x):\n    return x\n"
    + "".join(f"def f{n}(x):\n    return f{n - 1}(x + 1) + f{n - 1}(x + 2)\n" for n in range(1, 60)) + "result = f59(0)",
    "a dict that holds itself": "d = {}\nd['d'] = d\nresult = d['d']['d']",
    "a text that doubles": "s = 'xxxxxxxxxx'\n" + "s = s + s\n" * 60 + "result = s",
    "a list that doubles": "s = [1]\n" + "s = s + s\n" * 60 + "result = s",
    "lists inside lists": "s = [1]\n" + "s = [s, s]\n" * 60 + "result = s",
    "a number that grows": "n = 9\n" + "n = n * n\n" * 60 + "result = n",
    "loops in loops": "n = 0\n" + "".join(f"{'    ' * i}for a{i} in range(60):\n" for i in range(12)) + "    " * 12 + "n = n + 1\nresult = n",
    "comprehensions in comprehensions": "result = [" + " ".join(["1"] + [f"for a{i} in range(60)" for i in range(12)]) + "]",
    "a class that is its own base": "class A(A):\n    x = 1\nresult = A().y",
    "bases in a circle": "class A(B):\n    pass\nclass B(A):\n    pass\nresult = A.x",
    "a property of itself": "class A:\n    @property\n    def x(self):\n        return self.x\nresult = A().x",
    "an import of itself": "from main import result",
    "star imports in a circle": "from main import *\nresult = nothing",
    "a while loop": "n = 0\nwhile True:\n    n += 1\nresult = n",
    "a long chain of elif": "import os\nv = os.getenv('V')\nif v == '0':\n    r = 0\n"
    + "".join(f"elif v == '{n}':\n    r = {n}\n" for n in range(1, 900)) + "result = r",
    "a long chain of assignments": "a0 = 1\n" + "".join(f"a{n} = a{n - 1} + 1\n" for n in range(1, 3000)) + "result = a2999",
    "a name in thousands of steps": "a = 1\n" + "a = a + 1\n" * 5000 + "result = a",
    "a dict in thousands of steps": "d = {}\n" + "".join(f"d['k{n}'] = {n}\n" for n in range(5000)) + "result = d",
    "hundreds of flags": "import os\nd = {}\n" + "".join(f"if os.getenv('F{n}'):\n    d['k'] = {n}\n" for n in range(300)) + "result = d",
    "format fields": "s = '{0}' * 50\nresult = s.format(s).format(s)",
    "texts of a billion letters": "result = ['x'.zfill(10**10), 'x'.rjust(10**10), 'x'.ljust(10**9), '%9999999999d' % 1, f'{1:9999999999}']",
    "a replace of every letter": f"s = '{'x' * 90_000}'\nt = '{'y' * 90_000}'\nresult = s.replace('x', t)",
    "a pattern's replacement of every letter": f"import re\ns = '{'x' * 1_900}'\nt = '{'y' * 90_000}'\nresult = re.sub('x', t, s)",
    "a replace that explodes": "s = 'a' * 100\n" + "s = s.replace('a', s)\n" * 20 + "result = s",
    "a join that explodes": "s = 'a' * 100\n" + "s = s.join(s.split('a'))\n" * 20 + "result = s",
}  # fmt: skip


@pytest.mark.parametrize("program", ENDLESS.values(), ids=ENDLESS.keys())
def test_every_evaluation_ends_soon(tmp_path: Path, program: str) -> None:
    project = Project(tmp_path, program)
    started = time.process_time()
    assert len(project.alternatives()) <= LIMIT
    assert time.process_time() - started < 5
