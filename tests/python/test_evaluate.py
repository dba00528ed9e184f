"""What expressions are worth: literals, operators, names, branches, functions. `result` is what each program asks for."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from evaluating import Project, plain, variables
from poollint.facts import Known, Unknown
from poollint.python.evaluator import evaluate
from poollint.python.evaluator.evaluate import FEWER, LIMIT, Dead, Evaluator
from poollint.python.evaluator.values import Table
from poollint.python.source.modules import Modules


def result_of(tmp_path: Path, program: str) -> object:
    return plain(Project(tmp_path, program).value())


# -- one value ---------------------------------------------------------------------------------------------------------

EXPRESSIONS = [
    ("5", 5),
    ("-1", -1),
    ("2.5", 2.5),
    ("'a' 'b'", "ab"),
    ("2 * 3 + 4", 10),
    ("7 // 2", 3),
    ("2 ** 4", 16),
    ("7 % 4", 3),
    ("60 * 60", 3600),
    ("not False", True),
    ("None or 5", 5),
    ("0 or '' or 7", 7),
    ("4 and 6", 6),
    ("1 < 2 < 3", True),
    ("3 if 1 > 2 else 4", 4),
    ("'a' in ('a', 'b')", True),
    ("'x' not in 'abc'", True),
    ("None is None", True),
    ("int('12')", 12),
    ("int(2.9)", 2),
    ("float('1.5')", 1.5),
    ("bool(0)", False),
    ("str(5)", "5"),
    ("len([1, 2, 3])", 3),
    ("min(3, 9)", 3),
    ("max([3, 9, 4])", 9),
    ("round(2.6)", 3),
    ("sum((1, 2, 3))", 6),
    ("abs(-4)", 4),
    ("isinstance('a', str)", True),
    ("isinstance(5, (str, bytes))", False),
    ("{'a': 1, **{'b': 2}}", {"a": 1, "b": 2}),
    ("{'a': 1} | {'a': 2}", {"a": 2}),
    ("dict(a=1, b=2)", {"a": 1, "b": 2}),
    ("dict({'a': 1}, b=2)", {"a": 1, "b": 2}),
    ("dict([('a', 1)])", {"a": 1}),
    ("{'a': {'b': 3}}['a']['b']", 3),
    ("{'a': 1}.get('b', 9)", 9),
    ("{'a': 1}.get('a')", 1),
    ("[1, 2, 3][-1]", 3),
    ("[1, 2, 3][1:]", [2, 3]),
    ("[*(1, 2), 3]", [1, 2, 3]),
    ("[n * 2 for n in range(4) if n > 1]", [4, 6]),
    ("{k: v for k, v in {'a': 1, 'b': None}.items() if v is not None}", {"a": 1}),
    ("{name: 0 for name in ('a', 'b')}", {"a": 0, "b": 0}),
    ("dict(zip(['a', 'b'], [1, 2]))", {"a": 1, "b": 2}),
    ("(lambda n, m=2: n * m)(5)", 10),
    ("f'{1 + 1}-{\"x\"}'", "2-x"),
    ("'{}-{b}'.format(1, b=2)", "1-2"),
    ("'%s:%d' % ('a', 5)", "a:5"),
    ("'%(a)s' % {'a': 'b'}", "b"),
    ("'%03d|%-3s|%.2f|%x|%r|%d%%' % (5, 'a', 1.5, 255, 'a', 7)", "005|a  |1.50|ff|'a'|7%"),
    ("'{{%s}}{1:>3}{0!r}'.format('a', 5)", "{%s}  5'a'"),
    ("'a'.zfill(3) + 'b'.rjust(3) + 'c'.ljust(3)", "00a  bc  "),
    ("'a-b'.replace('-', '+')", "a+b"),
    ("'abc'.startswith(('x', 'a'))", True),
    ("'a,b'.split(',')", ["a", "b"]),
    ("','.join(['a', 'b'])", "a,b"),
    ("'True'.lower() in ('1', 'true')", True),
    ("'abc'[0]", "a"),
    ("any([0, 1])", True),
    ("all(x for x in (1, 0))", False),
    ("getattr('a', 'nothing', 3)", "<.nothing of not a plain value>"),
]


@pytest.mark.parametrize(("expression", "value"), EXPRESSIONS)
def test_an_expression_has_its_value(tmp_path: Path, expression: str, value: object) -> None:
    assert result_of(tmp_path, f"result = {expression}") == value


PROGRAMS = [
    ("a constant", "SIZE = 5\nresult = SIZE", 5),
    ("the last assignment before the place", "a = 1\nresult = a\na = 2", 1),
    ("assignments in steps", "a = 1\na = a + 1\na += 3\nresult = a", 5),
    ("unpacking", "a, (b, c) = 1, (2, 3)\nresult = c", 3),
    ("unpacking into a dict", "d = {'z': 9}\nd['a'], (x, d['b']) = 1, (2, 3)\nresult = d", {"z": 9, "a": 1, "b": 3}),
    ("unpacking what is not known", "from x import f\nd = {'z': 9}\nd['a'], d['b'] = f()\nresult = d['z']", 9),
    ("an annotated constant", "a: int = 4\nresult = a", 4),
    ("a dict in steps", "d = {'a': 1}\nd['b'] = 2\nd.update(c=3)\nd.setdefault('a', 9)\ndel d['b']\nresult = d", {"a": 1, "c": 3}),
    ("a nested dict in steps", "d = {}\nd.setdefault('x', {})\nd['x']['y'] = 1\nd['x']['z'] = 2\nresult = d['x']", {"y": 1, "z": 2}),
    ("pop takes away", "d = {'a': 1, 'b': 2}\nx = d.pop('a')\nresult = (x, d)", [1, {"b": 2}]),
    ("a branch that is decided", "X = 1\nif X > 0:\n    r = 'yes'\nelse:\n    r = 'no'\nresult = r", "yes"),
    ("elif", "X = 2\nif X == 1:\n    r = 1\nelif X == 2:\n    r = 'two'\nelse:\n    r = 3\nresult = r", "two"),
    ("match", "X = 'b'\nmatch X:\n    case 'a':\n        r = 1\n    case 'b' | 'c':\n        r = 2\n    case _:\n        r = 3\nresult = r", 2),
    ("a loop over a literal", "d = {}\nfor k in ('a', 'b'):\n    d[k] = k * 2\nresult = d", {"a": "aa", "b": "bb"}),
    ("names of a class", "class A:\n    X = 1\n    y = 2\nclass B(A):\n    Z = 3\nresult = {n: getattr(B, n) for n in dir(B) if n.isupper()}", {"X": 1, "Z": 3}),
    ("a variable with a default is never None", "import os\nraw = os.environ.get('SIZE', 0)\nif raw is not None:\n    r = int(raw)\nresult = r", 0),
    ("a loop with continue", "d = {}\nfor k, v in {'a': 1, 'b': None}.items():\n    if v is None:\n        continue\n    d[k] = v\nresult = d", {"a": 1}),
    ("a loop with break", "r = 0\nfor n in (1, 2, 3):\n    r = n\n    if n == 2:\n        break\nresult = r", 2),
    ("an assignment in a condition", "if (n := 6) > 5:\n    r = n\nresult = r", 6),
    ("a function that returns from a loop", "def f(names):\n    for n in names:\n        if n == 'a':\n            continue\n        return n\nresult = f(['a', 'b'])", "b"),
    ("with", "import contextlib\nwith contextlib.suppress(Exception):\n    a = 3\nresult = a", 3),
    ("try", "try:\n    a = int('7')\nexcept ValueError:\n    a = 0\nresult = a", 7),
    ("try with a default", "try:\n    a = int('x')\nexcept ValueError:\n    a = 5\nresult = a", 5),
    ("a function", "def f(n):\n    return n * 2\nresult = f(4)", 8),
    ("defaults and keywords", "def f(a, b=2, *, c=3):\n    return (a, b, c)\nresult = f(1, c=9)", [1, 2, 9]),
    ("spread arguments", "def f(a, *rest, **more):\n    return (a, rest, more)\nresult = f(*[1, 2], **{'x': 3})", [1, [2], {"x": 3}]),
    ("early returns", "def f(n):\n    if n > 3:\n        return 'many'\n    return 'few'\nresult = (f(5), f(1))", ["many", "few"]),
    ("a function without return", "def f():\n    pass\nresult = f()", None),
    ("locals of a function", "def f():\n    d = {'a': 1}\n    d['b'] = 2\n    return d\nresult = f()", {"a": 1, "b": 2}),
    ("closures", "def outer(n):\n    def inner(m):\n        return n + m\n    return inner\nresult = outer(3)(4)", 7),
    ("partial", "from functools import partial\ndef f(a, b, c=0):\n    return (a, b, c)\nresult = partial(f, 1, c=5)(2)", [1, 2, 5]),
    ("a returned tuple", "def f():\n    return 1, {'a': 2}\nn, d = f()\nresult = d", {"a": 2}),
    ("a cached function", "from functools import lru_cache\n@lru_cache(maxsize=1)\ndef f():\n    return 6\nresult = f()", 6),
    ("a function that fills a dict", "def fill(d):\n    d['b'] = 2\no = {'a': 1}\nfill(o)\nresult = o", {"a": 1, "b": 2}),
    ("a global that a function sets", "x = None\ndef set_up():\n    global x\n    x = 5\nresult = x", 5),
    ("a class attribute", "class C:\n    SIZE = 4\n    MORE = SIZE * 2\nresult = C.MORE", 8),
    ("an inherited class attribute", "class A:\n    SIZE = 4\nclass B(A):\n    pass\nresult = B.SIZE", 4),
    ("an instance attribute", "class C:\n    def __init__(self, n=3):\n        self.n = n\nresult = C(n=8).n", 8),
    ("a property", "class C:\n    size = 2\n    @property\n    def double(self):\n        return self.size * 2\nresult = C().double", 4),
    ("a method", "class C:\n    def __init__(self):\n        self.o = {'a': 1}\n    def options(self, n):\n        return {**self.o, 'n': n}\nresult = C().options(3)", {"a": 1, "n": 3}),
    ("a static method", "class C:\n    @staticmethod\n    def f(n):\n        return n\nresult = C.f(3)", 3),
    ("a class method", "class C:\n    N = 3\n    @classmethod\n    def f(cls):\n        return cls.N\nresult = C.f()", 3),
    ("an attribute dict in steps", "class C:\n    def __init__(self):\n        self.o = {}\n        self.o['a'] = 1\nresult = C().o", {"a": 1}),
    ("an attribute set later", "class C:\n    def __init__(self):\n        self.n = None\n    def start(self):\n        self.n = 7\nresult = C().n", 7),
    ("a dataclass", "from dataclasses import dataclass, field\n@dataclass\nclass C:\n    a: int\n    b: int = 2\n    c: list = field(default_factory=list)\nresult = (C(1).a, C(1).b, C(1, b=5).b, C(1).c)", [1, 2, 5, []]),
    ("an enum", "from enum import Enum\nclass E(str, Enum):\n    PROD = 'production'\nresult = (E.PROD.value, E.PROD == 'production')", ["production", True]),
    ("ceil and floor", "import math\nresult = (math.ceil(7 / 2), math.floor(7 / 2))", [4, 3]),
    ("a timedelta", "from datetime import timedelta\nresult = int(timedelta(minutes=5).total_seconds())", 300),
    ("typing.cast", "from typing import cast\nresult = cast(int, 5)", 5),
    ("a name of the builtins that the project takes", "def int(x):\n    return 'mine'\nresult = int('5')", "mine"),
    ("type checking imports are not run", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    a = 1\nelse:\n    a = 2\nresult = a", 2),
]  # fmt: skip


@pytest.mark.parametrize(("program", "value"), [row[1:] for row in PROGRAMS], ids=[row[0] for row in PROGRAMS])
def test_a_program_is_followed(tmp_path: Path, program: str, value: object) -> None:
    assert result_of(tmp_path, program) == value


# -- where the value stands --------------------------------------------------------------------------------------------

PLACES = [
    ("POOL_SIZE = 5\nresult = POOL_SIZE", "POOL_SIZE", 1, 13),
    ("options = {\n    'pool_size': 5,\n}\nresult = options['pool_size']", "pool_size", 2, 18),
    ("def make(pool_size=5):\n    return pool_size\nresult = make()", "pool_size", 1, 20),
    ("def make(size):\n    return size\nresult = make(size=7)", "size", 3, 20),
    ("class Config:\n    POOL = 4\nresult = Config.POOL", "POOL", 2, 12),
    ("import os\nresult = int(os.getenv('POOL', '5'))", "POOL", 2, 32),
    ("o = {}\no['size'] = 5\nresult = o['size']", "size", 2, 13),
    ("ü = 'ü'; SIZE = 5\nresult = SIZE", "SIZE", 1, 17),
    ("import os\nresult = max(int(os.getenv('POOL', '5')), 2)", "POOL", 2, 36),
    ("import os\nresult = 2 * int(os.getenv('POOL', '5'))", "POOL", 2, 36),
    ("A = 2\nB = 3\nresult = A * B", "result", 3, 10),
]


@pytest.mark.parametrize(("program", "says", "line", "column"), PLACES)
def test_a_value_stands_where_its_number_is_written(
    tmp_path: Path, program: str, says: str, line: int, column: int
) -> None:
    value = Project(tmp_path, program).value()
    assert isinstance(value, Known)
    assert (value.origin.says, value.origin.location.line, value.origin.location.column) == (says, line, column)


# -- conditions that only raise ----------------------------------------------------------------------------------------

GUARDED = """
import os
def check():
    {check}
