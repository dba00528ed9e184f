"""What stands elsewhere and still decides: statements from outside, heirs, calls of a partial, `.env` files."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluating import Project, plain, variables
from poollint.facts import Unknown, value_of
from poollint.python.code import Code

CONFIG = "SIZE = 4\nOPTIONS = {'pool_size': 4, 'max_overflow': 2}\nclass Config:\n    SIZE = 4\nconfig = Config()\n"
READS = {
    "a module's name": "import config\nresult = config.SIZE",
    "an imported name": "from config import SIZE\nresult = SIZE",
    "a class": "from config import Config\nresult = Config.SIZE",
    "an instance": "from config import config\nresult = config.SIZE",
    "a dict": "from config import OPTIONS\nresult = OPTIONS['pool_size']",
}
WRITES = {
    "a module's name": "import config\nconfig.SIZE = 9",
    "an imported name": "import config\nsetattr(config, 'SIZE', 9)",
    "a class": "from config import Config\nConfig.SIZE = 9",
    "an instance": "from config import config\nconfig.SIZE = 9",
    "a dict": "from config import OPTIONS\nOPTIONS['pool_size'] = 9",
}


@pytest.mark.parametrize("kind", READS)
def test_what_the_program_sets_elsewhere_is_not_known(tmp_path: Path, kind: str) -> None:
    files = {"config.py": CONFIG, "boot.py": WRITES[kind], "main.py": f"import boot\n{READS[kind]}"}
    value = Project(tmp_path, files).value()
    assert isinstance(value, Unknown)
    assert "set in boot.py:2" in value.reason


@pytest.mark.parametrize("kind", READS)
@pytest.mark.parametrize("writer", ["tool.py", "tests/test_boot.py"])
def test_what_a_script_or_test_of_its_own_sets_is_nothing_that_the_program_sees(
    tmp_path: Path, kind: str, writer: str
) -> None:
    files = {"config.py": CONFIG, writer: WRITES[kind], "main.py": READS[kind]}
    assert plain(Project(tmp_path, files).value()) == 4


def test_what_is_set_to_what_it_was_stays_known(tmp_path: Path) -> None:
    files = {"config.py": CONFIG, "boot.py": "import config\nconfig.SIZE = 4", "main.py": f"import boot\n{READS['a class']}"}
    assert plain(Project(tmp_path, files).value()) == 4


def test_the_other_keys_of_a_dict_that_is_changed_elsewhere_stay_known(tmp_path: Path) -> None:
    main = "import boot\nfrom config import OPTIONS\nresult = OPTIONS['max_overflow']"
    files = {"config.py": CONFIG, "boot.py": WRITES["a dict"], "main.py": main}
    assert plain(Project(tmp_path, files).value()) == 2


DECLARED = "class Sizes:\n    def __init__(self, size=5):\n        self.size = size\nclass Config:\n    pool: Sizes{value}\n"
LOADS = "    @staticmethod\n    def load():\n        Config.pool = Sizes(9)\n"


@pytest.mark.parametrize(
    ("value", "boot", "expected"),
    [
        ("", "Config.load()", 9),  # who reads what is only declared, reads what the one statement set
        (" = Sizes()", "Config.load()", None),  # it may be read before, or after
        ("", "Config.load()\nConfig.pool = Sizes(7)", None),
        (" = Sizes()", "", None),
        ("", "def later():\n    Config.other = Sizes(7)", 9),
    ],
)
def test_an_object_in_a_class_may_be_set_by_another_statement(tmp_path: Path, value: str, boot: str, expected: int | None) -> None:
    files = {
        "config.py": DECLARED.format(value=value) + LOADS,
        "boot.py": f"from config import Config, Sizes\n{boot}\n",
        "main.py": "import boot\nfrom config import Config\nresult = Config.pool.size",
    }
    found = Project(tmp_path, files).value()
    assert (None if isinstance(found, Unknown) else plain(found)) == expected


def test_an_object_in_a_class_that_nothing_else_sets_is_what_it_was(tmp_path: Path) -> None:
    files = {"config.py": DECLARED.format(value=" = Sizes()"), "main.py": "from config import Config\nresult = Config.pool.size"}
    assert plain(Project(tmp_path, files).value()) == 5


def test_a_statement_in_a_loop_is_about_every_item(tmp_path: Path) -> None:
    main = "class Item:\n    def __init__(self, n):\n        self.n = n\nitems = [Item(1), Item(2)]\n"
    main += "for item in items:\n    item.n = item.n * 10\nresult = items[1].n"
    assert all(isinstance(value, Unknown) or plain(value) == 20 for value in Project(tmp_path, {"main.py": main}).alternatives())


def test_whom_a_statement_elsewhere_is_about_is_no_question_of_the_reader(tmp_path: Path) -> None:
    boot = "import os\nclass Row: pass\nrow = Row() if os.getenv('A') else make() if os.getenv('B') else None\nrow.SIZE = 9"
    files = {"config.py": CONFIG, "boot.py": boot, "main.py": f"import boot\n{READS['an instance']}"}
    assert [plain(value) for value in Project(tmp_path, files).alternatives()] == [4]


# -- engines -----------------------------------------------------------------------------------------------------------

MAKER = """
from sqlalchemy import create_engine
class Database:
    SIZE = 4
    def make(self):
        return create_engine("postgresql+psycopg2://db/app", pool_size=self.SIZE)
