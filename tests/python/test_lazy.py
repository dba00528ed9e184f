"""Attributes that `__getattr__` gives: of lazy settings objects, and of modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluating import Project, plain, variables
from poollint.facts import Known, Unknown

SETTINGS = """
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    size: int = 5
    own: int = 1
def get_settings():
    return Settings()
"""
FORWARDS = {
    "a function": "return getattr(get_settings(), name)",
    "after a guard": "if name.startswith('x'):\n            raise AttributeError(name)\n"
    "        return getattr(get_settings(), name)",
    "a field": "if self._wrapped is None:\n            self._wrapped = get_settings()\n"
    "        return getattr(self._wrapped, name)",
    "a default": "return getattr(get_settings(), name, None)",
    "a branch": "if name == 'size':\n            return get_settings().size\n        raise AttributeError(name)",
}
LAZY = """
class Lazy:
    own = 3
    _wrapped = None
    @property
    def double(self):
        return self.size * 2
    def __getattr__(self, name):
        {body}
settings = Lazy()
"""


def lazy(body: str) -> str:
    return SETTINGS + LAZY.format(body=body)


@pytest.mark.parametrize("body", FORWARDS)
def test_what_is_not_found_is_looked_up_where_the_class_forwards_to(tmp_path: Path, body: str) -> None:
    project = Project(tmp_path, f"{lazy(FORWARDS[body])}result = settings.size\n")
    found = project.alternatives()
    assert {(v.value, v.certainty, v.origin.says) for v in found if isinstance(v, Known)} == {(5, "fallback", "size")}
    assert {plain(value) for value in project.alternatives(environment=variables(SIZE="20"))} == {20}


def test_what_the_class_has_itself_comes_first(tmp_path: Path) -> None:
    text = f"{lazy(FORWARDS['a function'])}result = (settings.own, settings.double)\n"
    assert plain(Project(tmp_path, text).value()) == [3, 10]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (FORWARDS["a function"], "missing"),
        (FORWARDS["a function"], "_size"),
        ("return getattr(self, name)", "size"),
        ("return getattr(somewhere(), name)", "size"),
        ("return self.table[name]", "size"),
    ],
)
def test_what_nothing_forwards_is_not_known(tmp_path: Path, body: str, name: str) -> None:
    assert isinstance(Project(tmp_path, f"{lazy(body)}result = settings.{name}\n").value(), Unknown)


MODULES = {
    "forwarded": "def __getattr__(name):\n    return getattr(get_settings(), name)\n",
    "by its name": "def __getattr__(name):\n    if name == 'size':\n        return get_settings().size\n"
    "    raise AttributeError(name)\n",
}


@pytest.mark.parametrize("function", MODULES)
def test_a_module_makes_what_it_does_not_set(tmp_path: Path, function: str) -> None:
    main = "import conf\nfrom conf import size\nresult = (size, conf.size)\n"
    files = {"conf.py": SETTINGS + MODULES[function], "main.py": main}
    assert plain(Project(tmp_path, files).value()) == [5, 5]


def test_a_name_that_a_module_refuses_is_not_known(tmp_path: Path) -> None:
    files = {"conf.py": SETTINGS + MODULES["by its name"], "main.py": "import conf\nresult = conf.other\n"}
    value = Project(tmp_path, files).value()
    assert isinstance(value, Unknown)
    assert value.reason == "other is not defined there"