def load():
    if check():
        raise ValueError("no")
    return 5
result = load()
"""
CHECKS = [
    "return os.getenv('DEBUG', 'x') == 'x'",
    "if os.getenv('A'):\n        return True\n    return os.getenv('B') == 'b'",
    "return False",
]


@pytest.mark.parametrize("check", CHECKS)
def test_a_condition_that_only_raises_is_no_question(tmp_path: Path, check: str) -> None:
    """Whoever comes to what follows has not raised, whatever the environment is."""
    assert plain(Project(tmp_path, GUARDED.format(check=check)).value()) == 5


def test_a_condition_that_raises_for_sure_is_no_value(tmp_path: Path) -> None:
    value = Project(tmp_path, GUARDED.format(check="return True")).value()
    assert isinstance(value, Unknown)
    assert value.reason == "raises an error"


# -- what is not known -------------------------------------------------------------------------------------------------

UNKNOWNS = [
    ("result = missing", "missing is not defined here"),
    ("a = b\nb = a\nresult = b", "b is not set"),
    ("def f(n):\n    return f(n)\nresult = f(1)", "nested too deeply"),
    ("import os\nresult = os.cpu_count()", "os.cpu_count() depends on the machine"),
    ("from library import Base\nclass A(Base):\n    X = 1\nresult = dir(A)", "the names of something unknown"),
    ("import os\nresult = os.cpu_count() * 2", "os.cpu_count() depends on the machine"),
    ("result = 10 ** 16 * 10 ** 16", "out of all proportion"),
    ("result = 'x' * 10 ** 9", "not worked out"),
    ("result = 1 / 0", "ZeroDivisionError"),
    ("result = {'a': 1}['b']", "the dict has no 'b'"),
    ("n = 0\nwhile n < 9:\n    n += 1\nresult = n", "changed in a loop"),
    ("def f():\n    yield 1\nresult = f()", "is a generator"),
    ("def f(size):\n    return size\nresult = f", None),
    ("class C:\n    pass\nresult = C().size", "C does not set size"),
    ("import somewhere\nresult = somewhere.load()", None),
    ("result = [1, 2][5]", "IndexError"),
]


@pytest.mark.parametrize(("program", "reason"), UNKNOWNS)
def test_what_is_not_known_says_why(tmp_path: Path, program: str, reason: str | None) -> None:
    value = Project(tmp_path, program).value()
    assert not isinstance(value, Known)
    if reason is not None:
        assert isinstance(value, Unknown)
        assert reason in value.reason


def test_a_spread_that_is_not_known_leaves_the_dict_incomplete_and_its_keys_in_doubt(tmp_path: Path) -> None:
    value = Project(tmp_path, "import other\nresult = {'a': 1, **other.options, 'b': 2}").value()
    assert isinstance(value, Table)
    assert not value.complete
    assert plain(value)["b"] == 2
    assert isinstance(value.entries["a"], Unknown)


def test_what_a_dict_is_given_after_an_unknown_spread_is_known(tmp_path: Path) -> None:
    value = Project(tmp_path, "import other\nd = dict(other.options)\nd['b'] = 2\nresult = d").value()
    assert plain(value) == {"b": 2, ...: "<more>"}


def test_setdefault_on_an_unknown_dict_is_a_fallback(tmp_path: Path) -> None:
    value = Project(tmp_path, "import other\nd = other.options()\nd.setdefault('b', 2)\nresult = d['b']").value()
    assert isinstance(value, Known)
    assert (value.value, value.certainty) == (2, "fallback")


# -- alternatives ------------------------------------------------------------------------------------------------------


def outcomes(tmp_path: Path, program: str, **given: str | None) -> list[object]:
    environment = variables(**given) if given else variables(complete=False)
    return [plain(value) for value in Project(tmp_path, program).alternatives(environment=environment)]


def test_an_undecided_branch_keeps_both_values_the_default_first(tmp_path: Path) -> None:
    program = """
        import os
        ENV = os.getenv("ENV", "development")
        if ENV == "production":
            size = 20
        else:
            size = 5
        result = size
    """
    assert outcomes(tmp_path, program) == [5, 20]


FLAGS = "import os\nresult = 0\n" + "".join(f"if os.environ['F{n}'] == 'x':\n    result += 10 ** {n}\n" for n in range(3))


def test_worlds_that_are_too_much_work_together_decide_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(outcomes(tmp_path, FLAGS)) == 8
    monkeypatch.setattr(evaluate, "MOST_WORK", 20)
    (found,) = outcomes(tmp_path, FLAGS)
    assert "depends on" in str(found)


@pytest.mark.parametrize("made", ["sized(5, FLAG)", "Sized(5, FLAG).size", "sized(size=5, flag=FLAG)"])
@pytest.mark.parametrize(("read", "alternatives"), [("size", [5]), ("size + flag", [6, 7])])
def test_an_argument_is_asked_for_when_a_function_reads_it(
    tmp_path: Path, made: str, read: str, alternatives: list[int]
) -> None:
    flag = "(1 if os.environ['F'] == 'x' else 2)"
    program = (
        f"import os\ndef sized(size, flag):\n    return {read}\n"
        f"class Sized:\n    def __init__(self, size, flag):\n        self.size = {read}\n"
        f"result = {made.replace('FLAG', flag)}\n"
    )
    assert sorted(outcomes(tmp_path, program)) == alternatives


def test_the_environment_decides_a_branch(tmp_path: Path) -> None:
    program = 'import os\nresult = 20 if os.getenv("ENV", "development") == "production" else 5'
    assert outcomes(tmp_path, program, ENV="production") == [20]


def test_the_same_question_has_the_same_answer_everywhere(tmp_path: Path) -> None:
    program = """
        import os
        URL = os.environ["DATABASE_URL"]
        args, options = {}, {}
        if URL.startswith("sqlite"):
            args = {"check_same_thread": False}
        if not URL.startswith("sqlite"):
            options = {"pool_size": 5}
        result = (args, options)
    """
    assert outcomes(tmp_path, program) == [[{"check_same_thread": False}, {}], [{}, {"pool_size": 5}]]


@pytest.mark.parametrize(("other", "values"), [("os.environ['NAME']", [1]), ("os.environ['OTHER']", [1, 2])])
def test_a_value_that_is_not_known_is_equal_to_itself(tmp_path: Path, other: str, values: list[int]) -> None:
    project = Project(tmp_path, f"import os\nname = os.environ['NAME']\nresult = 1 if name == {other} else 2\n")
    assert [plain(value) for value in project.alternatives()] == values


def test_an_answer_teaches_what_the_variable_is(tmp_path: Path) -> None:
    program = """
        import os
        ENV = os.getenv("ENV")
        a = 1 if ENV == "prod" else 2
        b = {"prod": 10}.get(ENV, 20)
        result = (a, b)
    """
    first, second = outcomes(tmp_path, program)
    assert first == [1, 10]
    assert second[0] == 2  # type: ignore[index]


def test_an_answer_holds_inside_calls_too(tmp_path: Path) -> None:
    program = """
        import os
        def change(url):
            if url.startswith("sqlite"):
                return "file"
            return "server" if url.startswith("postgresql") else "other"
        result = change(os.environ["URL"])
    """
    assert outcomes(tmp_path, program) == ["file", "server", "other"]


def test_answers_that_contradict_each_other_make_no_alternative(tmp_path: Path) -> None:
    program = """
        import os
        ENV = os.getenv("ENV")
        if ENV == "prod":
            r = 1
        elif ENV == "dev":
            r = 2
        else:
            r = 3
        result = (r, ENV == "prod" and ENV == "dev")
    """
    assert outcomes(tmp_path, program) == [[1, False], [2, False], [3, False]]


def test_a_number_that_may_be_replaced_decides_as_it_is(tmp_path: Path) -> None:
    program = 'import os\nSIZE = int(os.getenv("SIZE", "5"))\nresult = {"pool_size": SIZE} if SIZE > 0 else {}'
    assert outcomes(tmp_path, program) == [{"pool_size": 5}]


def test_every_caller_is_an_alternative(tmp_path: Path) -> None:
    program = """
        def make(size):
            global result
            result = size
        result = None
        def small():
            make(1)
        def large():
            make(size=9)
    """
    assert outcomes(tmp_path, program) == [1, 9]


def test_callers_that_pass_the_same_are_one_alternative(tmp_path: Path) -> None:
    """However often `make()` is written, it is one case; `make(size)` may differ from one place to the next."""
    program = """
        def make(size=5):
            global result
            result = size
        result = None
        def many():
            make(), make(), make(), make(), make(), make(), make(), make(), make(), make(), make(), make(), make()
        def others():
            make(9), make(9), make(size=9)
    """
    assert outcomes(tmp_path, program) == [5, 9, 9]


def test_callers_of_callers_are_followed(tmp_path: Path) -> None:
    program = """
        result = None
        def inner(size):
            global result
            result = size
        def outer(n):
            inner(n * 2)
        outer(4)
    """
    assert outcomes(tmp_path, program) == [8]


@pytest.mark.parametrize("call", ["pool.sized(7)", "(pool\n    .sized(7))", "(pool.\n    sized(7))", "pool . sized(7)"])
def test_the_call_of_a_method_is_found_however_it_is_broken(tmp_path: Path, call: str) -> None:
    main = """
        result = None
        class Pool:
            def sized(self, n):
                global result
                result = n
    """
    project = Project(tmp_path, {"main.py": main, "use.py": f"from main import Pool\npool = Pool()\n{call}\n"})
    assert [plain(value) for value in project.alternatives()] == [7]


def test_a_loops_target_holds_the_item_of_its_turn(tmp_path: Path) -> None:
    """Also where the loop's body changes it: that was another turn's."""
    program = """
        result = []
        for size in (1, 2, 3):
            size = size * 10
            result.append(size)
    """
    assert outcomes(tmp_path, program) == [[10, 20, 30]]


def test_a_branch_that_raises_is_no_alternative(tmp_path: Path) -> None:
    program = """
        import os
        def load():
            url = os.getenv("URL")
            if not url:
                raise RuntimeError("URL is not set")
            return {"size": 3}
        result = load()
    """
    assert outcomes(tmp_path, program) == [{"size": 3}]


def test_a_flag_written_out_as_true_or_false_is_the_flag(tmp_path: Path) -> None:
    program = "import os\nflag = bool(os.getenv('PING', ''))\nresult = True if flag else False"
    assert outcomes(tmp_path, program) == [False]


def flags(count: int) -> str:
    return "import os\nd = {}\n" + "".join(f"if os.getenv('F{n}'):\n    d['f{n}'] = {n}\n" for n in range(count)) + "result = d"


def test_what_fits_into_the_limit_is_all_there(tmp_path: Path) -> None:
    found = [plain(value) for value in Project(tmp_path, flags(4)).alternatives()]
    assert len(found) == LIMIT
    assert {frozenset(each.values()) for each in found} == {
        frozenset(n for n in range(4) if which & 1 << n) for which in range(LIMIT)
    }


def test_there_are_fewer_alternatives_where_the_limit_is_not_enough(tmp_path: Path) -> None:
    found = Project(tmp_path, flags(12)).alternatives()
    assert len(found) == FEWER
    assert all(isinstance(value, Table) for value in found)
    # What depends on more conditions than fit is not known, and says so.
    assert any("depends on" in str(entry) for value in found for entry in plain(value).values())


@pytest.mark.parametrize(("wanted", "expected"), [("v", {"x": 1, "y": "<depends on"}), ("k != 'y'", {"x": 1}), ("other(v)", {"x": "<depends on", "y": "<depends on"})])
def test_a_comprehension_of_a_dict_doubts_what_its_condition_may_leave_out(tmp_path: Path, wanted: str, expected: dict) -> None:
    loop = f"{{k: v for k, v in {{'x': 1, 'y': os.getenv('A')}}.items() if {wanted}}}"
    project = Project(tmp_path, f"import os\nfrom library import other\n{loop}")
    module = project.modules.module("main.py")
    assert module is not None
    value = Evaluator(project.modules).value(module.tree.body[-1].value, module)  # type: ignore[attr-defined]
    assert isinstance(value, Table) and value.complete
    assert {key: each if isinstance(each, int) else each[:11] for key, each in plain(value).items()} == expected


def test_a_world_that_decides_nothing_knows_what_both_branches_agree_on(tmp_path: Path) -> None:
    project = Project(
        tmp_path, "import os\nif os.getenv('A'):\n    d = {'x': 1, 'y': 2}\nelse:\n    d = {'x': 1, 'y': 3}\n"
    )
    module = project.modules.module("main.py")
    assert module is not None
    place = module.tree.body[-1].body[0].targets[0]  # type: ignore[attr-defined]
    project = Project(
        tmp_path, "import os\nif os.getenv('A'):\n    d = {'x': 1, 'y': 2}\nelse:\n    d = {'x': 1, 'y': 3}\nd"
    )
    module = project.modules.module("main.py")
    assert module is not None and place is not None
    value = Evaluator(project.modules).value(module.tree.body[-1].value, module)  # type: ignore[attr-defined]
    assert plain(value) == {"x": 1, "y": "<depends on a condition: set by A, which no file gives>"}


# -- whether a place is reached ----------------------------------------------------------------------------------------


def reached(tmp_path: Path, program: str) -> list[bool]:
    """Return, per world, whether the call of `here()` is reached."""
    project = Project(tmp_path, program)
    module = project.modules.module("main.py")
    assert module is not None
    call = module.calls_of("here")[0]
    return Evaluator(project.modules).alternatives(lambda world: world.reachable(call, module))


def test_a_branch_that_a_constant_rules_out_is_not_reached(tmp_path: Path) -> None:
    assert reached(tmp_path, "DEBUG = False\nif DEBUG:\n    here()") == [False]


def test_an_undecided_branch_is_reached_in_one_world(tmp_path: Path) -> None:
    assert reached(tmp_path, "import os\nif os.getenv('A'):\n    here()") == [True, False]


def test_an_early_return_decides(tmp_path: Path) -> None:
    program = "import os\ndef f():\n    if os.getenv('A'):\n        return None\n    return here()"
    assert reached(tmp_path, program) == [False, True]


def test_a_guard_that_raises_is_passed(tmp_path: Path) -> None:
    assert reached(
        tmp_path, "import os\ndef f():\n    if not os.getenv('A'):\n        raise ValueError\n    here()"
    ) == [True]


def test_the_parameters_of_a_constructor_are_what_the_makers_of_the_class_pass(tmp_path: Path) -> None:
    program = """
        class Storage:
            def __init__(self, size, *, overflow=2):
                self.size = size
                self.overflow = overflow
            def connect(self):
                return (self.size, self.overflow)
        storage = Storage(7, overflow=3)
    """
    project = Project(tmp_path, program)
    module = project.modules.module("main.py")
    pair = next(node for node in ast.walk(module.tree) if isinstance(node, ast.Tuple))
    found = Evaluator(project.modules).alternatives(lambda world: world.value(pair, module))
    assert [plain(value) for value in found] == [[7, 3]]


@pytest.mark.parametrize(
    ("subclass", "sizes"),
    [
        ("class Orders(Storage): ...\nOrders(7)", [7]),
        ("class Orders(Storage): ...\nOrders(7)\nStorage(3)", [3, 7]),
        ("class Orders(Storage):\n    def __init__(self, many):\n        super().__init__(many)\nOrders(7)", [7]),
        ("class Orders(Other, Storage): ...\nOrders(7)\nStorage(3)", [3]),
    ],
)
def test_a_subclass_passes_the_parameters_of_the_constructor_it_inherits(
    tmp_path: Path, subclass: str, sizes: list[int]
) -> None:
    base = "class Storage:\n    def __init__(self, size):\n        make(size)\nclass Other: ...\n"
    assert _passed_to_make(tmp_path, base + subclass) == sizes


CHECKED = """
from library import chosen
from typing import Protocol, runtime_checkable
@runtime_checkable
class Sized(Protocol):
    def size(self): ...