"""
HEIRS = {
    "none": ("", [4]),
    "one": ("class Orders(Database):\n    SIZE = 11\nengine = Orders().make()\n", [4, 11]),
    "one that sets something else": ("class Orders(Database):\n    NAME = 11\nengine = Orders().make()\n", [4]),
    "one that its constructor sets": (
        "class Orders(Database):\n    def __init__(self):\n        self.SIZE = 11\nengine = Orders().make()\n", [4, 11]),
}  # fmt: skip


@pytest.mark.parametrize(("heir", "sizes"), HEIRS.values(), ids=HEIRS.keys())
def test_each_heir_that_sets_an_attribute_otherwise_is_an_alternative(make_tree, heir: str, sizes: list[int]) -> None:
    (engine,) = Code(make_tree({"db.py": MAKER + heir})).engines()
    assert [value_of(pool.pool_size) for pool in engine.alternatives] == sizes


def test_an_heir_of_the_tests_is_none(make_tree) -> None:
    files = {"db.py": MAKER, "tests/test_db.py": "from db import Database\nclass Fake(Database):\n    SIZE = 1\n"}
    (engine,) = Code(make_tree(files)).engines()
    assert [value_of(pool.pool_size) for pool in engine.alternatives] == [4]


PARTIAL = """
from functools import partial
from sqlalchemy import create_engine
make = partial(create_engine, pool_size=4, max_overflow=2)
"""
CALLS = {
    "one call": ("engine = make('postgresql+psycopg2://db/app', max_overflow=7)", [(4, 7)]),
    "two calls": ("one = make('postgresql://db/a', pool_size=1)\nother = make('postgresql://db/b')", [(1, 2), (4, 2)]),
    "a partial of it": ("more = partial(make, pool_size=9)\nengine = more('postgresql://db/app', max_overflow=7)", [(9, 7)]),
    "a partial of it beside a call": ("more = partial(make, pool_size=9)\none, two = make('a://b/c'), more('a://b/d')", [(4, 2), (9, 2)]),
    "a partial of something else": ("more = partial(print, make)\nmore('postgresql://db/app')", [(4, 2)]),
    "a call of another name": ("def use(make):\n    make(max_overflow=9)", [(4, 2)]),
}


@pytest.mark.parametrize(("call", "sizes"), CALLS.values(), ids=CALLS.keys())
def test_a_partial_is_called_with_further_arguments(make_tree, call: str, sizes: list[tuple[int, int]]) -> None:
    (engine,) = Code(make_tree({"db.py": PARTIAL + call})).engines()
    found = [(value_of(pool.pool_size), value_of(pool.max_overflow)) for pool in engine.alternatives]
    assert found == sizes


# -- .env --------------------------------------------------------------------------------------------------------------

LOADED = "import os\nfrom dotenv import load_dotenv\nload_dotenv()\nresult = int(os.getenv('SIZE', '5'))"
SETTINGS = """
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    model_config = {"env_file": ".env"}
    size: int = 5