class Store: ...
class File(Store): ...
class Server(Store): ...
def size(store: Store):
    if isinstance(store, Server):
        return 20
    if isinstance(store, (File, str)):
        return 1
    return 5
result = {}
"""


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("size(Server())", [20]),
        ("size(File())", [1]),
        ("size(Store())", [5]),
        ("isinstance(Server(), Store)", [True]),
        ("isinstance(Store(), Sized)", ["<is an instance of Store>"]),
        ("size(chosen())", [20, 1, 5]),
    ],
)
def test_each_class_of_the_project_is_a_question_of_its_own(tmp_path: Path, result: str, expected: list[object]) -> None:
    assert [plain(value) for value in Project(tmp_path, CHECKED.format(result)).alternatives()] == expected


@pytest.mark.parametrize(
    ("constructor", "call", "expected"),
    [
        ("super().__init__(many)", "Orders(many=9)", [9, 1]),
        ("super().__init__(many, ways=url)", "Orders(5)", [3, 5]),
        ("super(Orders, self).__init__(ways=many)", "Orders()", [7, 3]),
        ("Storage.__init__(self, many)", "Orders()", [3, 1]),
        ("super().__init__(); self.size += 1", "Orders()", [8, 1]),
        ("self.size = 1; super().__init__()", "Orders()", [7, 1]),
        ("self.size = 1; super().__init__(); self.size += 1", "Orders()",
         ["<size is set before and after the inherited constructor>", 1]),
        ("if url: super().__init__()", "Orders()", ["<Orders does not set size>", "<Orders does not set ways>"]),
        ("super().prepare()", "Orders()", ["<Orders does not set size>", "<Orders does not set ways>"]),
        ("other.__init__(self, many)", "Orders()", ["<Orders does not set size>", "<Orders does not set ways>"]),
    ],
)  # fmt: skip
def test_what_a_constructor_hands_on_to_the_inherited_one_is_set_on_the_instance(
    tmp_path: Path, constructor: str, call: str, expected: list[object]
) -> None:
    program = f"""
        class Storage:
            def __init__(self, size=7, *, ways=1):
                self.size = size
                self.ways = ways
        class Between(Storage): ...
        class Orders(Between):
            def __init__(self, url=None, many=3):
                {constructor}
            def pair(self):
                return self.size, self.ways
        result = {call}.pair()
        """
    assert plain(Project(tmp_path, program).value()) == expected


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("number('SIZE', 7)", 7),
        ("property(fget=lambda self: self.limit + 1)", 4),
        ("property(lookup('size'))", "<a property whose getter is not known>"),
        ("property()", "<a property whose getter is not known>"),
    ],
)
def test_an_attribute_that_a_call_makes_a_property_is_what_its_getter_returns(
    tmp_path: Path, made: str, expected: object
) -> None:
    program = f"""
        import os
        from library import lookup
        def number(name, default):
            def getter(self):
                return int(os.environ.get(name, default))
            return property(getter)
        class Settings:
            limit = 3
            size = {made}
        result = Settings().size
        """
    assert plain(Project(tmp_path, program).value()) == expected


def test_a_constructor_reads_what_the_inherited_one_has_set(tmp_path: Path) -> None:
    program = """
        class Service:
            def __init__(self):
                self.limit = 7
        class Backup(Service):
            def __init__(self, limit=None):
                super().__init__()
                self.size = limit or self.limit
        result = Backup().size
        """
    assert plain(Project(tmp_path, program).value()) == 7


def test_a_base_class_calls_what_its_subclasses_override(tmp_path: Path) -> None:
    program = (
        "class Storage:\n    def __init__(self, size):\n        self.connect(size)\n    def connect(self, size): ...\n"
        "class Orders(Storage):\n    def connect(self, size):\n        make(size)\nOrders(7)"
    )
    assert _passed_to_make(tmp_path, program) == [7]


def _passed_to_make(tmp_path: Path, program: str) -> list[object]:
    project = Project(tmp_path, program)
    module = project.modules.module("main.py")
    (call,) = module.calls_of("make")
    found = Evaluator(project.modules).alternatives(lambda world: world.value(call.args[0], module))
    return sorted(plain(value) for value in found)


@pytest.mark.parametrize(
    "program",
    [
        "d = {'size': 5}\ne = d\ne['size'] = 9\nresult = d",
        "d = {'size': 5}\ne = d\nd['size'] = 9\nresult = e",
        "d = {'size': 5}\ne = d\ne.update(size=9)\nresult = {**d}",
        "d = {'size': 9}\nresult = d\ne = d\ne['size'] = 5",
    ],
)
def test_what_is_changed_through_another_name_is_not_known(tmp_path: Path, program: str) -> None:
    found = result_of(tmp_path, program)
    assert "is another name for it" in found["size"]


@pytest.mark.parametrize(
    "program",
    [
        "d = {'size': 5}\nd['size'] = 9\ne = d\nresult = e",
        "d = {'size': 5}\ne = d\ne['size'] = 9\nresult = e",
        "d = {'size': 9}\ne = dict(d)\ne['size'] = 5\nresult = d",
        "d = {'size': 9}\nresult = d['size']\ne = d\ne['size'] = 5\nresult = {'size': result}",
    ],
)
def test_a_copy_and_what_stands_before_or_after_are_no_other_name(tmp_path: Path, program: str) -> None:
    assert result_of(tmp_path, program) == {"size": 9}


def test_what_holds_in_one_world_is_found_without_reading_them_all(make_tree):
    text = "import os\nif os.getenv('A'):\n    if os.getenv('B'):\n        here = 1\n"
    modules = Modules(make_tree({"app.py": text}))
    module = modules.module("app.py")
    here = next(node for node in module.nodes if isinstance(node, ast.Constant) and node.value == 1)
    evaluator = Evaluator(modules)
    assert evaluator.somewhere(lambda world: world.reachable(here, module)) is True
    assert evaluator.somewhere(lambda world: not world.reachable(here, module) and False) is False

    def contradicts(world):
        raise Dead

    assert evaluator.somewhere(contradicts) is None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("named(info) and isinstance(value, str) and value.lower() == 'none'", [10]),
        ("info.name and named(info) and isinstance(value, str) and value.lower() == 'none'", [10]),
        ("named(info) or isinstance(value, int)", [None]),
        ("named(info) and isinstance(value, int)", [10, None]),
        ("named(info) and other(info)", [10, None]),
        ("named(info) or other(info)", [10, None]),
    ],
)
def test_a_later_operand_may_decide_and_each_is_a_question_of_its_own(
    tmp_path: Path, condition: str, expected: list[object]
) -> None:
    program = f"""
    from library import info, named, other

    def cleaned(value):
        if {condition}:
            return None
        return value

    result = cleaned(10)
    """
    found = {plain(value) for value in Project(tmp_path, program).alternatives()}
    assert found == set(expected)


def test_a_condition_is_a_question_of_its_own_in_each_turn(tmp_path: Path) -> None:
    text = """
        import other
        found = []
        for name in ("a", "b"):
            if other.matches(name):
                found.append(name)
        result = found
        """
    values = [plain(value) for value in Project(tmp_path, text).alternatives()]
    assert sorted(values) == [[], ["a"], ["a", "b"], ["b"]]


def test_the_second_operand_is_asked_when_the_first_one_holds(tmp_path: Path) -> None:
    program = """
    from library import first, second

    def size():
        if first() and second():
            return 20
        return 5

    result = size()
    """
    found = Project(tmp_path, program).alternatives()
    assert sorted(plain(value) for value in found) == [5, 5, 20]


PASSED_ON = """
from asyncio import to_thread
from functools import partial
from dependency_injector import containers, providers
from library import Container, Depends, limit

class Database:
    def __init__(self, url="", pool_size=5):
        self.pool_size = pool_size

def make(url="", pool_size=5):
    return pool_size
"""


@pytest.mark.parametrize(
    ("line", "size"),
    [
        ("providers.Singleton(Database, url='x', pool_size=20)", 20),
        ("providers.Factory(make, 'x', 20)", 20),
        ("partial(make, pool_size=20)", 20),
        ("partial(make, 'x')", 5),
        ("to_thread(make, 'x', 20)", 20),
        ("Container().register(Database, pool_size=20)", 20),
        ("Depends(make, use_cache=False)", 5),
        ("[make(), Database()]", 5),
        ("limit(make)", 5),
        ("limit(make, 20)", "<make is handed on, and whoever calls it may pass pool_size>"),
        ("limit(20, make, pool_size=20)", "<make is handed on, and whoever calls it may pass pool_size>"),
        ("Thread(target=make, kwargs={'pool_size': 20})", "<make is handed on, and whoever calls it may pass pool_size>"),
        ("{'pg': make}['pg'](pool_size=20)", "<make is handed on, and whoever calls it may pass pool_size>"),
        ("again = make; again(pool_size=20)", "<make is handed on, and whoever calls it may pass pool_size>"),
        ("again = make; again()", 5),
        ("Kind = Database; Kind(pool_size=20)", "<Database is handed on, and whoever calls it may pass pool_size>"),
        ("isinstance(limit, Database)", 5),
    ],
)
def test_what_another_call_passes_on_reaches_the_parameters(tmp_path: Path, line: str, size: object) -> None:
    maker = "__init__" if "Database" in line else "make"
    project = Project(tmp_path, f"{PASSED_ON}\n{line if '; ' in line else f'result = {line}'}\n")
    module = project.modules.module("main.py")
    assert module is not None
    function = next(node for node in module.nodes if getattr(node, "name", "") == maker)
    read = next(node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id == "pool_size")
    assert plain(Evaluator(project.modules).value(read, module)) == size


def test_a_class_method_makes_its_class(tmp_path: Path) -> None:
    program = (
        "class Storage:\n    def __init__(self, size=5):\n        make(size)\n"
        "    @classmethod\n    def big(cls):\n        return cls(20)\nStorage.big()"
    )
    assert _passed_to_make(tmp_path, program) == [20]


def test_a_beginning_is_told_by_what_is_written_and_not_from_a_later_place(tmp_path: Path) -> None:
    url = "import os\nurl = 'postgresql://db/' + os.getenv('NAME', 'orders')\n"
    assert outcomes(tmp_path / "whole", url + "result = url.startswith('postgres'), url.startswith('sqlite')") == [[True, False]]
    assert outcomes(tmp_path / "later", url + "result = url.startswith('sqlite', 3)") == [False]
    assert outcomes(tmp_path / "variable", "import os\nresult = os.getenv('NAME', 'orders').startswith('b', 3)") == [False]


PARTS = "class Parts(BaseSettings):\n    user: str | None = None\n    host: str = 'db'\n"


@pytest.mark.parametrize(
    "body",
    [
        "if all([parts.user, parts.host]):\n        return f'postgresql://{parts.host}'\n    raise ValueError",
        "if any([parts.user]):\n        return f'postgresql://{parts.host}'\n    raise ValueError",
    ],
)
def test_a_function_that_returned_has_not_raised(tmp_path: Path, body: str) -> None:
    text = f"from pydantic_settings import BaseSettings\n{PARTS}parts = Parts()\ndef url():\n    {body}\nresult = url()"
    assert plain(Project(tmp_path, {"main.py": text}).value()) == "postgresql://db"


def test_a_function_that_raises_in_every_environment_returns_nothing(tmp_path: Path) -> None:
    text = "SIZE = None\ndef size():\n    if all([SIZE, 4]):\n        return 4\n    raise ValueError\nresult = size()"
    value = Project(tmp_path, {"main.py": text}).value()
    assert isinstance(value, Unknown) and value.reason == "raises an error"


def test_all_and_any_are_as_sure_as_what_decides_them(tmp_path: Path) -> None:
    for text, certainty in (("all([os.getenv('A', ''), 4])", "fallback"), ("all([os.getenv('A', ''), 0])", "exact")):
        value = Project(tmp_path, {"main.py": f"import os\nresult = {text}"}).value()
        assert isinstance(value, Known) and value.value is False and value.certainty == certainty


@pytest.mark.parametrize(
    ("wanted", "answers", "found"),
    [((11, 2), 3, True), ((0, 0), 3, True), ((20, 0), 3, False), ((11, 7), 20, None)],
)
def test_somewhere_says_no_only_where_every_world_was_asked(tmp_path: Path, wanted, answers, found) -> None:
    def holds(world: evaluate.World) -> bool:
        first = world.ask(evaluate.Question("first", tuple(map(evaluate.Answer, range(12)))))
        second = world.ask(evaluate.Question(f"second {first}", tuple(map(evaluate.Answer, range(answers)))))
        return (first, second) == wanted

    assert Evaluator(Project(tmp_path, "").modules).somewhere(holds) is found