result = Settings().size
"""


@pytest.mark.parametrize("program", [LOADED, SETTINGS])
@pytest.mark.parametrize(("text", "known"), [("SIZE=12\n", False), ("SIZE='5'  # as it is\n", True), ("OTHER=12\n", True)])
def test_a_default_that_a_loaded_file_replaces_is_none(tmp_path: Path, program: str, text: str, known: bool) -> None:
    value = Project(tmp_path, {"main.py": program, ".env": text}).value()
    assert plain(value) == 5 if known else isinstance(value, Unknown)


def test_a_file_that_nobody_loads_says_nothing(tmp_path: Path) -> None:
    program = "import os\nresult = int(os.getenv('SIZE', '5'))"
    assert plain(Project(tmp_path, {"main.py": program, ".env": "SIZE=12\n"}).value()) == 5


@pytest.mark.parametrize("program", [LOADED, SETTINGS])
def test_what_the_deployment_sets_wins_over_the_file(tmp_path: Path, program: str) -> None:
    project = Project(tmp_path, {"main.py": program, ".env": "SIZE=12\n"})
    assert plain(project.value(environment=variables(SIZE="7"))) == 7


@pytest.mark.parametrize(
    ("loop", "says"),
    [
        ("setattr(config, 'SIZE', value)", "SIZE is also set in patch.py:4"),
        ("setattr(config, name, value)", "SIZE may be set in patch.py:4"),
        ("vars(config)[name] = value", "SIZE may be set in patch.py:4"),
    ],
)
def test_a_reason_says_whether_the_name_is_written_down(tmp_path: Path, loop: str, says: str) -> None:
    patch = f"import os\nfrom config import config\nfor name, value in os.environ.items():\n    {loop}\n"
    files = {"main.py": f"import patch\n{READS['an instance']}", "config.py": CONFIG, "patch.py": patch}
    found = Project(tmp_path, files).value()
    assert isinstance(found, Unknown) and found.reason == says


CONTEXT = (
    "class Context:\n    one = None\n    def __init__(self, size):\n        if Context.one is not None:\n            raise RuntimeError\n"
    "        self.size = size\n        Context.one = self\n    @classmethod\n    def close(cls):\n        cls.one = None\n"
    "def context():\n    if Context.one is None:\n        raise RuntimeError\n    return Context.one\n"
)


def test_where_a_class_keeps_a_place_stands_what_a_function_puts_there(tmp_path: Path) -> None:
    files = {"context.py": CONTEXT, "main.py": "from context import Context, context\nContext(9)\nresult = context().size"}
    assert plain(Project(tmp_path, files).value()) == 9


@pytest.mark.parametrize(
    ("setter", "known"),
    [
        ("def start():\n    Pool.size = 9", 9),
        ("def start():\n    Pool.size = 9\ndef stop():\n    Pool.size = None", 9),
        ("def start():\n    Pool.size = 9\ndef grow():\n    Pool.size = 20", ...),
        ("def stop():\n    Pool.size = None", None),
    ],
)
def test_several_functions_that_put_something_there_leave_it_unknown(tmp_path: Path, setter: str, known: object) -> None:
    value = Project(tmp_path, {"main.py": f"class Pool:\n    size = None\n{setter}\nresult = Pool.size"}).value()
    assert isinstance(value, Unknown) if known is ... else value_of(value, ...) == known


def test_who_fills_the_place_finds_it_empty(tmp_path: Path) -> None:
    text = (
        "class Pool:\n    size = None\n    @classmethod\n    def get(cls):\n        if cls.size is None:\n            cls.size = 9\n"
        "        return cls.size\nresult = Pool.get()"
    )
    assert plain(Project(tmp_path, {"main.py": text}).value()) == 9
